internal import Foundation

/// What the process costs the machine, as proc(5) and getrusage(2) have it.
struct ProcessNumbers: Sendable {
    var residentBytes: UInt64
    var openFiles: Int
    /// User and system time of all threads.
    var cpuSeconds: Double

    static func current() -> ProcessNumbers {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        // One of them is the folder itself while it is read.
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 1
        return ProcessNumbers(
            residentBytes: ProcessMemory.resident(), openFiles: files - 1,
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }
}
