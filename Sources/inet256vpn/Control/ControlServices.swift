internal import API
internal import AdminProtocol
internal import Logging
internal import ServiceLifecycle
internal import Settings
internal import UnixSignals

/// Serves the API as one of a group of services.
struct APIService: Service, CustomStringConvertible {
    let server: APIServer
    var description: String { "api" }

    /// Opens the endpoint. Done before the box is touched, since it tells whether another daemon runs.
    static func open(
        _ configuration: Configuration, control: some DaemonControl, nodes: (any APINodeService)? = nil, logger: Logger
    ) async throws(APIServerError) -> APIService {
        let routes = AdminRoutes(control: control, logger: logger)
        return APIService(
            server: try await APIServer.listen(
                on: configuration.apiEndpoint, responder: routes, limits: APILimits(configuration.api.limits),
                nodes: nodes,
                group: socketGroup, logger: logger))
    }

    /// Opens the listener for metrics and status, where the configuration has one.
    static func openListener(
        _ configuration: Configuration, control: some DaemonControl, logger: Logger
    ) async throws(APIServerError) -> APIService? {
        guard let endpoint = configuration.api.listen else { return nil }
        let routes = QuestionRoutes(routes: AdminRoutes(control: control, logger: logger))
        return APIService(server: try await APIServer.listen(on: endpoint, responder: routes, logger: logger))
    }

    /// Members of this Unix group may ask the daemon without being root.
    static let socketGroup = "inet256vpn"

    func run() async throws {
        await cancelWhenGracefulShutdown { await server.run() }
    }
}

/// Reloads on SIGHUP.
struct HangupService<Control: DaemonControl>: Service, CustomStringConvertible {
    let control: Control
    /// Trapped before the daemon starts: one that comes while it does is heeded when it is up, and does not end it.
    let signals: UnixSignalsSequence
    let logger: Logger
    var description: String { "hangup" }

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() {
            do {
                let summary = try await control.reload(cut: false)
                logger.notice("reloaded", metadata: ReloadText.metadata(summary))
            } catch {
                logger.error("reload refused, everything stays as it was", metadata: ["reason": "\(error)"])
            }
        }
    }
}

/// A reload's summary for people.
enum ReloadText {
    static func metadata(_ summary: ReloadSummary) -> Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for (key, values) in fields(summary) where !values.isEmpty {
            metadata[key] = "\(values.joined(separator: ","))"
        }
        if let cut = summary.connectionsCut { metadata["connections_cut"] = "\(cut)" }
        if let note = summary.cutNote { metadata["not_cut"] = "\(note)" }
        return metadata
    }

    static func lines(_ summary: ReloadSummary) -> [String] {
        let words = [
            "peers_added": "peers added", "peers_removed": "peers removed", "peers_changed": "peers changed",
            "applied": "applied", "repaired": "repaired", "needs_restart": "NEEDS A RESTART",
        ]
        var lines = fields(summary).filter { !$0.1.isEmpty }.map { key, values in
            "\(words[key] ?? key): \(values.map(TerminalText.clean).joined(separator: ", "))"
        }
        if let cut = summary.connectionsCut { lines.append("connections cut: \(cut)") }
        if let note = summary.cutNote { lines.append("NOT CUT: " + TerminalText.clean(note)) }
        return lines.isEmpty ? ["nothing has changed"] : lines
    }

    private static func fields(_ summary: ReloadSummary) -> [(String, [String])] {
        [
            ("peers_added", summary.peersAdded), ("peers_removed", summary.peersRemoved),
            ("peers_changed", summary.peersChanged), ("applied", summary.applied),
            ("repaired", summary.repaired), ("needs_restart", summary.needsRestart),
        ]
    }
}
