internal import Glibc
package import Testing

/// Runs `body` in a network namespace of its own, on a thread of its own, and returns when both are gone.
///
/// Only that thread enters the namespace (unshare(2)), so tests may run side by side in one process. The
/// body is synchronous: all of it runs on the thread, as do the programs that it starts.
///
/// Without the privilege the test is skipped with a word on standard error. On a build machine (CI=true, root)
/// that is a failure, lest a kernel test be green because it never ran.
package func isolated(
    _ sourceLocation: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable () throws -> Void
) async throws {
    let thread = NamespaceThread()
    defer { thread.end() }
    guard thread.failure == 0 else {
        let reason = "no network namespace: \(String(cString: strerror(thread.failure))) (run as root)"
        let notice = Array("kernel test skipped: \(reason)\n".utf8)
        _ = write(STDERR_FILENO, notice, notice.count)
        if getenv("CI").map({ String(cString: $0) }) == "true", getuid() == 0 {
            Issue.record("\(reason)", sourceLocation: sourceLocation)
        }
        return
    }
    try await withTaskExecutorPreference(thread) { try body() }
}

/// A thread in a network namespace that lives as long as the thread. As a task executor it runs the jobs given to it
/// there, so that failed expectations still know which test they belong to.
private final class NamespaceThread: TaskExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var started = false
    private var ended = false
    private var thread = pthread_t()
    /// The errno of unshare(2); 0 when the thread is in a namespace of its own.
    private(set) var failure: Int32 = 0

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        let unmanaged = Unmanaged.passRetained(self)
        let created = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<NamespaceThread>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, unmanaged.toOpaque())
        precondition(created == 0, "pthread_create: \(created)")
        locked { while !started { pthread_cond_wait(changed, mutex) } }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        locked {
            jobs.append(job)
            pthread_cond_broadcast(changed)
        }
    }

    func end() {
        locked {
            ended = true
            pthread_cond_broadcast(changed)
        }
        pthread_join(thread, nil)
    }

    private func run() {
        let code = Syscalls.unshareNetwork()
        locked {
            failure = code
            started = true
            pthread_cond_broadcast(changed)
        }
        while let job = nextJob() { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private func nextJob() -> UnownedJob? {
        locked {
            while jobs.isEmpty && !ended { pthread_cond_wait(changed, mutex) }
            return jobs.isEmpty ? nil : jobs.removeFirst()
        }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

/// Functions that glibc has and Swift's Glibc module does not show.
package enum Syscalls {
    private static func symbol<F>(_ name: String, as _: F.Type) -> F? {
        dlsym(nil, name).map { unsafeBitCast($0, to: F.self) }
    }

    /// Moves the calling thread to a new network namespace; 0 or the errno.
    package static func unshareNetwork() -> Int32 {
        typealias Unshare = @convention(c) (Int32) -> Int32
        let newNetwork: Int32 = 0x4000_0000
        guard let unshare = symbol("unshare", as: Unshare.self) else { return ENOSYS }
        return unshare(newNetwork) == 0 ? 0 : errno
    }

    /// Takes a capability out of the calling thread's effective set (capset(2)); its permitted set stays.
    package static func dropEffective(_ capability: UInt32) -> Bool {
        typealias Call = @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int32
        guard let get = symbol("capget", as: Call.self), let set = symbol("capset", as: Call.self) else { return false }
        var header: [UInt32] = [0x2008_0522, 0]
        // Effective, permitted, inheritable: of the low 32 capabilities, then of the high ones.
        var sets = [UInt32](repeating: 0, count: 6)
        guard get(&header, &sets) == 0 else { return false }
        sets[0] &= ~(1 << capability)
        return set(&header, &sets) == 0
    }
}
