extension UInt64 {
    /// The sum, or the largest value where that is less: for counts that a stranger's bytes add to, which must end neither the
    /// process nor at a small number.
    @inlinable
    public func saturated(plus other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
