import INET256
import Portal
import Wire

/// What people and files give: keys, addresses, endpoints, in binary and as text. Each that is taken must come out as it was.
struct TextTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        if let key = try? PublicKey(serialized: input) {
            demand(key.serialized == input, "a public key in two forms")
            if let point = key.x25519() { demand(point != .zero, "a key without a point") }
        }
        input.withUnsafeBytes { bytes in
            if let key = try? PrivateKey(serialized: bytes) {
                demand(key.serialized().withBytes { Array($0) == input }, "a private key in two forms")
            }
            _ = try? PrivateKey.parse(file: bytes)
        }
        let text = String(decoding: input, as: UTF8.self)
        if let address = Address(text) { demand(address.description == text, "two texts of one address") }
        if let address = IPv6Address(text) {
            demand(IPv6Address(address.description) == address, "\(address) does not come back")
            if let found = IPv6Map.standard.search(for: address) {
                demand((0...Address.bitCount).contains(found.bits), "\(found.bits) bits")
            }
        }
        if let endpoint = Endpoint(text) {
            demand(Endpoint(endpoint.description) == endpoint, "\(endpoint) does not come back")
        }
        _ = IPv4Text.parse(text)
    }
}

/// What nameservers answer.
struct NamesTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        guard let message = input.withUnsafeBytes({ DNSMessage($0) }) else { return }
        demand(message.texts.count + message.services.count <= DNSMessage.mostRecords, "too many records")
        demand(message.texts.allSatisfy { $0.utf8.count <= DNSMessage.longestText }, "a text too long")
        for service in message.services {
            demand(service.port != 0 && (1...253).contains(service.target.utf8.count), "\(service)")
        }
    }
}

/// IP packets from the kernel and from other nodes: the header, the way to the upper layer, the portal's rules and the
/// errors that it answers with.
struct PacketTarget: FuzzTarget {
    private let filter: PortalFilter
    private var errors: ICMPv6Errors
    private var now = Instant(nanoseconds: 1)
    private let peer = IPv6Address(high: 0xfd00 << 48, low: 2)

    init() {
        let own = IPv6Address(high: 0xfd00 << 48, low: 1)
        guard let prefix = IPv6Prefix(IPv6Address(high: 0xfd00 << 48, low: 0), length: 8) else { fatalError() }
        filter = PortalFilter(own: own, prefix: prefix)
        errors = ICMPv6Errors(source: own)
    }

    mutating func run(_ input: [UInt8]) {
        input.withUnsafeBytes { bytes in
            _ = filter.outbound(bytes)
            _ = filter.inbound(bytes, from: peer)
            _ = InternetChecksum.of(bytes)
            guard let header = try? IPv6Header(bytes) else { return }
            demand(header.totalLength <= bytes.count, "a packet longer than its bytes")
            if let upper = header.upperLayer {
                demand(upper.offset <= header.totalLength, "an upper layer behind the end")
            }
            _ = header.packet.count + header.payload.count
            for error in [ICMPv6Error.noRoute, .prohibited, .tooBig(mtu: 1400), .hopLimitExceeded] {
                answer(header, error)
            }
        }
    }

    /// The error must itself be a good packet, with a checksum that is right.
    private mutating func answer(_ packet: IPv6Header, _ error: ICMPv6Error) {
        now = now + .seconds(1)
        withUnsafeTemporaryAllocation(byteCount: ICMPv6Errors.maximumSize, alignment: 16) { target in
            guard let count = try? errors.answer(packet, with: error, into: target, now: now) else { return }
            demand(count <= ICMPv6Errors.maximumSize, "an error of \(count) bytes")
            let written = UnsafeRawBufferPointer(rebasing: target[..<count])
            guard let header = try? IPv6Header(written) else { return demand(false, "an error that is no packet") }
            demand(header.totalLength == count && header.destination == packet.source, "an error to somebody else")
            var sum = InternetChecksum()
            sum.addPseudoHeader(
                source: header.source, destination: header.destination, length: header.payload.count,
                nextHeader: header.nextHeader)
            sum.add(header.payload)
            demand(sum.value == 0, "a wrong checksum")
        }
    }
}
