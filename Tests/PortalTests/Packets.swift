import Testing
import Wire

func address(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text)) }

/// A well-formed packet around a payload.
func packet(
    _ source: String, _ destination: String, next: UInt8 = IPProtocol.udp, payload: [UInt8] = []
) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: IPv6Header.size) + payload
    let from = try address(source)
    let to = try address(destination)
    bytes.withUnsafeMutableBytes { raw in
        guard let base = raw.baseAddress else { return }
        IPv6Header.write(
            to: base, payloadLength: UInt16(payload.count), nextHeader: next, hopLimit: 64, source: from,
            destination: to)
    }
    return bytes
}

/// The plain definition of RFC 1071 section 4.1, to compare with.
func slowChecksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
        sum += UInt32(bytes[index]) << 8 + (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        if sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    }
    return ~UInt16(sum)
}

/// Whether the upper layer's checksum over IPv6 is right.
func hasGoodChecksum(_ bytes: [UInt8]) throws -> Bool {
    try bytes.withUnsafeBytes { raw in
        let header = try IPv6Header(raw)
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: header.source, destination: header.destination, length: header.payloadLength,
            nextHeader: header.nextHeader)
        checksum.add(header.payload)
        return checksum.value == 0
    }
}
