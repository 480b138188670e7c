package import Wire

/// The NAT Port Mapping Protocol (RFC 6886), PCP's elder, at the same port. All integers in network order.
///
///     ask for the address   0, 0                                                                     2 bytes
///     its answer            0, 128, result (2), epoch (4), address (4)                              12 bytes
///     map UDP               0, 1, zeros (2), internal port (2), external port (2), lifetime (4)     12 bytes
///     its answer            0, 129, result (2), epoch (4), internal port (2), external port (2), lifetime (4)   16 bytes
package enum NATPMPFormat {
    package static let version: UInt8 = 0
    /// Section 3.5: result codes are 16 bits wide; a server that does not know the version says 1.
    package static let unsupportedVersion: UInt16 = 1

    /// What the public address is (section 3.2).
    package static let addressRequest: [UInt8] = [version, 0]

    /// A mapping for UDP (section 3.3). A lifetime of 0 ends it, and then the external port is 0 too (section 3.4).
    package static func mapRequest(internalPort: UInt16, suggested: UInt16, lifetime: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [version, map, 0, 0]
        bytes.appendBig(internalPort)
        bytes.appendBig(suggested)
        bytes.appendBig(lifetime)
        return bytes
    }

    static let responseBit: UInt8 = 0x80
    static let address: UInt8 = 0
    static let map: UInt8 = 1
}

/// What a server says.
package struct NATPMPResponse: Equatable, Sendable {
    package enum Body: Equatable, Sendable {
        /// IPv4-mapped.
        case address(IPv6Address)
        /// The lifetime in seconds.
        case map(internalPort: UInt16, externalPort: UInt16, lifetime: UInt32)
        /// An error, or an answer to another question: only the head is there.
        case none
    }

    package var result: UInt16
    /// Seconds since the server last lost its state; 0 where an answer is too short to have it.
    package var epoch: UInt32
    package var body: Body

    package static let success: UInt16 = 0
    /// Nothing of a server is longer (section 3.3).
    package static let longest = 16

    /// Reads a datagram; nil for one that is none, or is cut short.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.big(UInt8.self, at: 0) == NATPMPFormat.version,
            let opcode = bytes.big(UInt8.self, at: 1), opcode & NATPMPFormat.responseBit != 0,
            let result = bytes.big(UInt16.self, at: 2)
        else { return nil }
        self.result = result
        epoch = bytes.big(UInt32.self, at: 4) ?? 0
        body = .none
        guard result == Self.success else { return }
        guard bytes.big(UInt32.self, at: 4) != nil else { return nil }
        switch opcode & ~NATPMPFormat.responseBit {
        case NATPMPFormat.address:
            guard let value = bytes.big(UInt32.self, at: 8) else { return nil }
            body = .address(IPv6Address(mappedIPv4: value))
        case NATPMPFormat.map:
            guard let internalPort = bytes.big(UInt16.self, at: 8), let external = bytes.big(UInt16.self, at: 10),
                let lifetime = bytes.big(UInt32.self, at: 12)
            else { return nil }
            body = .map(internalPort: internalPort, externalPort: external, lifetime: lifetime)
        default: return nil
        }
    }
}

/// What is wrong, where a server says so (RFC 6886 section 3.5).
package enum NATPMPResult {
    package static func text(_ result: UInt16) -> String {
        switch result {
        case NATPMPFormat.unsupportedVersion: "it speaks another version"
        case 2: "it is switched off there, or not allowed to this machine"
        case 3: "it has no connection itself"
        case 4: "it has no room for another mapping"
        case 5: "it makes no mappings for UDP"
        default: "it answered with error \(result)"
        }
    }
}
