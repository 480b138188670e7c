internal import CLinux
package import Wire

/// The calling thread: what the kernel is told about it, and how it sleeps between bursts.
package enum CurrentThread {
    /// Its name in `top -H` and the like, of which the kernel keeps 15 bytes (prctl(2), PR_SET_NAME).
    package static func setName(_ name: String) { clinux_name_thread(name) }

    /// Has the kernel wake the thread when it asked for, and not up to 50 microseconds later to spare the processor a wake-up
    /// (prctl(2), PR_SET_TIMERSLACK).
    package static func wakePunctually() { clinux_set_timer_slack(1_000) }

    /// Has it run before all ordinary threads of the machine as soon as it has something to do, and as long (sched(7): SCHED_FIFO
    /// at priority 1, the lowest). The kernel still leaves the others a twentieth of the processor. Takes CAP_SYS_NICE or
    /// RLIMIT_RTPRIO of 1.
    package static func runInRealTime() throws(SystemError) {
        let code = clinux_run_in_real_time()
        guard code == 0 else {
            let advice =
                "it takes CAP_SYS_NICE or RLIMIT_RTPRIO of 1; in a systemd unit RestrictRealtime=no, LimitRTPRIO=1 and "
                + "SystemCallFilter=sched_setscheduler"
            throw SystemError("run", "in real time", code: code, advice: advice)
        }
    }

    /// Sleeps for so long, or until a signal.
    package static func nap(_ span: Interval) { clinux_nap(span.nanoseconds) }
}
