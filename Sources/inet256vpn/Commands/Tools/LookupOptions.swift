internal import ArgumentParser
internal import INET256
internal import INET256Client

/// What the commands share that ask the network one question.
struct LookupOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Seconds to wait for an answer.", valueName: "seconds"))
    var timeout = 10.0
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (0.001...86400).contains(timeout) else {
            throw ValidationError("--timeout must be 0.001 to 86400 seconds")
        }
    }

    /// The answer of `question`; `unknown` says in words that the network has none.
    func answer<Answer: Sendable>(
        unknown: String, _ question: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await within(.milliseconds(Int64(timeout * 1000)), question)
        } catch NodeError.notFound {
            throw CommandFailure(.failure, unknown)
        } catch NodeError.cancelled {
            throw CommandFailure(.failure, "no answer came within \(timeout) s")
        }
    }
}
