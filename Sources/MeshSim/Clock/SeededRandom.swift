package import Wire

/// A seeded generator (xoshiro256**, seeded by splitmix64): the same seed gives the same bytes on every machine.
/// Not for keys outside the simulator.
package final class SeededRandom: RandomSource {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var mixer = seed
        func mixed() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var z = mixer
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        state = (mixed(), mixed(), mixed(), mixed())
    }

    /// 64 uniformly distributed bits.
    package func next() -> UInt64 {
        func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { x << k | x >> (64 - k) }
        let result = rotate(state.1 &* 5, 7) &* 9
        let t = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= t
        state.3 = rotate(state.3, 45)
        return result
    }

    package func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < buffer.count {
            var word = next().littleEndian
            let count = min(8, buffer.count - offset)
            withUnsafeBytes(of: &word) { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
            }
            offset += count
        }
    }

    /// True in `permille` of a thousand cases.
    package func chance(permille: UInt32) -> Bool { permille > 0 && next(below: 1000) < permille }

    /// A number from 0 to `bound` - 1.
    package func below(_ bound: Int) -> Int { Int(next(below: UInt32(bound))) }

    /// A span within the range, to the nanosecond.
    package func interval(_ range: ClosedRange<Interval>) -> Interval {
        let span = UInt64(range.upperBound.nanoseconds - range.lowerBound.nanoseconds)
        return range.lowerBound + Interval(nanoseconds: Int64(next() % (span + 1)))
    }
}
