internal import INET256
internal import Wire

extension Frame {
    /// The length in bytes, the kind's included.
    var count: Int {
        switch self {
        case .keepalive, .goodbye: 1
        case .message(let body, _), .control(let body): 1 + body.count
        case .fragment(let fragment): FragmentLayout.header + fragment.bytes.count
        case .relay(let relay): relay.bytes.count
        case .challenge, .challengeResponse, .sizeProbeAnswer: 9
        case .sizeProbe(_, let count): count
        case .hello: HelloLayout.count
        case .ping(let echo), .pong(let echo): 1 + echo.bytes.count
        case .relaySize: 3
        case .prefix: PrefixLayout.count
        case .sameKey: SameKeyLayout.count
        case .candidates(let frame): frame.count
        case .observed: ObservedLayout.count
        case .service(_, let body): 2 + body.count
        }
    }

    /// Writes the frame to where there is room for `count` bytes.
    func write(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: kind.rawValue, as: UInt8.self)
        switch self {
        case .keepalive, .goodbye:
            break
        case .message(let body, _), .control(let body):
            (target + 1).copy(body)
        case .ping(let echo), .pong(let echo):
            (target + 1).copy(echo.bytes)
        case .fragment(let fragment):
            fragment.head.write(to: target)
            (target + FragmentLayout.header).copy(fragment.bytes)
        case .relay(let relay):
            target.copy(UnsafeRawBufferPointer(relay.bytes))
        case .challenge(let number), .challengeResponse(let number):
            target.putLittle(number, 1)
        case .sizeProbe(let number, let count):
            target.putLittle(number, 1)
            (target + 5).initializeMemory(as: UInt8.self, repeating: 0, count: count - 5)
        case .sizeProbeAnswer(let number, let size):
            target.putLittle(number, 1)
            target.putLittle(size, 5)
        case .hello(let hello):
            hello.write(to: target)
        case .relaySize(let size):
            target.putLittle(size, 1)
        case .prefix(let prefix):
            target.putLittle(UInt8(clamping: prefix.length), PrefixLayout.length)
            target.putLittle(prefix.address.high.byteSwapped, PrefixLayout.address)
            target.putLittle(prefix.address.low.byteSwapped, PrefixLayout.address + 8)
        case .sameKey(let otherHasLink):
            target.putLittle(otherHasLink ? SameKeyLayout.otherHasLink : 0, 1)
        case .candidates(let frame):
            frame.write(to: target)
        case .observed(let endpoint):
            endpoint.write(to: target, at: 1)
        case .service(let purpose, let body):
            target.putLittle(purpose, 1)
            (target + 2).copy(body)
        }
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func copy(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { copyMemory(from: base, byteCount: bytes.count) }
    }
}
