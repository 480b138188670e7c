package import Wire

/// An ICMPv6 error that tells the sender of a packet why it went no further (RFC 4443 section 3).
package enum ICMPv6Error: Equatable, Sendable {
    /// Destination unreachable, code 0: nobody here knows such an address.
    case noRoute
    /// Destination unreachable, code 1: our policy forbids it.
    case prohibited
    /// Destination unreachable, code 3: known, but not to be reached now.
    case addressUnreachable
    /// Packet too big: the path carries packets of at most `mtu` bytes. Values below 1280 are sent as 1280:
    /// what is smaller the session fragments, and the host could not go below (RFC 8200 section 5).
    case tooBig(mtu: UInt32)
    /// Time exceeded, code 0: the hop limit ran out.
    case hopLimitExceeded

    var type: UInt8 {
        switch self {
        case .noRoute, .prohibited, .addressUnreachable: 1
        case .tooBig: 2
        case .hopLimitExceeded: 3
        }
    }

    var code: UInt8 {
        switch self {
        case .noRoute, .tooBig, .hopLimitExceeded: 0
        case .prohibited: 1
        case .addressUnreachable: 3
        }
    }

    /// The four bytes after the checksum: the MTU, or unused.
    var parameter: UInt32 {
        switch self {
        case .tooBig(let mtu): Swift.max(mtu, UInt32(IPv6Header.minimumMTU))
        case .noRoute, .prohibited, .addressUnreachable, .hopLimitExceeded: 0
        }
    }
}

/// Why a packet got no error in answer.
package enum ICMPv6Silence: Error, Equatable, Sendable {
    /// RFC 4443 section 2.4 (e): an error is not answered, nor multicast, nor a source that is not one node.
    case forbidden
    /// RFC 4443 section 2.4 (f): too many already.
    case rateLimited
    /// The caller's buffer is smaller than `ICMPv6Errors.maximumSize`.
    case noRoom
}

/// Builds ICMPv6 errors, sent from the portal's own address, and limits their number.
///
///      0                   1                   2                   3
///     |     Type      |     Code      |          Checksum             |
///     |                     MTU, or unused (zero)                     |
///     |   as much of the packet as fits without exceeding 1280 bytes  |
package struct ICMPv6Errors: Sendable {
    /// An error is never longer, in bytes (RFC 4443 section 2.4 (c)).
    package static let maximumSize = IPv6Header.minimumMTU
    /// Type, code, checksum and parameter, in bytes.
    static let messageHeaderSize = 8
    /// What the kernel gives packets of its own.
    static let hopLimit: UInt8 = 64

    private let source: IPv6Address
    private var limit: ErrorLimit

    /// `source`: the portal's address.
    package init(source: IPv6Address, limit: ErrorLimit = ErrorLimit()) {
        self.source = source
        self.limit = limit
    }

    /// Writes the error that answers `packet` to `target`, which holds at least `maximumSize` bytes and does
    /// not overlap the packet. Gives the error's length in bytes. Throws when there must be none.
    package mutating func answer(
        _ packet: IPv6Header, with error: ICMPv6Error, into target: UnsafeMutableRawBufferPointer, now: Instant
    ) throws(ICMPv6Silence) -> Int {
        guard target.count >= Self.maximumSize, let base = target.baseAddress else { throw .noRoom }
        guard Self.mayAnswer(packet, with: error) else { throw .forbidden }
        guard limit.take(for: packet.destination, now: now) else { throw .rateLimited }

        let quoted = min(packet.totalLength, Self.maximumSize - IPv6Header.size - Self.messageHeaderSize)
        let length = Self.messageHeaderSize + quoted
        IPv6Header.write(
            to: base, payloadLength: UInt16(length), nextHeader: IPProtocol.icmpv6, hopLimit: Self.hopLimit,
            source: source, destination: packet.source)
        let message = base + IPv6Header.size
        message.storeBytes(of: error.type, as: UInt8.self)
        message.storeBytes(of: error.code, toByteOffset: 1, as: UInt8.self)
        message.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
        message.storeBytes(of: error.parameter.bigEndian, toByteOffset: 4, as: UInt32.self)
        guard let quote = packet.packet.slice(0, quoted) else { throw .noRoom }
        UnsafeMutableRawBufferPointer(start: message + Self.messageHeaderSize, count: quoted).copyMemory(from: quote)

        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: source, destination: packet.source, length: length, nextHeader: IPProtocol.icmpv6)
        checksum.add(UnsafeRawBufferPointer(start: message, count: length))
        message.storeBytes(of: checksum.value.bigEndian, toByteOffset: 2, as: UInt16.self)
        return IPv6Header.size + length
    }

    /// RFC 4443 section 2.4 (e), and silence where the extension headers do not even lead to a next header.
    static func mayAnswer(_ packet: IPv6Header, with error: ICMPv6Error) -> Bool {
        // (e.6) The source must name one node.
        let sender = packet.source
        if sender == .unspecified || sender.isMulticast { return false }
        // (e.3) Multicast is only told that it is too big.
        if packet.destination.isMulticast {
            guard case .tooBig = error else { return false }
        }
        // (e.1, e.2) No errors about errors or redirects.
        guard let upper = packet.upperLayer else { return false }
        guard upper.protocolNumber == IPProtocol.icmpv6 else { return true }
        guard !upper.isLaterFragment, upper.offset < packet.totalLength else { return false }
        let type = packet.packet[upper.offset]
        return type >= firstInformational && type != redirect
    }

    /// ICMPv6 types below are errors, known ones or not (RFC 4443 section 2.1).
    static let firstInformational: UInt8 = 128
    /// RFC 4861 section 4.5.
    private static let redirect: UInt8 = 137
}
