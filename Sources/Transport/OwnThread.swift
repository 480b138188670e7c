internal import Glibc
internal import Synchronization

/// A thread of our own that nobody joins. Foundation's says nothing when the system gives none, and whoever waits for it waits for
/// ever.
public enum OwnThread {
    /// Has `body` run on a new thread.
    /// - Parameter name: for `top -H` and for the error; the kernel keeps 15 bytes.
    /// - Throws: EAGAIN where a limit of threads or of memory is reached.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(TransportError) {
        let code = DetachedThread.start {
            CurrentThread.setName(name)
            body()
        }
        guard code == 0 else { throw failure(code, "the thread \"\(name)\"") }
    }

    /// Tries whether `count` more threads could run beside those that do, by starting them; they have ended when this returns, or end at
    /// once.
    public static func probe(_ count: Int) throws(TransportError) {
        let gate = ThreadGate()
        defer { gate.close() }
        for number in 0..<count {
            let code = DetachedThread.start { _ = gate.pass() }
            guard code == 0 else { throw failure(code, "thread \(number + 1) of \(count) that may be needed") }
        }
    }

    private static func failure(_ code: Int32, _ object: String) -> TransportError {
        TransportError(
            "start", object, code: code,
            advice: code == EAGAIN
                ? "raise the limit of threads (TasksMax= of the systemd unit, pids.max of the control group, `ulimit -u`) or that of "
                    + "memory (`ulimit -v`)" : nil)
    }
}

/// Threads wait here until all of them are wanted, or none.
public final class ThreadGate: Sendable {
    private enum State { case shut, open, closed }
    private let state = Mutex(State.shut)
    private let lock: Lock

    /// A condition variable with its mutex: they have an address of their own for life.
    private final class Lock: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(changed, nil)
        }

        deinit {
            pthread_cond_destroy(changed)
            pthread_mutex_destroy(mutex)
            changed.deallocate()
            mutex.deallocate()
        }
    }

    public init() { lock = Lock() }

    /// Waits; true when the gate is opened, false when it is closed for good.
    public func pass() -> Bool {
        pthread_mutex_lock(lock.mutex)
        defer { pthread_mutex_unlock(lock.mutex) }
        while true {
            switch state.withLock({ $0 }) {
            case .open: return true
            case .closed: return false
            case .shut: pthread_cond_wait(lock.changed, lock.mutex)
            }
        }
    }

    public func open() { settle(.open) }

    /// Whoever waits goes, and does nothing. An open gate stays open.
    public func close() { settle(.closed) }

    private func settle(_ next: State) {
        pthread_mutex_lock(lock.mutex)
        defer { pthread_mutex_unlock(lock.mutex) }
        state.withLock { if $0 == .shut { $0 = next } }
        pthread_cond_broadcast(lock.changed)
    }
}
