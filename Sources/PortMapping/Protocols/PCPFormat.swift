package import Wire

/// The Port Control Protocol (RFC 6887), as far as a mapping for UDP needs it. All integers in network order.
///
///     request    version 2, opcode, zeros (2), lifetime (4), client's address (16)                            24 bytes
///     response   version 2, opcode | 0x80, zero, result, lifetime (4), epoch (4), zeros (12)                  24 bytes
///     MAP        nonce (12), protocol, zeros (3), internal port (2), external port (2), external address (16) 36 bytes
package enum PCPFormat {
    package static let version: UInt8 = 2
    /// Section 7.2 and 7.1.
    package static let headBytes = 24
    /// Section 11.1.
    package static let mapBytes = 36
    package static let requestBytes = headBytes + mapBytes
    /// Section 7: no message is longer.
    package static let longest = 1100
    /// Section 19.1: where servers listen; and where clients hear that a server has begun anew.
    package static let serverPort: UInt16 = 5351
    package static let clientPort: UInt16 = 5350

    /// Asks whether the server is there, and for its epoch (section 14.1). `client` as in `PCPMapRequest`.
    package static func announceRequest(client: IPv6Address) -> [UInt8] {
        var bytes: [UInt8] = [version, announce, 0, 0, 0, 0, 0, 0]
        bytes.append(client)
        return bytes
    }

    static let responseBit: UInt8 = 0x80
    static let announce: UInt8 = 0
    static let map: UInt8 = 1
    static let udp: UInt8 = 17
}

/// A mapping as it is asked for. A lifetime of 0 ends it.
package struct PCPMapRequest: Equatable, Sendable {
    /// The client's own address, which the server holds against the packet's source (IPv4 ones IPv4-mapped).
    package var client: IPv6Address
    /// Names the mapping: only who knows it may change it.
    package var nonce: MappingNonce
    package var internalPort: UInt16
    /// What would be liked outside; port 0 and an unspecified address for whatever there is.
    package var suggested: Endpoint
    /// In seconds.
    package var lifetime: UInt32

    package init(
        client: IPv6Address, nonce: MappingNonce, internalPort: UInt16, suggested: Endpoint, lifetime: UInt32
    ) {
        self.client = client
        self.nonce = nonce
        self.internalPort = internalPort
        self.suggested = suggested
        self.lifetime = lifetime
    }

    /// 60 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = [PCPFormat.version, PCPFormat.map, 0, 0]
        bytes.reserveCapacity(PCPFormat.requestBytes)
        bytes.appendBig(lifetime)
        bytes.append(client)
        nonce.append(to: &bytes)
        bytes += [PCPFormat.udp, 0, 0, 0]
        bytes.appendBig(internalPort)
        bytes.appendBig(suggested.port)
        bytes.append(suggested.address)
        return bytes
    }
}

/// What a server says.
package struct PCPResponse: Equatable, Sendable {
    package enum Body: Equatable, Sendable {
        /// To everybody: the server is there, and its epoch tells whether it has forgotten.
        case announcement
        case map(nonce: MappingNonce, internalPort: UInt16, external: Endpoint)
    }

    package var result: UInt8
    /// In seconds: of the mapping, or how long an error stays one.
    package var lifetime: UInt32
    /// Seconds since the server last lost its state.
    package var epoch: UInt32
    package var body: Body

    package static let success: UInt8 = 0

    /// Reads a datagram; nil for one that is none, is cut short, or answers something else.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= PCPFormat.longest, bytes.big(UInt8.self, at: 0) == PCPFormat.version,
            let opcode = bytes.big(UInt8.self, at: 1), opcode & PCPFormat.responseBit != 0,
            let result = bytes.big(UInt8.self, at: 3), let lifetime = bytes.big(UInt32.self, at: 4),
            let epoch = bytes.big(UInt32.self, at: 8), bytes.count >= PCPFormat.headBytes
        else { return nil }
        switch opcode & ~PCPFormat.responseBit {
        case PCPFormat.announce: body = .announcement
        case PCPFormat.map:
            guard let map = Self.map(bytes.tail(from: PCPFormat.headBytes)) else { return nil }
            body = map
        default: return nil
        }
        self.result = result
        self.lifetime = lifetime
        self.epoch = epoch
    }

    private static func map(_ bytes: UnsafeRawBufferPointer) -> Body? {
        guard let nonce = MappingNonce(bytes), bytes.big(UInt8.self, at: 12) == PCPFormat.udp,
            let internalPort = bytes.big(UInt16.self, at: 16), let port = bytes.big(UInt16.self, at: 18),
            let address = bytes.slice(20, IPv6Address.count)?.baseAddress
        else { return nil }
        return .map(
            nonce: nonce, internalPort: internalPort,
            external: Endpoint(address: IPv6Address(loading: address), port: port))
    }
}

/// 96 random bits (RFC 6887 section 11.1).
package struct MappingNonce: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt32

    package init(_ random: any RandomSource) {
        high = random.next64()
        low = random.next32()
    }

    /// From the first 12 bytes; nil where there are fewer.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let high = bytes.big(UInt64.self, at: 0), let low = bytes.big(UInt32.self, at: 8) else { return nil }
        self.high = high
        self.low = low
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendBig(high)
        bytes.appendBig(low)
    }
}

extension [UInt8] {
    mutating func append(_ address: IPv6Address) {
        appendBig(address.high)
        appendBig(address.low)
    }
}

/// What is wrong, where a server says so (RFC 6887 section 7.4).
package enum PCPResult {
    /// It speaks another version, in which it says so: NAT-PMP's servers give this too.
    package static let unsupportedVersion: UInt8 = 1

    /// For people.
    package static func text(_ result: UInt8) -> String {
        switch result {
        case unsupportedVersion: "it speaks another version"
        case 2: "it is switched off there, or not allowed to this machine"
        case 3, 5, 6: "it does not understand the question (\(result))"
        case 4, 9: "it makes no mappings for UDP"
        case 7: "it has no connection itself"
        case 8: "it has no room for another mapping"
        case 10: "this machine has as many mappings as it may have"
        case 11: "the outside port cannot be had"
        case 12: "there is another router between it and this machine"
        case 13: "it cannot let everybody in"
        default: "it answered with error \(result)"
        }
    }
}
