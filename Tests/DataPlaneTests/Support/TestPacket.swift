import Testing
import Wire

/// Packets that tests make by hand, and what they look at.
enum TestPacket {
    static func make(
        _ source: IPv6Address, _ destination: IPv6Address, next: UInt8 = IPProtocol.noNextHeader,
        trafficClass: UInt8 = 0, payload: [UInt8] = [1, 2, 3]
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: IPv6Header.size)
        bytes.withUnsafeMutableBytes { raw in
            guard let base = raw.baseAddress else { return }
            IPv6Header.write(
                to: base, payloadLength: UInt16(payload.count), nextHeader: next, hopLimit: 64, source: source,
                destination: destination)
            base.storeBytes(of: 0x60 | trafficClass >> 4, as: UInt8.self)
            base.storeBytes(of: trafficClass << 4, toByteOffset: 1, as: UInt8.self)
        }
        return bytes + payload
    }

    static func udp(_ source: IPv6Address, _ destination: IPv6Address, port: UInt16, count: Int = 32) -> [UInt8] {
        let length = UInt16(8 + count)
        let head = [port, 9, length, 0].flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        return make(source, destination, next: IPProtocol.udp, payload: head + [UInt8](repeating: 7, count: count))
    }

    /// An ICMPv6 message with a right checksum.
    static func icmp(
        _ source: IPv6Address, _ destination: IPv6Address, type: UInt8, code: UInt8 = 0, body: [UInt8]
    ) -> [UInt8] {
        var message = [type, code, 0, 0] + body
        var sum = InternetChecksum()
        sum.addPseudoHeader(
            source: source, destination: destination, length: message.count, nextHeader: IPProtocol.icmpv6)
        message.withUnsafeBytes { sum.add($0) }
        message[2] = UInt8(sum.value >> 8)
        message[3] = UInt8(truncatingIfNeeded: sum.value)
        return make(source, destination, next: IPProtocol.icmpv6, payload: message)
    }

    /// A super-packet of TCP as the kernel gives it, behind a virtio header: the checksum is the pseudo-header's sum.
    static func tcpBurst(
        _ source: IPv6Address, _ destination: IPv6Address, payload: [UInt8], segment: UInt16
    ) -> [UInt8] {
        let length = 20 + payload.count
        // Ports, sequence, acknowledgement, offset, ACK, window, checksum, urgent.
        var header: [UInt8] = [0, 80, 1, 187, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 4, 0, 0, 0, 0, 0]
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, length: length, nextHeader: IPProtocol.tcp)
        let part = ~sum.value
        header[16] = UInt8(part >> 8)
        header[17] = UInt8(truncatingIfNeeded: part)
        // Flags: needs checksum; type: TCP over IPv6. Numbers in the machine's order.
        var virtio: [UInt8] = [1, 4]
        for number in [UInt16(60), segment, 40, 16] { withUnsafeBytes(of: number) { virtio += Array($0) } }
        return virtio + make(source, destination, next: IPProtocol.tcp, payload: header + payload)
    }

    /// Type and code of an ICMPv6 message right behind the header; nil for anything else.
    static func icmpKind(_ packet: [UInt8]) -> [UInt8]? {
        guard packet.count > 42, packet[6] == IPProtocol.icmpv6 else { return nil }
        return Array(packet[40..<42])
    }

    static func address(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text)) }
}
