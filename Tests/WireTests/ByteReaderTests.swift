import Testing
import Wire

@Suite struct ByteReaderTests {
    private func read<R>(_ bytes: [UInt8], _ body: (inout ByteReader) -> R) -> R {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return body(&reader)
        }
    }

    @Test func readsInOrder() {
        read([1, 0x12, 0x34, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 9, 8]) { reader in
            #expect(reader.remaining == 11 && !reader.isEmpty)
            #expect(reader.big(UInt8.self) == 1)
            #expect(reader.big(UInt16.self) == 0x1234)
            #expect(reader.little(UInt16.self) == 0x3412)
            #expect(reader.big(UInt32.self) == 0xdead_beef)
            #expect(reader.take(0)?.isEmpty == true)
            #expect(reader.take(2).map(Array.init) == [9, 8])
            #expect(reader.isEmpty && reader.remaining == 0)
        }
    }

    /// What does not fit gives nil and takes nothing, so that a shorter read may still follow.
    @Test func neverReadsPastTheEnd() {
        for count in 0..<40 {
            let bytes = [UInt8](repeating: 0xab, count: count)
            read(bytes) { reader in
                #expect(reader.take(count + 1) == nil)
                #expect(reader.take(-1) == nil)
                #expect(reader.take(.max) == nil)
                #expect((reader.bytes32() != nil) == (count >= 32))
                #expect(reader.remaining == (count >= 32 ? count - 32 : count))
            }
            read(bytes) { reader in
                #expect((reader.big(UInt64.self) != nil) == (count >= 8))
                #expect((reader.little(UInt64.self) != nil) == (count >= 16))
                #expect(reader.remaining == (count >= 16 ? count - 16 : count >= 8 ? count - 8 : count))
            }
        }
    }

    @Test func anEmptyViewHasNothing() {
        var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(reader.isEmpty)
        #expect(reader.take(0)?.count == 0)
        #expect(reader.take(1) == nil)
        #expect(reader.big(UInt8.self) == nil)
        #expect(reader.bytes32() == nil)
    }

    @Test func readsBackWhatWasAppended() throws {
        var bytes: [UInt8] = []
        let value = try #require(Bytes32(Array<UInt8>(32..<64)))
        bytes.appendBig(UInt32(0x0102_0304))
        bytes.appendLittle(UInt32(0x0102_0304))
        bytes.appendBig(Int16(-2))
        bytes.append(value)
        #expect(bytes.prefix(10) == [1, 2, 3, 4, 4, 3, 2, 1, 0xff, 0xfe])
        read(bytes) { reader in
            #expect(reader.big(UInt32.self) == 0x0102_0304)
            #expect(reader.little(UInt32.self) == 0x0102_0304)
            #expect(reader.big(Int16.self) == -2)
            #expect(reader.bytes32() == value)
            #expect(reader.isEmpty)
        }
    }
}
