internal import CLinux
internal import Glibc
internal import Synchronization
internal import Testing

/// A network namespace of a test's own: it lives as long as the thread that made it.
package enum NetworkNamespace {
    /// Runs `body` on a new thread in an empty network with its loopback up, and throws what it throws.
    ///
    /// Without the privilege the test is skipped with a word on stderr; where root runs it under CI=true a
    /// skipped test is a failed one.
    package static func run(test: String = #function, _ body: @escaping @Sendable () throws -> Void) throws {
        let work = Work(body)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        try #require(code == 0, "no thread: \(code)")
        pthread_join(thread, nil)
        switch work.outcome.withLock({ $0 }) {
        case .skipped(let reason)?:
            let line = [UInt8]("skipped \(test): \(reason)\n".utf8)
            _ = write(2, line, line.count)
            let isCI = getenv("CI").map { String(cString: $0) } == "true"
            if isCI && geteuid() == 0 { Issue.record("a kernel test was skipped: \(reason)") }
        case .failed(let error)?: throw error
        case .passed?: break
        case nil: Issue.record("the test's thread left no result")
        }
    }

    private enum Outcome: Sendable {
        case passed
        case skipped(String)
        case failed(any Error)
    }

    private final class Work: Sendable {
        let body: @Sendable () throws -> Void
        let outcome = Mutex<Outcome?>(nil)

        init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }

        func run() {
            let result: Outcome
            let entered = clinux_unshare_network()
            let raised = entered == 0 ? clinux_raise_interface_flags("lo", Int16(IFF_UP)) : 0
            if entered != 0 {
                result = .skipped("no network namespace: \(String(cString: strerror(-entered)))")
            } else if raised != 0 {
                result = .skipped("the loopback does not come up: \(String(cString: strerror(-raised)))")
            } else {
                do {
                    try body()
                    result = .passed
                } catch {
                    result = .failed(error)
                }
            }
            outcome.withLock { $0 = result }
        }
    }
}

/// A program that was started in the namespace of the calling thread.
package struct ChildProcess {
    package let id: Int32

    /// Starts `words[0]`, looked up in PATH, without its standard output.
    package init(_ words: String...) throws { try self.init(words) }

    package init(_ words: [String]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var id = pid_t()
        let code = posix_spawnp(&id, words[0], &actions, nil, &arguments, environ)
        try #require(code == 0, "cannot start \(words): \(String(cString: strerror(code)))")
        self.id = id
    }

    /// Waits for its end; gives the exit status.
    package func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        return status
    }
}

/// Runs a program to its end and requires that it succeeds.
package func shell(_ words: String...) throws {
    let status = try ChildProcess(words).wait()
    try #require(status == 0, "\(words.joined(separator: " ")) failed: \(status)")
}
