import Foundation

/// What a program that ended left behind.
struct Outcome: Sendable, CustomStringConvertible {
    let command: String
    /// Its exit code, or 128 plus the number of the signal that ended it.
    let status: Int32
    let output: String
    let errors: String

    var succeeded: Bool { status == 0 }
    /// Both streams, for looking something up in whatever was said.
    var said: String { output + errors }

    var description: String {
        "`\(command)` ended with \(status)\n\(output)\(errors)"
    }
}

/// Why a program could not be run to its end.
enum CommandError: Error, CustomStringConvertible {
    case failed(Outcome)
    case notStarted(String, any Error)

    var description: String {
        switch self {
        case .failed(let outcome): "failed: \(outcome)"
        case .notStarted(let command, let error): "cannot start `\(command)`: \(error)"
        }
    }
}

/// A program that was started and not yet waited for. Its process is `env`'s, then `ip`'s, then its own: all of them
/// replace each other, so the process id is the program's.
final class RunningCommand: Sendable {
    let command: String
    let identifier: pid_t
    private let process: Process
    private let exit: AsyncStream<Int32>
    private let outputPath: String
    private let errorsPath: String

    /// Starts `words` (found through PATH) with its output in files of `directory`.
    init(_ words: [String], directory: String, environment: [String: String] = [:]) throws {
        command = words.joined(separator: " ")
        let stem = directory + "/" + UUID().uuidString
        outputPath = stem + ".out"
        errorsPath = stem + ".err"
        let process = Process()
        self.process = process
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.create(outputPath)
        process.standardError = try Self.create(errorsPath)
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        exit = stream
        process.terminationHandler = { process in
            let code = process.terminationStatus
            continuation.yield(process.terminationReason == .uncaughtSignal ? 128 + code : code)
            continuation.finish()
        }
        do { try Self.withAllSignals { try process.run() } } catch { throw CommandError.notStarted(command, error) }
        identifier = process.processIdentifier
    }

    var isRunning: Bool { process.isRunning }

    /// What it has said so far, on both streams.
    var said: String { text(outputPath) + text(errorsPath) }

    func signal(_ number: Int32) {
        if process.isRunning { kill(identifier, number) }
    }

    /// Waits for the end; a program that is not done in time is killed, and the outcome shows that.
    func finish(within limit: Duration = .seconds(60)) async -> Outcome {
        let watchdog = Task { [self] in
            try await Task.sleep(for: limit)
            signal(SIGKILL)
        }
        var status: Int32 = -1
        for await code in exit { status = code }
        watchdog.cancel()
        return Outcome(command: command, status: status, output: text(outputPath), errors: text(errorsPath))
    }

    /// The threads that run tests block nearly all signals, and a child inherits that from the thread that starts it: it
    /// would never hear SIGTERM.
    private static func withAllSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    private static func create(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }
}

/// Repeats `condition` until it holds. Kernel and daemon are watched from outside here, so there is nothing to await
/// but time; the limit is generous because the machine may be busy with other tests.
func eventually(
    within limit: Duration = .seconds(20), _ what: String, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while true {
        if try await condition() { return }
        if ContinuousClock.now >= end { throw NeverHappened(what: what, limit: limit) }
        try await Task.sleep(for: .milliseconds(50))
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let what: String
    let limit: Duration
    var description: String { "within \(limit) it did not happen that \(what)" }
}
