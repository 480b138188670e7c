import Wire

/// SplitMix64: the same seed, the same run.
final class SeededRandom: RandomSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: next()) }
    }

    func chance(_ probability: Double) -> Bool { Double(next() >> 11) / Double(1 << 53) < probability }

    func interval(_ range: ClosedRange<Interval>) -> Interval {
        let span = UInt64(range.upperBound.nanoseconds - range.lowerBound.nanoseconds)
        return range.lowerBound + Interval(nanoseconds: Int64(next() % (span + 1)))
    }
}
