/// Numbers of the next-header field (IANA "Assigned Internet Protocol Numbers").
public enum IPProtocol {
    public static let hopByHop: UInt8 = 0
    public static let tcp: UInt8 = 6
    public static let udp: UInt8 = 17
    public static let routing: UInt8 = 43
    public static let fragment: UInt8 = 44
    public static let authentication: UInt8 = 51
    public static let icmpv6: UInt8 = 58
    public static let noNextHeader: UInt8 = 59
    public static let destinationOptions: UInt8 = 60
}

/// What an IPv6 packet carries behind its extension headers.
public struct UpperLayer: Equatable, Sendable {
    /// The next-header number of the upper layer.
    public var protocolNumber: UInt8
    /// Where its header begins, in bytes from the start of the packet; at most the packet's length.
    public var offset: Int
    /// A fragment other than the first: there is data at `offset`, but no header.
    public var isLaterFragment: Bool
    /// Behind a fragment header, whichever fragment it is: what is there may not be all of it.
    public var isFragment: Bool

    public init(protocolNumber: UInt8, offset: Int, isLaterFragment: Bool = false, isFragment: Bool = false) {
        self.protocolNumber = protocolNumber
        self.offset = offset
        self.isLaterFragment = isLaterFragment
        self.isFragment = isFragment || isLaterFragment
    }
}

extension IPv6Header {
    /// More extension headers than RFC 8200 section 4.1 lists, some of them twice. A longer chain is somebody
    /// who wants to keep us busy.
    static let maximumExtensionHeaders = 10

    /// Walks the extension headers (RFC 8200 section 4) to the upper layer. Nil when the chain runs out of
    /// the packet or is too long. An unknown next header counts as an upper layer.
    public var upperLayer: UpperLayer? {
        let packet = self.packet
        var next = nextHeader
        var offset = Self.size
        var isLaterFragment = false
        var isFragment = false
        for _ in 0...Self.maximumExtensionHeaders {
            let length: Int
            switch next {
            case IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.destinationOptions:
                guard offset + 2 <= packet.count else { return nil }
                // In units of 8 bytes, not counting the first (RFC 8200 section 4.3).
                length = (Int(packet[offset + 1]) + 1) * 8
            case IPProtocol.authentication:
                guard offset + 2 <= packet.count else { return nil }
                // In units of 4 bytes, less two (RFC 4302 section 2.2).
                length = (Int(packet[offset + 1]) + 2) * 4
            case IPProtocol.fragment:
                length = 8
                guard offset + length <= packet.count else { return nil }
                isFragment = true
                // The offset is in the upper 13 of these 16 bits (RFC 8200 section 4.5).
                isLaterFragment = packet[offset + 2] != 0 || packet[offset + 3] & 0xf8 != 0
            default:
                return UpperLayer(protocolNumber: next, offset: offset, isFragment: isFragment)
            }
            guard offset + length <= packet.count else { return nil }
            next = packet[offset]
            offset += length
            // What follows is the middle of something: it must not be read as a header.
            if isLaterFragment {
                return UpperLayer(protocolNumber: next, offset: offset, isLaterFragment: true)
            }
        }
        return nil
    }
}
