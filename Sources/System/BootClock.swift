internal import Glibc
package import Wire

/// The clock of the data plane. The mesh layers never read it: whoever runs them passes the time in.
package enum BootClock {
    /// Time since boot from CLOCK_BOOTTIME, which goes on while the machine sleeps: a session's key does
    /// not stay young because the lid was closed. Costs no system call where the vDSO has this clock.
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
