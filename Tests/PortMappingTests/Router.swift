import Wire

@testable import PortMapping

/// A router as tests need it: what it would answer to whom.
struct Router {
    static let gateway = IPv6Address(mappedIPv4: 0x0a00_0001)
    static let own = Endpoint(address: IPv6Address(mappedIPv4: 0x0a00_0002), port: 25632)
    static let target = MappingTarget(gateway: gateway, own: own)
    /// 203.0.113.7
    static let external = IPv6Address(mappedIPv4: 0xcb00_7107)

    var speaksPCP = true
    var speaksNATPMP = true
    /// Whether it answers when it is asked for its epoch by PCP.
    var tellsEpoch = true
    var external = Router.external
    /// What it gives in place of the port that is asked for.
    var port: UInt16?
    var lifetime: UInt32?
    var epoch: UInt32 = 100
    var result: UInt8 = 0
    /// Mappings for UDP: the outside port by the inside one.
    private(set) var mappings: [UInt16: UInt16] = [:]
    private(set) var questions: [[UInt8]] = []

    mutating func forget() {
        mappings = [:]
        epoch = 0
    }

    /// What it answers to a datagram; nil for nothing.
    mutating func answer(_ bytes: [UInt8]) -> [UInt8]? {
        questions.append(bytes)
        return bytes.withUnsafeBytes { view in
            guard let version = view.big(UInt8.self, at: 0) else { return nil }
            if version == PCPFormat.version {
                if speaksPCP { return pcp(view) }
                // RFC 6886 section 3.5: version 0, whatever the version asked in.
                return speaksNATPMP ? [0, 128 | (view.big(UInt8.self, at: 1) ?? 0), 0, 1] + count() : nil
            }
            return speaksNATPMP ? natpmp(view) : nil
        }
    }

    private func count() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBig(epoch)
        return bytes
    }

    private mutating func pcp(_ view: UnsafeRawBufferPointer) -> [UInt8]? {
        if view.big(UInt8.self, at: 1) == PCPFormat.announce {
            return tellsEpoch ? [2, 0x80, 0, 0, 0, 0, 0, 0] + count() + [UInt8](repeating: 0, count: 12) : nil
        }
        guard view.count >= 60, let nonce = MappingNonce(view.tail(from: 24)),
            let lifetime = view.big(UInt32.self, at: 4),
            let inside = view.big(UInt16.self, at: 40), let wish = view.big(UInt16.self, at: 42)
        else { return nil }
        let request = PCPMapRequest(
            client: Self.own.address, nonce: nonce, internalPort: inside,
            suggested: Endpoint(address: .unspecified, port: wish), lifetime: lifetime)
        let outside = map(inside, wish, lifetime)
        return Self.pcp(
            request, external: external, port: outside, epoch: epoch, result: result,
            lifetime: lifetime == 0 ? 0 : self.lifetime ?? lifetime)
    }

    private mutating func map(_ inside: UInt16, _ wish: UInt16, _ lifetime: UInt32) -> UInt16 {
        guard result == 0 else { return 0 }
        mappings[inside] = lifetime == 0 ? nil : port ?? (wish == 0 ? 4000 : wish)
        return mappings[inside] ?? 0
    }

    private mutating func natpmp(_ view: UnsafeRawBufferPointer) -> [UInt8]? {
        func head(_ opcode: UInt8) -> [UInt8] { [0, 128 | opcode, 0, result] + count() }
        if view.count == 2 {
            var bytes = head(0)
            bytes.appendBig(external.mappedIPv4 ?? 0)
            return bytes
        }
        guard let inside = view.big(UInt16.self, at: 4), let wish = view.big(UInt16.self, at: 6),
            let lifetime = view.big(UInt32.self, at: 8)
        else { return nil }
        var bytes = head(1)
        bytes.appendBig(inside)
        bytes.appendBig(map(inside, wish, lifetime))
        bytes.appendBig(lifetime == 0 ? 0 : self.lifetime ?? lifetime)
        return bytes
    }

    static func pcp(
        _ request: PCPMapRequest, external: IPv6Address, port: UInt16, epoch: UInt32, result: UInt8 = 0,
        lifetime: UInt32 = 7200
    ) -> [UInt8] {
        var bytes: [UInt8] = [2, 0x81, 0, result]
        bytes.appendBig(lifetime)
        bytes.appendBig(epoch)
        bytes += [UInt8](repeating: 0, count: 12)
        request.nonce.append(to: &bytes)
        bytes += [17, 0, 0, 0]
        bytes.appendBig(request.internalPort)
        bytes.appendBig(port)
        bytes.append(external)
        return bytes
    }
}
