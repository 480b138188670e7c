public import Wire

/// Limits how often something is done: `rate` times a second in the long run, `burst` times at once.
public struct TokenBucket: Sendable {
    /// Time that one use costs.
    private let cost: Interval
    /// Time that the bucket holds when full.
    private let depth: Interval
    /// Credit in time, up to `depth`, as it stood at `updated`.
    private var credit: Interval
    private var updated = Instant.distantPast

    /// Both at least 1; `rate` at most a million a second. It begins full.
    public init(rate: Int, burst: Int) {
        precondition((1...1_000_000).contains(rate) && (1...1_000_000).contains(burst), "an unreasonable limit")
        cost = .seconds(1) / Int64(rate)
        depth = cost * Int64(burst)
        credit = depth
    }

    /// Whether it may be done now; if so, it is counted as done. A clock that steps back gives nothing.
    public mutating func take(now: Instant) -> Bool {
        if now > updated {
            // Compared before adding: after a long time the sum would not fit.
            let passed = now - updated
            credit = passed >= depth - credit ? depth : credit + passed
            updated = now
        }
        guard credit >= cost else { return false }
        credit = credit - cost
        return true
    }
}
