internal import Wire

/// Keeps a deadline that does not move from burning a processor: turns that began for a deadline alone, moved nothing and left
/// it where it was are allowed a few times in a row, and then one a millisecond. Whoever owns the deadline is at fault; the
/// count in `status` says that it happened.
struct TurnGuard {
    /// So many may follow each other: what is done often makes something else due at once.
    private static let inARow = 16
    private static let pause: Interval = .milliseconds(1)

    private var idle = 0
    /// How often a turn was put off.
    private(set) var held: UInt64 = 0

    /// When to wake up, given when something is `due`. `wasIdle` says that the turn before had no event and moved nothing.
    mutating func wake(due: Instant, wasIdle: Bool, now: Instant) -> Instant {
        guard wasIdle, due <= now else {
            idle = 0
            return due
        }
        idle += 1
        guard idle > Self.inARow else { return due }
        held &+= 1
        return now + Self.pause
    }
}
