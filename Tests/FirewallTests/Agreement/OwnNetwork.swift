import Glibc
import TestSupport

/// A network namespace that lives as long as the thread that made it.
enum OwnNetwork {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs `body` on a new thread in an empty network, and gives what it gives. No namespace is a failure, never a skip.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) throws -> R {
        let work = Work(body)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<AnyWork>.fromOpaque(argument).takeUnretainedValue().run()
                return nil
            }, Unmanaged<AnyWork>.passUnretained(work).toOpaque())
        guard code == 0 else { throw Failure(description: "no thread: \(errorText(code))") }
        pthread_join(thread, nil)
        guard let result = work.result else { throw Failure(description: "the thread left no result") }
        return try result.get()
    }

    /// Runs a script in the calling thread's network.
    /// - Returns: what it wrote on standard output.
    @discardableResult
    static func shell(_ script: String, input: String = "") throws -> String {
        // Files without names: nothing can block on a full pipe, and nothing is left behind.
        guard let stdin = tmpfile(), let stdout = tmpfile() else {
            throw Failure(description: "no scratch file: \(errorText(errno))")
        }
        defer {
            fclose(stdin)
            fclose(stdout)
        }
        for file in [stdin, stdout] { _ = fcntl(fileno(file), F_SETFD, FD_CLOEXEC) }
        let bytes = Array(input.utf8)
        guard write(fileno(stdin), bytes, bytes.count) == bytes.count, lseek(fileno(stdin), 0, SEEK_SET) == 0 else {
            throw Failure(description: "cannot write the input: \(errorText(errno))")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, fileno(stdin), 0)
        posix_spawn_file_actions_adddup2(&actions, fileno(stdout), 1)
        posix_spawn_file_actions_adddup2(&actions, fileno(stdout), 2)
        let words = ["/bin/sh", "-ec", "PATH=/usr/sbin:/usr/bin:/sbin:/bin; \(script)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let code = posix_spawn(&child, "/bin/sh", &actions, nil, &arguments, environ)
        guard code == 0 else { throw Failure(description: "cannot start a shell: \(errorText(code))") }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let output = contents(fileno(stdout))
        guard status == 0 else { throw Failure(description: "\(script) failed: \(output)\n\(input)") }
        return output
    }

    private static func contents(_ file: Int32) -> String {
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        lseek(file, 0, SEEK_SET)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += chunk[0..<count]
        }
    }

    /// Moves the calling thread, and only it, into a network of its own. Glibc's module does not show unshare(2).
    fileprivate static func enter() throws {
        typealias Unshare = @convention(c) (Int32) -> Int32
        let newNetwork: Int32 = 0x4000_0000
        guard let symbol = dlsym(nil, "unshare") else { throw Failure(description: "no unshare(2)") }
        guard unsafeBitCast(symbol, to: Unshare.self)(newNetwork) == 0 else {
            throw Failure(description: "no network namespace: \(errorText(errno)) (run as root)")
        }
    }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

private class AnyWork {
    func run() {}
}

private final class Work<R: Sendable>: AnyWork {
    private let body: @Sendable () throws -> R
    private(set) var result: Result<R, any Error>?

    init(_ body: @escaping @Sendable () throws -> R) { self.body = body }

    override func run() {
        result = Result {
            try OwnNetwork.enter()
            return try body()
        }
    }
}
