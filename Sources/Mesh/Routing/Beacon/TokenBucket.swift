internal import Wire

/// Lets `burst` events through at once and then one per `interval`. Without a timer: it reckons with the time
/// at which the bucket would be full again (GCRA, as in ATM Forum TM 4.0).
struct TokenBucket {
    private let interval: Interval
    private let tolerance: Interval
    private var fullAt = Instant.distantPast

    init(burst: Int, every interval: Interval) {
        precondition(burst > 0 && interval > .zero, "a bucket holds at least one token and fills at a finite rate")
        self.interval = interval
        tolerance = interval * Int64(burst - 1)
    }

    /// Takes a token if there is one.
    mutating func take(now: Instant) -> Bool {
        guard hasToken(now: now) else { return false }
        fullAt = max(fullAt, now) + interval
        return true
    }

    func hasToken(now: Instant) -> Bool { fullAt - tolerance <= now }
    /// When the next token can be taken; in the past when it can be now.
    var nextToken: Instant { fullAt - tolerance }
}
