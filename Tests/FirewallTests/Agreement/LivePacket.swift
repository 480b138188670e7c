import Wire

@testable import Firewall

/// A packet in bytes, as a well-behaved sender opens a connection, and the signs by which it is known again.
struct LivePacket {
    /// Stands in the flow label, and in the source port or identifier.
    let number: Int
    let packet: FirewallPacket
    let bytes: [UInt8]

    /// The first source port.
    static let firstPort = 20_000

    init(_ number: Int, _ packet: FirewallPacket) {
        self.number = number
        self.packet = packet
        let port = Self.firstPort + number
        let payload = Self.payload(of: packet, port: UInt16(port))
        var bytes =
            Self.big(UInt32(6) << 28 | UInt32(number)) + Self.big(UInt16(payload.count)) + [packet.transport, 64]
        bytes += Self.big(packet.source.high) + Self.big(packet.source.low)
        bytes += Self.big(packet.destination.high) + Self.big(packet.destination.low)
        self.bytes = bytes + payload
    }

    /// The state that connection tracking gives to the first packet of this kind (measured on Linux 6.18, and written in
    /// nf_conntrack_proto_icmpv6.c): of ICMPv6 only echo requests and node information queries open a connection,
    /// neighbour and listener discovery are not tracked, and errors without a known connection are invalid.
    static func state(of packet: FirewallPacket) -> Statement.ConnectionState {
        guard packet.transport == 58 else { return .new }
        switch packet.icmpType {
        case 128, 139: return .new
        case 130...136, 143, 151, 152: return .untracked
        default: return .invalid
        }
    }

    // The upper layers.

    private static func payload(of packet: FirewallPacket, port: UInt16) -> [UInt8] {
        let ports = big(port) + big(packet.destinationPort)
        switch packet.transport {
        case 6:
            // Sequence, acknowledgement, 5 words and SYN, window, checksum, no urgent data (RFC 9293 section 3.1).
            let header = ports + big(UInt32(1)) + big(UInt32(0)) + [0x50, 0x02] + big(UInt16(1024)) + [0, 0, 0, 0]
            return summed(header, at: 16, packet)
        case 17:
            let data = Array("agreement".utf8)
            return summed(ports + big(UInt16(8 + data.count)) + [0, 0] + data, at: 6, packet)
        case 33:
            // A request with its service code: data offset 5, X and type 0, 48 bits of sequence (RFC 4340 section 5.1).
            let header = ports + [5, 0, 0, 0, 0x01, 0] + big(UInt16(0)) + big(UInt32(1)) + big(UInt32(42))
            return summed(header, at: 6, packet)
        case 132:
            // A lone INIT (RFC 9260 section 3.3.2), with the checksum of section 6.8 in little-endian order.
            let chunk = [1, 0, 0, 20] + big(UInt32(1)) + big(UInt32(65536)) + [0, 1, 0, 1] + big(UInt32(1))
            let sum = castagnoli(ports + [0, 0, 0, 0, 0, 0, 0, 0] + chunk)
            return ports + [0, 0, 0, 0] + big(sum.byteSwapped) + chunk
        case 58:
            let header = [packet.icmpType, packet.icmpCode, 0, 0] + big(port) + [0, 1]
            // Errors carry what caused them; here it is nothing that anybody sent.
            return summed(header + (packet.icmpType < 128 ? [UInt8](repeating: 0, count: 48) : []), at: 2, packet)
        default:
            // Linux answers with a reject only what has a right checksum, or what it knows to have none: of a protocol that
            // it does not know it asks for one over the whole payload (nf_reject_verify_csum). Anywhere will do; this is
            // where OSPF has it (RFC 5340 appendix A.3.1).
            return summed([UInt8](repeating: 0, count: 16), at: 12, packet)
        }
    }

    private static func summed(_ payload: [UInt8], at offset: Int, _ packet: FirewallPacket) -> [UInt8] {
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: packet.source, destination: packet.destination, length: payload.count, nextHeader: packet.transport)
        payload.withUnsafeBytes { checksum.add($0) }
        var payload = payload
        payload.replaceSubrange(offset..<offset + 2, with: big(checksum.value))
        return payload
    }

    /// CRC32c, bit by bit.
    private static func castagnoli(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        return ~crc
    }

    private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// What was read from a device, as far as it says something about one of our packets.
enum LiveSign: Hashable {
    /// The packet itself, unaltered but for the hop limit.
    case arrived(Int)
    case reset(Int)
    case prohibited(Int)

    init?(_ bytes: [UInt8], of sent: [LivePacket]) {
        guard bytes.count > 40, bytes[0] >> 4 == 6 else { return nil }
        let label = Self.label(bytes[...])
        if let original = sent.first(where: { $0.number == label }), Self.withoutHopLimit(bytes) == original.known {
            self = .arrived(label)
            return
        }
        let payload = bytes[40...]
        if bytes[6] == 6, payload.count >= 20, payload[53] & 0x04 != 0 {
            // To the port that it came from.
            let number = Int(payload[42]) << 8 + Int(payload[43]) - LivePacket.firstPort
            guard sent.contains(where: { $0.number == number && $0.packet.transport == 6 }) else { return nil }
            self = .reset(number)
        } else if bytes[6] == 58, payload[40] == 1, payload[41] == 1, payload.count > 48 {
            let number = Self.label(payload.dropFirst(8))
            guard sent.contains(where: { $0.number == number }) else { return nil }
            self = .prohibited(number)
        } else {
            return nil
        }
    }

    private static func label(_ packet: ArraySlice<UInt8>) -> Int {
        packet.prefix(4).reduce(0) { $0 << 8 | Int($1) } & 0xf_ffff
    }

    fileprivate static func withoutHopLimit(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes[7] = 0
        return bytes
    }
}

extension LivePacket {
    fileprivate var known: [UInt8] { LiveSign.withoutHopLimit(bytes) }
}
