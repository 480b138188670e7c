import Testing

@testable import Portal

/// Super-packets count as what they stand for.
@Suite struct PacketCountTests {
    private static func given(_ type: UInt8, segment: UInt16, payload: Int, words: UInt8 = 8, transport: UInt16 = 40)
        -> [UInt8]
    {
        var header = VirtioHeader()
        header.type = type
        header.segmentSize = segment
        header.checksumStart = transport
        let heads = type & ~VirtioHeader.congestion == VirtioHeader.udp ? 8 : Int(words) * 4
        var bytes = [UInt8](repeating: 0, count: VirtioHeader.size + 40 + heads + payload)
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { header.store(to: base) } }
        bytes[VirtioHeader.size + 40 + 12] = words << 4
        return bytes
    }

    private static func counted(_ given: [UInt8], headerSize: Int = VirtioHeader.size) -> [Int] {
        given.withUnsafeBytes {
            let packets = VirtioHeader.packets(in: $0, headerSize)
            return [packets.count, packets.bytes]
        }
    }

    @Test func segmentsAndTheirHeaders() {
        // TCP with 12 bytes of options: heads of 72 bytes.
        #expect(Self.counted(Self.given(VirtioHeader.tcp, segment: 1000, payload: 3001)) == [4, 3001 + 4 * 72])
        #expect(Self.counted(Self.given(VirtioHeader.tcp, segment: 1000, payload: 3000)) == [3, 3000 + 3 * 72])
        #expect(
            Self.counted(Self.given(VirtioHeader.tcp | VirtioHeader.congestion, segment: 1000, payload: 1)) == [1, 73])
        #expect(Self.counted(Self.given(VirtioHeader.udp, segment: 500, payload: 1000)) == [2, 1000 + 2 * 48])
    }

    @Test func singlePacketsAndNonsense() {
        #expect(Self.counted(Self.given(VirtioHeader.single, segment: 0, payload: 100)) == [1, 172])
        #expect(Self.counted(Self.given(VirtioHeader.tcp, segment: 0, payload: 100)) == [1, 172])
        #expect(Self.counted(Self.given(VirtioHeader.tcp, segment: 10, payload: 100, transport: 60000)) == [1, 172])
        #expect(Self.counted([UInt8](repeating: 0, count: 100), headerSize: 0) == [1, 100])
        #expect(Self.counted([1, 2, 3]) == [1, 0])
    }
}
