internal import Glibc
internal import Synchronization

/// Threads wait here until all of them are wanted, or none.
package final class ThreadGate: Sendable {
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

    package init() { lock = Lock() }

    /// Waits; true when the gate is opened, false when it is closed for good.
    package func pass() -> Bool {
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

    package func open() { settle(.open) }

    /// Whoever waits goes, and does nothing. An open gate stays open.
    package func close() { settle(.closed) }

    private func settle(_ next: State) {
        pthread_mutex_lock(lock.mutex)
        defer { pthread_mutex_unlock(lock.mutex) }
        state.withLock { if $0 == .shut { $0 = next } }
        pthread_cond_broadcast(lock.changed)
    }
}
