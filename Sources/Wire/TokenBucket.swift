/// Limits how often something is done: `burst` times at once and then once per interval. Without a timer: it reckons with the
/// time at which the bucket would be full again (GCRA, as in ATM Forum TM 4.0). A clock that steps back gives nothing.
public struct TokenBucket: Sendable {
    private let interval: Interval
    private let tolerance: Interval
    private var fullAt = Instant.distantPast

    /// Full at first. `burst` is at least 1, `interval` more than zero.
    public init(burst: Int, every interval: Interval) {
        precondition(burst > 0 && interval > .zero, "a bucket holds at least one token and fills at a finite rate")
        self.interval = interval
        tolerance = interval * Int64(burst - 1)
    }

    /// `rate` times a second in the long run; 1 to a million.
    public init(rate: Int, burst: Int) {
        precondition((1...1_000_000).contains(rate), "an unreasonable limit")
        self.init(burst: burst, every: .seconds(1) / Int64(rate))
    }

    /// Takes a token if there is one.
    public mutating func take(now: Instant) -> Bool {
        guard hasToken(now: now) else { return false }
        fullAt = max(fullAt, now) + interval
        return true
    }

    public func hasToken(now: Instant) -> Bool { fullAt - tolerance <= now }

    /// When the next token can be taken; in the past when it can be now.
    public var nextToken: Instant { fullAt - tolerance }
}
