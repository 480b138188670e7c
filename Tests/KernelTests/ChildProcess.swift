import Foundation

/// A process started with posix_spawn(3), with its output in two files. Foundation's `Process` is not used: it keeps several
/// descriptors for each process, and its `run` reads past a page when this process has many open (swift-corelibs-foundation
/// of Swift 6.3). The tests start thousands.
final class ChildProcess: @unchecked Sendable {
    let identifier: pid_t
    private let lock = NSLock()
    /// Nil while it runs.
    private var status: Int32?
    private var waiting: [CheckedContinuation<Int32, Never>] = []

    /// Starts `words`; the first is looked up in PATH. Throws the error number.
    init(
        _ words: [String], environment: [String: String], output: String, errors: String
    ) throws(SpawnError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        for (descriptor, path) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        }

        // The threads that run tests block nearly all signals, and a child inherits that from the thread that starts it:
        // it would never hear SIGTERM.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var arguments = words.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw SpawnError(code: code) }
        identifier = pid
        Thread.detachNewThread { self.awaitEnd() }
    }

    var isRunning: Bool { lock.withLock { status == nil } }

    /// Sends a signal, unless the process has ended: its number may be another's by then.
    func signal(_ number: Int32) {
        lock.withLock { if status == nil { kill(identifier, number) } }
    }

    /// Its exit code, or 128 plus the number of the signal that ended it.
    func ended() async -> Int32 {
        await withCheckedContinuation { continuation in
            let known = lock.withLock {
                if status == nil { waiting.append(continuation) }
                return status
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func awaitEnd() {
        var info = siginfo_t()
        // Left as a zombie at first, so that `signal` never meets a number that is free.
        while waitid(P_PID, id_t(identifier), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (code, woken) = lock.withLock {
            var raw: Int32 = 0
            while waitpid(identifier, &raw, 0) < 0, errno == EINTR {}
            // <bits/waitstatus.h>: the low seven bits are the signal, the next byte is the exit code.
            let signal = raw & 0x7f
            let code = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
            status = code
            defer { waiting = [] }
            return (code, waiting)
        }
        for continuation in woken { continuation.resume(returning: code) }
    }
}

/// Why a process was not started.
struct SpawnError: Error, CustomStringConvertible {
    let code: Int32
    var description: String { String(cString: strerror(code)) }
}
