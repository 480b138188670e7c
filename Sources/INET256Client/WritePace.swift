internal import Glibc
internal import Wire

/// Whether frames come so seldom that each may have a system call of its own: a few at once, or a steady flow
/// in which a call is a small part of the time. Beyond that they go out together.
struct WritePace {
    private var bucket = TokenBucket(burst: 8, every: .microseconds(20))

    mutating func admitsWrite() -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return bucket.take(now: Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)))
    }
}
