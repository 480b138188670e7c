internal import API
internal import AdminProtocol
internal import Foundation
internal import INET256
internal import Joining
internal import Logging

/// The daemon's own part of the API: what `Admin` declares.
struct AdminRoutes: APIResponder {
    typealias Handler = @Sendable (APIRequest) async -> APIResponse

    /// By path.
    private let handlers: [String: Handler]

    init(control: some DaemonControl, logger: Logger) {
        let answers = AdminAnswers(control: control, logger: logger)
        let all: [(AdminDeclaration, Handler)] = [
            (Admin.health.declaration, { _ in .text("ok") }),
            (Admin.metrics.declaration, { _ in await answers.metrics() }),
            answers.to(Admin.status) { await control.status() },
            answers.to(Admin.netcheck) { await control.netcheck() },
            answers.to(Admin.firewall) { await control.firewall() },
            answers.to(Admin.firewallPolicy) { await control.firewallLines() },
            (Admin.firewallText.declaration, { _ in await answers.firewallText() }),
            (Admin.ping.declaration, { await answers.ping($0) }),
            (Admin.reload.declaration, { await answers.reload($0) }),
            answers.asked(Admin.restart) { _ in try await control.restart() },
            answers.asked(Admin.invite) { try await control.invite($0) },
            (Admin.invitations.declaration, { _ in await answers.invitations() }),
            answers.asked(Admin.revoke) { request in
                guard let id = InvitationID(request.id) else {
                    throw CommandFailure(.usage, "\"\(request.id)\" is no invitation's id: 16 hexadecimal digits")
                }
                return RevokeAnswer(revoked: try await control.revoke(id))
            },
            answers.asked(Admin.join) { try await control.join($0) },
        ]
        handlers = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $1) })
    }

    func respond(to request: APIRequest) async -> APIResponse {
        guard let declared = Admin.declaration(path: request.path), let handler = handlers[declared.path] else {
            return .notFound(request.path)
        }
        let verb = declared.verb.rawValue
        return request.method == verb
            ? await handler(request) : .methodNotAllowed(request.method, allowed: verb)
    }
}

/// How each is answered.
private struct AdminAnswers<Control: DaemonControl>: Sendable {
    let control: Control
    let logger: Logger

    /// A request that needs nothing but its answer.
    func to<Answer: Encodable>(
        _ request: AdminRequest<Nothing, Answer>, _ answer: @escaping @Sendable () async -> Answer
    ) -> (AdminDeclaration, AdminRoutes.Handler) {
        (request.declaration, { _ in json(request, await answer()) })
    }

    func metrics() async -> APIResponse {
        let text = Metrics.text(await control.status(), await control.firewall(), .current())
        return APIResponse(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
    }

    func firewallText() async -> APIResponse {
        guard let text = await control.firewallText() else {
            return .failure(404, "no firewall is in force: inet256vpn firewall show says why")
        }
        // It ends its lines itself, and `text` would end the last one again.
        return .text(String(text.dropLast(text.hasSuffix("\n") ? 1 : 0)))
    }

    func ping(_ request: APIRequest) async -> APIResponse {
        guard let ping = try? JSONDecoder().decode(PingRequest.self, from: Data(request.body)) else {
            return .failure(400, "expected a body such as {\"target\": ADDRESS, \"bytes\": 56, \"timeout_ms\": 1000}")
        }
        guard let target = Address(ping.target) else {
            return .failure(400, "target is not an address of 43 characters")
        }
        guard (0...PingRequest.largestPayload).contains(ping.bytes) else {
            return .failure(400, "bytes must be 0 to \(PingRequest.largestPayload)")
        }
        guard (1...PingRequest.longestTimeout).contains(ping.timeoutMs) else {
            return .failure(400, "timeout_ms must be 1 to \(PingRequest.longestTimeout)")
        }
        return json(
            Admin.ping, await control.ping(target, bytes: ping.bytes, timeout: .milliseconds(ping.timeoutMs)))
    }

    func reload(_ request: APIRequest) async -> APIResponse {
        var wanted = ReloadRequest(cut: false)
        if !request.body.isEmpty {
            guard let asked = try? JSONDecoder().decode(ReloadRequest.self, from: Data(request.body)) else {
                return .failure(400, "expected no body, or one such as {\"cut\": true}")
            }
            wanted = asked
        }
        logger.notice("reload asked for", metadata: ["by": "\(request.client)"])
        do {
            return json(Admin.reload, try await control.reload(cut: wanted.cut))
        } catch {
            logger.error("reload refused", metadata: ["reason": "\(error)"])
            return .failure(422, "\(error)")
        }
    }

    /// A request with a body, of root or the daemon's own user alone: it decides who is let in. What it throws is told to who asks.
    func asked<Body: Decodable, Answer: Encodable>(
        _ request: AdminRequest<Body, Answer>,
        _ answer: @escaping @Sendable (Body) async throws -> Answer
    ) -> (AdminDeclaration, AdminRoutes.Handler) {
        (
            request.declaration,
            { asked in
                if case .process(_, let user, _) = asked.client, user != 0, user != geteuid() {
                    return .failure(403, "only root may ask for that: run it with sudo")
                }
                guard let body = try? JSONDecoder().decode(Body.self, from: Data(asked.body)) else {
                    return .failure(400, "the body is not what \(request.declaration.path) expects")
                }
                do {
                    return json(request, try await answer(body))
                } catch {
                    let status = (error as? any StatusError)?.exitStatus == .usage ? 422 : 500
                    return .failure(status, "\(error)")
                }
            }
        )
    }

    func invitations() async -> APIResponse {
        do { return json(Admin.invitations, try await control.invitations()) } catch {
            return .failure(500, "\(error)")
        }
    }

    private func json<Body, Answer: Encodable>(_: AdminRequest<Body, Answer>, _ value: Answer) -> APIResponse {
        do {
            return APIResponse(status: 200, body: try JSONText.encode(value))
        } catch {
            logger.error("an answer could not be encoded", metadata: ["reason": "\(error)"])
            return .failure(500, "the answer could not be encoded")
        }
    }
}

/// Questions alone: for a listener at which nobody is known.
struct QuestionRoutes<Routes: APIResponder>: APIResponder {
    let routes: Routes

    func respond(to request: APIRequest) async -> APIResponse {
        let declared = Admin.declaration(path: request.path)
        let isForMembers = declared?.access == .members && declared?.verb.rawValue == request.method
        return request.method == AdminDeclaration.Verb.get.rawValue && !isForMembers
            ? await routes.respond(to: request) : .failure(403, "only GET here: use the daemon's Unix socket")
    }
}

/// JSON as the program writes it: indented, keys sorted, slashes as they are.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
