import Testing
import Wire

/// Gives out a list of words, the first byte of each being its lowest.
private final class ListedRandom: RandomSource {
    private var words: [UInt64]

    init(_ words: [UInt64]) { self.words = words }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        withUnsafeBytes(of: words.removeFirst().littleEndian) { buffer.copyBytes(from: $0.prefix(buffer.count)) }
    }
}

@Suite struct RandomSourceTests {
    /// The upper half of the word, scaled: nothing gives 0, the most gives the last member, and each member has its share.
    @Test func scalesIntoTheRange() {
        func next(_ word: UInt64, below bound: UInt32) -> UInt32 { ListedRandom([word]).next(below: bound) }
        #expect(next(0, below: 10) == 0)
        #expect(next(.max, below: 10) == 9)
        #expect(next(1 << 63, below: 10) == 5)
        #expect(next(.max, below: UInt32.max) == UInt32.max - 1)
        #expect(next(.max, below: 1) == 0)
        for member in UInt32(1)..<10 {
            // The first upper half that belongs to `member`, and the one before it.
            let first = ((UInt64(member) << 32) + 9) / 10
            #expect(next(first << 32, below: 10) == member)
            #expect(next((first - 1) << 32, below: 10) == member - 1)
        }
    }

    @Test func wordsAreWhatWasFilled() {
        #expect(ListedRandom([0x0102_0304_0506_0708]).next64().littleEndian == 0x0102_0304_0506_0708)
        #expect(ListedRandom([0x1_0000_0002]).next32() == 2)
    }
}
