internal import Wire

/// What protocol logic takes for chance, from a seed: the same bytes for the same one.
package final class SeededRandom: RandomSource {
    private var numbers: SplitMix

    package init(seed: UInt64) { numbers = SplitMix(seed: seed) }

    package func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: numbers.next()) }
    }

    package func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fill($0) }
        return bytes
    }

    /// A seed of this run, named in the comment of whatever fails with it.
    package static func freshSeed() -> UInt64 { UInt64.random(in: .min ... .max) }
}
