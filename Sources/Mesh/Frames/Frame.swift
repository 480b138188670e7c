internal import INET256
internal import Wire

/// A frame: the plaintext of a sealed datagram. Made of bytes it has a layout that was checked as a whole, so that what is asked of
/// it afterwards cannot fail. Each kind is read in one place and written in one, both in this folder. The two that carry the
/// traffic, messages and relay frames, are views of the memory that they came in; what goes out is written where it is sealed
/// (`MeshBox+Emit`).
enum Frame {
    /// Nothing more: "I am here, and these keys work".
    case keepalive
    case message(UnsafeRawBufferPointer, isPartial: Bool)
    case fragment(FragmentFrame)
    case relay(RelayFrame)
    /// A frame of the routing algorithm.
    case control(UnsafeRawBufferPointer)
    case challenge(UInt64)
    case challengeResponse(UInt64)
    /// `count`: of the whole frame, in bytes; behind the number stands padding.
    case sizeProbe(number: UInt32, count: Int)
    /// `size`: of the datagram that had the probe, in bytes.
    case sizeProbeAnswer(number: UInt32, size: UInt32)
    case hello(HelloFrame)
    case ping(EchoBody)
    /// At least `EchoBody.least` bytes long.
    case pong(EchoBody)
    case goodbye
    /// In bytes.
    case relaySize(UInt16)
    case prefix(IPv6Prefix)
    case sameKey(otherHasLink: Bool)
    case candidates(CandidatesFrame)
    case observed(Endpoint)
    case service(UInt8, UnsafeRawBufferPointer)

    /// What is wrong with bytes that are no frame.
    enum Fault: Error { case unknown, malformed, malformedFragment }

    /// Views the bytes of one frame, its kind first; they must stay while it is in use. `flowBytes` is how long the flow's header in
    /// relay frames is.
    @inline(__always)
    init(_ bytes: UnsafeMutableRawBufferPointer, flowBytes: Int = 0) throws(Fault) {
        guard let first = bytes.first, let kind = FrameKind(rawValue: first) else { throw .unknown }
        let body = UnsafeRawBufferPointer(rebasing: bytes[1...])
        // One that is relayed may be longer, by the head that it has.
        guard body.count <= MeshBox.messageLimit || kind == .relay else { throw .malformed }
        switch kind {
        case .message: self = .message(body, isPartial: false)
        case .partialPacket: self = .message(body, isPartial: true)
        case .relay:
            guard let relay = RelayFrame(bytes, flowBytes: flowBytes) else { throw .malformed }
            self = .relay(relay)
        default: try self.init(kind, body)
        }
    }

    /// Those that are not on the way of every packet.
    private init(_ kind: FrameKind, _ body: UnsafeRawBufferPointer) throws(Fault) {
        switch kind {
        case .keepalive: self = .keepalive
        case .goodbye: self = .goodbye
        case .message: self = .message(body, isPartial: false)
        case .partialPacket: self = .message(body, isPartial: true)
        case .control: self = .control(body)
        case .ping: self = .ping(EchoBody(body))
        case .pong:
            guard body.count >= EchoBody.least else { throw .malformed }
            self = .pong(EchoBody(body))
        case .fragment:
            guard let fragment = FragmentFrame(body: body) else { throw .malformedFragment }
            self = .fragment(fragment)
        case .relay: throw .malformed
        case .challenge, .challengeResponse, .sizeProbe, .sizeProbeAnswer, .hello, .relaySize, .prefix, .sameKey,
            .candidates, .observed, .service:
            guard let frame = Self.upkeep(kind, body) else { throw .malformed }
            self = frame
        }
    }

    /// Those of a few bytes, about the session itself.
    private static func upkeep(_ kind: FrameKind, _ body: UnsafeRawBufferPointer) -> Frame? {
        switch kind {
        case .challenge where body.count == 8: .challenge(body.little(0))
        case .challengeResponse where body.count == 8: .challengeResponse(body.little(0))
        case .sizeProbe where body.count >= 4: .sizeProbe(number: body.little(0), count: 1 + body.count)
        case .sizeProbeAnswer where body.count == 8:
            .sizeProbeAnswer(number: body.little(0), size: body.little(4))
        case .hello: HelloFrame(body).map { .hello($0) }
        case .relaySize where body.count == 2: .relaySize(body.little(0))
        case .prefix: prefix(body).map { .prefix($0) }
        case .sameKey where body.count >= SameKeyLayout.count - 1:
            .sameKey(otherHasLink: body[0] & SameKeyLayout.otherHasLink != 0)
        case .candidates: CandidatesFrame(body).map { .candidates($0) }
        case .observed where body.count == ObservedLayout.count - 1: Endpoint(body, at: 0).map { .observed($0) }
        case .service where (1...1 + ServiceLayout.longest).contains(body.count): .service(body[0], body.tail(from: 1))
        default: nil
        }
    }

    private static func prefix(_ body: UnsafeRawBufferPointer) -> IPv6Prefix? {
        guard body.count == PrefixLayout.count - 1, let high = body.big(UInt64.self, at: PrefixLayout.address - 1),
            let low = body.big(UInt64.self, at: PrefixLayout.address + 7)
        else { return nil }
        return IPv6Prefix(IPv6Address(high: high, low: low), length: Int(body[PrefixLayout.length - 1]))
    }

    var kind: FrameKind {
        switch self {
        case .keepalive: .keepalive
        case .message(_, let isPartial): isPartial ? .partialPacket : .message
        case .fragment: .fragment
        case .relay: .relay
        case .control: .control
        case .challenge: .challenge
        case .challengeResponse: .challengeResponse
        case .sizeProbe: .sizeProbe
        case .sizeProbeAnswer: .sizeProbeAnswer
        case .hello: .hello
        case .ping: .ping
        case .pong: .pong
        case .goodbye: .goodbye
        case .relaySize: .relaySize
        case .prefix: .prefix
        case .sameKey: .sameKey
        case .candidates: .candidates
        case .observed: .observed
        case .service: .service
        }
    }
}
