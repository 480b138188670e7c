internal import API
internal import ArgumentParser
internal import Foundation
internal import INET256
internal import INET256Client
internal import Settings

/// How a tool gets a node of its own in the network.
struct NodeAccess: ParsableArguments {
    @OptionGroup var daemon: DaemonAccess
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The key file of the node. Without it: a fresh key, forgotten at the end.", valueName: "file"))
    var key: FileArgument?

    /// Opens the node. With `reconnects` it outlives a restart of the daemon; `fresh` ignores `--key`.
    func open(reconnects: Bool = false, fresh: Bool = false) async throws -> any Node {
        let key = fresh ? PrivateKey(generatedFrom: SystemRandom()) : try privateKey()
        let endpoint = try endpoint()
        let connection: INET256Connection
        do throws(NodeError) {
            connection = try await INET256.connect(to: endpoint, reconnects: reconnects)
        } catch {
            throw CommandFailure(Self.isForbidden(endpoint) ? .permission : .unreachable, "\(error)")
        }
        return try await connection.open(key)
    }

    /// Whom a name means is the daemon's to know.
    func resolve(_ target: TargetArgument) async throws -> Address { try await daemon.resolve(target) }

    private func privateKey() throws -> PrivateKey {
        guard let key else { return PrivateKey(generatedFrom: SystemRandom()) }
        let file = try PrivateKeyFile.load(key.path)
        for warning in file.warnings { Program.complain("warning: \(warning)") }
        return file.key
    }

    private func endpoint() throws -> ClientEndpoint {
        do throws(ClientEndpointError) {
            guard daemon.config != nil else { return try .standard() }
        } catch {
            throw CommandFailure(.usage, "the environment's \(ClientEndpoint.environmentKey): \(error)")
        }
        return try ClientEndpoint(parsing: daemon.endpoint(environment: [:]).description)
    }

    private static func isForbidden(_ endpoint: ClientEndpoint) -> Bool {
        switch endpoint {
        case .unix(let path): access(path, R_OK | W_OK) != 0 && errno == EACCES
        case .tcp: false
        }
    }
}

extension NodeError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .messageTooLarge, .badPrefix: .usage
        case .notFound, .closed, .alreadyOpen, .tooManyNodes, .cancelled, .unavailable: .failure
        }
    }
}

/// Runs `body` for at most `limit`; `NodeError.cancelled` then means that the time is over.
func within<R: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let work = Task(operation: body)
    let watch = Task {
        try await Task.sleep(for: limit)
        work.cancel()
    }
    defer { watch.cancel() }
    return try await withTaskCancellationHandler {
        try await work.value
    } onCancel: {
        work.cancel()
    }
}
