internal import Glibc
internal import Synchronization

/// Gives the log's thread a moment to write what was said before the program breaks off: a failed precondition and the like
/// end it on the spot, and the last lines are those that tell why.
enum CrashFlush {
    private static let signals = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE]

    /// Once, before other threads are started.
    static func install() {
        // Touched here, so that the handler finds it made.
        _ = unwrittenLines.load(ordering: .relaxed)
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = waitForTheLog
            sigaction(number, &action, &earlier[Int(number)])
        }
    }
}

/// What was done about each signal before, by its number. Written before there are other threads.
nonisolated(unsafe) private let earlier: UnsafeMutablePointer<sigaction> = {
    let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)
    actions.initialize(repeating: sigaction(), count: 65)
    return actions
}()

/// Calls nothing but what signal-safety(7) allows; then has done what would have been done without it.
private func waitForTheLog(_ number: Int32) {
    // Half a second in all: without a reader nothing helps.
    var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
    for _ in 0..<50 where unwrittenLines.load(ordering: .relaxed) > 0 { nanosleep(&pause, nil) }
    sigaction(number, &earlier[Int(number)], nil)
    raise(number)
}
