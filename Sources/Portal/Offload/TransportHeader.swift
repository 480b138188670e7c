internal import Wire

/// Where the TCP or UDP header of a packet stands.
struct TransportHeader: Equatable {
    /// `IPProtocol.tcp` or `.udp`.
    var number: UInt8
    /// Where it begins, in bytes from the start of the packet.
    var offset: Int
    /// Its length in bytes, options included: it is all there.
    var length: Int

    /// Where the payload begins, in bytes from the start of the packet.
    var end: Int { offset + length }
    /// Where the checksum is, in bytes from `offset`.
    var checksumOffset: Int { number == IPProtocol.tcp ? TCPField.checksum : UDPField.checksum }

    /// More extension headers are somebody who wants to keep us busy.
    static let maximumExtensionHeaders = 8

    /// Walks over the extension headers that may be copied to every segment. Nil where there is neither TCP nor UDP
    /// behind them, where it is cut off, and behind a fragment header or one that authenticates the payload.
    static func find(in packet: IPv6Header) -> TransportHeader? {
        let bytes = packet.packet
        var next = packet.nextHeader
        var offset = IPv6Header.size
        for _ in 0...maximumExtensionHeaders {
            switch next {
            case IPProtocol.tcp:
                guard offset + TCPField.minimumLength <= bytes.count else { return nil }
                // The data offset, in units of 4 bytes (RFC 9293 section 3.1).
                let length = Int(bytes[offset + TCPField.dataOffset] >> 4) * 4
                guard length >= TCPField.minimumLength, offset + length <= bytes.count else { return nil }
                return TransportHeader(number: next, offset: offset, length: length)
            case IPProtocol.udp:
                guard offset + UDPField.length <= bytes.count else { return nil }
                return TransportHeader(number: next, offset: offset, length: UDPField.length)
            case IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.destinationOptions:
                guard offset + 2 <= bytes.count else { return nil }
                next = bytes[offset]
                // In units of 8 bytes, not counting the first (RFC 8200 section 4.3).
                offset += (Int(bytes[offset + 1]) + 1) * 8
            default:
                return nil
            }
        }
        return nil
    }
}

/// Offsets in the TCP header, in bytes (RFC 9293 section 3.1), and its flags.
enum TCPField {
    static let sequence = 4
    static let acknowledgement = 8
    static let dataOffset = 12
    static let flags = 13
    static let window = 14
    static let checksum = 16
    static let urgent = 18
    static let minimumLength = 20
    static let maximumLength = 60

    static let fin: UInt8 = 0x01
    static let syn: UInt8 = 0x02
    static let rst: UInt8 = 0x04
    static let psh: UInt8 = 0x08
    static let urg: UInt8 = 0x20
    static let cwr: UInt8 = 0x80
}

/// Offsets in the UDP header, in bytes (RFC 768).
enum UDPField {
    static let size = 4
    static let checksum = 6
    /// Of the header.
    static let length = 8
}
