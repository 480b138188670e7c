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

/// A program that was started and not yet waited for. Where it is started through `ip netns exec` or `setpriv`, these
/// replace themselves by it, so the process id is the program's.
final class RunningCommand: Sendable {
    let command: String
    private let process: ChildProcess
    private let outputPath: String
    private let errorsPath: String

    /// Starts `words` (found through PATH) with its output in files of `directory`.
    init(_ words: [String], directory: String, environment: [String: String] = [:]) throws {
        command = words.joined(separator: " ")
        let stem = directory + "/" + UUID().uuidString
        outputPath = stem + ".out"
        errorsPath = stem + ".err"
        do throws(SpawnError) {
            process = try ChildProcess(
                words, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, output: outputPath,
                errors: errorsPath)
        } catch {
            throw CommandError.notStarted(command, error)
        }
    }

    var identifier: pid_t { process.identifier }
    var isRunning: Bool { process.isRunning }

    /// What it has said so far, on both streams.
    var said: String { text(outputPath) + text(errorsPath) }

    func signal(_ number: Int32) { process.signal(number) }

    /// Waits for the end; a program that is not done in time is killed, and the outcome shows that.
    func finish(within limit: Duration = .seconds(60)) async -> Outcome {
        let watchdog = Task { [process] in
            try await Task.sleep(for: limit)
            process.signal(SIGKILL)
        }
        let status = await process.ended()
        watchdog.cancel()
        return Outcome(command: command, status: status, output: text(outputPath), errors: text(errorsPath))
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
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
