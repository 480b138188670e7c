internal import CLinux
public import Wire

/// The calling thread: what the kernel is told about it, and how it sleeps between bursts.
public enum CurrentThread {
    /// Its name in `top -H` and the like, of which the kernel keeps 15 bytes (prctl(2), PR_SET_NAME).
    public static func setName(_ name: String) { clinux_name_thread(name) }

    /// Has the kernel wake the thread when it asked for, and not up to 50 microseconds later to spare the processor a wake-up
    /// (prctl(2), PR_SET_TIMERSLACK).
    public static func wakePunctually() { clinux_set_timer_slack(1_000) }

    /// Sleeps for so long, or until a signal.
    public static func nap(_ span: Interval) { clinux_nap(span.nanoseconds) }
}
