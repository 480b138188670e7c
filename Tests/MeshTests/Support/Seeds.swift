import MeshSim
import Testing
import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// A run's randomness: a new seed each time, printed with whatever fails. `MESH_TEST_SEED=N` repeats a run.
enum Seeds {
    static func fresh() -> UInt64 {
        if let fixed = getenv("MESH_TEST_SEED"), let seed = UInt64(String(cString: fixed)) { return seed }
        return UInt64.random(in: 0...UInt64(UInt32.max))
    }

    /// `count` seeds of one run.
    static func several(_ count: Int) -> [UInt64] {
        let first = fresh()
        return (0..<UInt64(count)).map { first &+ $0 }
    }
}

extension MeshSim.SeededRandom {
    func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fill($0) }
        return bytes
    }

    /// A length from 0 to `most`, small ones as likely as large ones.
    func length(upTo most: Int) -> Int {
        let bits = next(below: UInt32(Int.bitWidth - most.leadingZeroBitCount) + 1)
        return min(most, Int(next(below: 1 << bits)))
    }

    /// A copy with one to eight bits flipped.
    func flipped(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var out = bytes
        for _ in 0...next(below: 8) { out[Int(next(below: UInt32(out.count)))] ^= 1 << UInt8(next(below: 8)) }
        return out
    }
}

extension [UInt8] {
    /// A copy whose byte at `place` differs.
    func altered(at place: Int, by mask: UInt8 = 0x40) -> [UInt8] {
        var out = self
        out[place] ^= mask
        return out
    }
}
