internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Foundation
internal import Settings

/// How a command finds the daemon, and what it asks it.
struct DaemonAccess: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            The daemon's configuration file, for its api_endpoint. Without it: $INET256_API (unix://... or tcp://...), \
            else that of \(Configuration.standardPath) where it is there to be read, else \(APIEndpoint.standard).
            """,
            valueName: "file"))
    var config: FileArgument?

    static let environmentKey = "INET256_API"

    func client(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> APIClient {
        APIClient(endpoint: try endpoint(environment: environment))
    }

    func endpoint(environment: [String: String]) throws -> APIEndpoint {
        if let config { return try Configuration.load(config.path).apiEndpoint }
        guard let text = environment[Self.environmentKey], !text.isEmpty else { return Self.usual() }
        do throws(APIEndpointError) {
            // Where to connect to is the caller's business; who may listen where is the configuration's.
            return try APIEndpoint(parsing: text, allowingRemote: true)
        } catch {
            throw CommandFailure(.usage, "the environment's \(Self.environmentKey) is \"\(text)\": \(error)")
        }
    }
}

extension DaemonAccess {
    /// Where the machine's own daemon is: where its file says, unless nobody is there and somebody is at the standard place, as
    /// between a change of the key and the restart that it waits for.
    static func usual(_ file: String = Configuration.standardPath, standard: APIEndpoint = .standard) -> APIEndpoint {
        // A file that is not ours to read, or is being worked on, says nothing: then it is asked of the daemon.
        guard let configured = try? Configuration.load(file).apiEndpoint else { return standard }
        if case .unix(let path) = configured, case .unix(let usual) = standard, access(path, F_OK) != 0,
            errno == ENOENT,
            access(usual, F_OK) == 0
        {
            return standard
        }
        return configured
    }
}

extension APIClient {
    func status() async throws -> StatusReport { try await ask(Admin.status) }

    func netcheck() async throws -> NetcheckReport { try await ask(Admin.netcheck) }

    func ping(_ request: PingRequest) async throws -> PingOutcome {
        // The daemon keeps the time; the client waits a little longer.
        let patience = Duration.milliseconds(request.timeoutMs) + .seconds(5)
        return try await ask(Admin.ping, body: try JSONText.encode(request), timeout: patience)
    }

    func reload(cut: Bool = false) async throws -> ReloadSummary {
        let body = cut ? try JSONText.encode(ReloadRequest(cut: true)) : []
        return try await ask(Admin.reload, body: body, timeout: .seconds(30))
    }

    func restart() async throws -> RestartAnswer {
        try await ask(Admin.restart, body: try JSONText.encode(RestartRequest()), timeout: .seconds(30))
    }

    func invite(_ request: InviteRequest) async throws -> InviteAnswer {
        try await ask(Admin.invite, body: try JSONText.encode(request))
    }

    func invitations() async throws -> InvitationList { try await ask(Admin.invitations) }

    func revoke(_ id: String) async throws -> RevokeAnswer {
        try await ask(Admin.revoke, body: try JSONText.encode(RevokeRequest(id: id)))
    }

    func join(_ order: JoinOrder) async throws -> JoinOutcome {
        // The daemon keeps the time.
        try await ask(Admin.join, body: try JSONText.encode(order), timeout: .seconds(75))
    }

    func firewall() async throws -> FirewallReport { try await ask(Admin.firewall) }

    /// The policy in force.
    func firewallLines() async throws -> FirewallLines { try await ask(Admin.firewallPolicy) }

    /// The table in force as nft text.
    func firewallText() async throws -> String {
        String(decoding: try await answer(to: Admin.firewallText.declaration), as: UTF8.self)
    }

    private func ask<Body, Answer: Decodable>(
        _ request: AdminRequest<Body, Answer>, body: [UInt8] = [], timeout: Duration? = nil
    ) async throws -> Answer {
        let answer = try await answer(to: request.declaration, body: body, timeout: timeout)
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(answer))
        } catch {
            throw CommandFailure(
                .failure,
                "the daemon at \(endpoint) answered in another form: is it of another version than this program?")
        }
    }

    /// The body of the answer, when that is no refusal.
    private func answer(
        to request: AdminDeclaration, body: [UInt8] = [], timeout: Duration? = nil
    ) async throws -> [UInt8] {
        let response = try await send(request.verb.rawValue, request.path, body: body, timeout: timeout)
        guard response.status == 200 else {
            let reason = (try? JSONDecoder().decode(APIFailure.self, from: Data(response.body)))?.error
            throw CommandFailure(
                response.status == 422 ? .usage : .failure,
                reason ?? "the daemon answered with status \(response.status)")
        }
        return response.body
    }
}

/// Writes a value as JSON to standard output.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONText.encode(value), as: UTF8.self), terminator: "")
}
