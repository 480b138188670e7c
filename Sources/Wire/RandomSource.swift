/// Where unpredictable bytes come from. The operating system in production, a seeded generator in
/// the simulator: protocol logic takes it as an argument, so a run can be repeated byte for byte.
public protocol RandomSource: AnyObject {
    /// Fills the whole buffer with random bytes.
    func fill(_ buffer: UnsafeMutableRawBufferPointer)
}

extension RandomSource {
    /// 64 uniformly random bits.
    public func next64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }

    /// 32 uniformly random bits.
    public func next32() -> UInt32 { UInt32(truncatingIfNeeded: next64()) }

    /// A value in 0..<bound. `bound` must not be zero; the bias is below 2^-32 for 32-bit bounds.
    public func next(below bound: UInt32) -> UInt32 {
        precondition(bound > 0, "an empty range has no member")
        return UInt32(truncatingIfNeeded: ((next64() >> 32) * UInt64(bound)) >> 32)
    }
}
