internal import Wire

/// So many a second and so many at once.
struct TokenBucket {
    private let perSecond: Int64
    private let burst: Int64
    private var tokens: Int64
    private var updated: Instant = .distantPast

    init(perSecond: Int64, burst: Int64) {
        self.perSecond = perSecond
        self.burst = burst
        // In thousandths, so that slow rates fill between calls.
        tokens = burst * 1000
    }

    mutating func take(_ now: Instant) -> Bool {
        let elapsed = min((now - updated).nanoseconds, 60_000_000_000)
        let gained = elapsed / 1_000 * perSecond / 1_000
        if gained > 0 {
            tokens = min(burst * 1000, tokens + gained)
            updated = now
        }
        guard tokens >= 1000 else { return false }
        tokens -= 1000
        return true
    }
}
