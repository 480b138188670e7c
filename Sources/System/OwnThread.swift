internal import Glibc

/// A thread of our own that nobody joins. Foundation's says nothing when the system gives none, and whoever waits for it waits for
/// ever.
package enum OwnThread {
    /// Has `body` run on a new thread.
    /// - Parameter name: for `top -H` and for the error; the kernel keeps 15 bytes.
    /// - Throws: EAGAIN where a limit of threads or of memory is reached, and nobody has made room for a second.
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var code = EAGAIN
        for _ in 0..<patience {
            code = DetachedThread.start {
                CurrentThread.setName(name)
                body()
            }
            guard code == EAGAIN else { break }
            // A thread has its place until the kernel is through with it, which is after all that it does: those that have just been let
            // go may still be in the way.
            usleep(pause)
        }
        guard code == 0 else { throw failure(code, "the thread \"\(name)\"") }
    }

    private static let patience = 100
    /// In microseconds.
    private static let pause: UInt32 = 10_000

    /// Tries whether `count` more threads could run beside those that do, by starting them; they have ended when this returns, or end at
    /// once.
    package static func probe(_ count: Int) throws(SystemError) {
        let gate = ThreadGate()
        defer { gate.close() }
        for number in 0..<count {
            let code = DetachedThread.start { _ = gate.pass() }
            guard code == 0 else { throw failure(code, "thread \(number + 1) of \(count) that may be needed") }
        }
    }

    private static func failure(_ code: Int32, _ object: String) -> SystemError {
        SystemError(
            "start", object, code: code,
            advice: code == EAGAIN
                ? "raise the limit of threads (TasksMax= of the systemd unit, pids.max of the control group, `ulimit -u`) or that of "
                    + "memory (`ulimit -v`)" : nil)
    }
}
