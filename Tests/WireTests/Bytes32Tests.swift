import Testing
import Wire

@Suite struct Bytes32Tests {
    @Test func keepsItsBytes() throws {
        let bytes = Array<UInt8>(0..<32)
        let value = try #require(Bytes32(bytes))
        #expect(value.bytes == bytes)
        #expect(value.withBytes { Array($0) } == bytes)
        var stored = [UInt8](repeating: 0xff, count: 34)
        stored.withUnsafeMutableBytes { buffer in
            // Off by one on purpose: no alignment is asked for.
            if let base = buffer.baseAddress { value.store(to: base + 1) }
        }
        #expect(stored == [0xff] + bytes + [0xff])
        #expect(stored.withUnsafeBytes { $0.baseAddress.map { Bytes32(loading: $0 + 1) } } == value)
        #expect(Bytes32.zero.bytes == [UInt8](repeating: 0, count: 32))
        for count in [0, 1, 31, 33, 64] { #expect(Bytes32([UInt8](repeating: 0, count: count)) == nil) }
    }

    @Test func comparesAsBytesDo() throws {
        for index in 0..<32 {
            var bytes = [UInt8](repeating: 0x7f, count: 32)
            let middle = try #require(Bytes32(bytes))
            bytes[index] = 0x80
            let above = try #require(Bytes32(bytes))
            bytes[index] = 0x7e
            let below = try #require(Bytes32(bytes))
            #expect(below < middle && middle < above && below < above)
            #expect(!(middle < below) && !(middle < middle))
            #expect(below != middle && above != middle && middle == middle)
            #expect(Set([below, middle, above, middle]).count == 3)
        }
    }
}
