internal import CLinux
public import Wire

/// How the calling thread sleeps between bursts.
public enum Sleep {
    /// Has the kernel wake the thread when it asked for, and not up to 50 microseconds later to spare the processor a wake-up
    /// (prctl(2), PR_SET_TIMERSLACK).
    public static func beginPunctually() { clinux_set_timer_slack(1_000) }

    /// Sleeps for so long, or until a signal.
    public static func nap(_ span: Interval) { clinux_nap(span.nanoseconds) }
}
