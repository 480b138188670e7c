internal import API
internal import Foundation
internal import INET256
internal import Logging

/// The daemon's own part of the API: health, status and the requests behind commands.
///
///     GET  /healthz        200 "ok" while the daemon serves
///     GET  /metrics        counters and gauges for Prometheus
///     GET  /admin/status   a StatusReport
///     GET  /admin/firewall a FirewallReport; .../policy its lines for `diff`; .../nft the table as text
///     POST /admin/ping     a PingRequest; answers a PingOutcome
///     POST /admin/reload   a ReloadRequest or nothing; answers a ReloadSummary, or 422 with what is wrong in the configuration
struct AdminRoutes<Control: DaemonControl>: APIResponder {
    let control: Control
    let logger: Logger

    func respond(to request: APIRequest) async -> APIResponse {
        switch request.path {
        case AdminPath.health:
            return await only("GET", request) { .text("ok") }
        case AdminPath.metrics:
            return await only("GET", request) { await metrics() }
        case AdminPath.status:
            return await only("GET", request) { json(await control.status()) }
        case AdminPath.firewall:
            return await only("GET", request) { json(await control.firewall()) }
        case AdminPath.firewallPolicy:
            return await only("GET", request) { json(await control.firewallLines()) }
        case AdminPath.firewallText:
            return await only("GET", request) {
                guard let text = await control.firewallText() else {
                    return .failure(404, "no firewall is in force: inet256vpn firewall show says why")
                }
                // It ends its lines itself, and `text` would end the last one again.
                return .text(String(text.dropLast(text.hasSuffix("\n") ? 1 : 0)))
            }
        case AdminPath.ping:
            return await only("POST", request) { await ping(request) }
        case AdminPath.reload:
            return await only("POST", request) { await reload(request) }
        default:
            return .notFound(request.path)
        }
    }

    private func metrics() async -> APIResponse {
        let text = Metrics.text(await control.status(), await control.firewall(), .current())
        return APIResponse(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
    }

    private func only(
        _ method: String, _ request: APIRequest, _ body: () async -> APIResponse
    ) async -> APIResponse {
        request.method == method ? await body() : .methodNotAllowed(request.method, allowed: method)
    }

    private func ping(_ request: APIRequest) async -> APIResponse {
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
        return json(await control.ping(target, bytes: ping.bytes, timeout: .milliseconds(ping.timeoutMs)))
    }

    private func reload(_ request: APIRequest) async -> APIResponse {
        var wanted = ReloadRequest(cut: false)
        if !request.body.isEmpty {
            guard let asked = try? JSONDecoder().decode(ReloadRequest.self, from: Data(request.body)) else {
                return .failure(400, "expected no body, or one such as {\"cut\": true}")
            }
            wanted = asked
        }
        logger.notice("reload asked for", metadata: ["by": "\(request.client)"])
        do {
            return json(try await control.reload(cut: wanted.cut))
        } catch {
            logger.error("reload refused", metadata: ["reason": "\(error)"])
            return .failure(422, "\(error)")
        }
    }

    private func json(_ value: some Encodable) -> APIResponse {
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
        request.method == "GET"
            ? await routes.respond(to: request) : .failure(403, "only GET here: use the daemon's Unix socket")
    }
}

/// The paths of `AdminRoutes`.
enum AdminPath {
    static let health = "/healthz"
    static let metrics = "/metrics"
    static let status = "/admin/status"
    static let firewall = "/admin/firewall"
    static let firewallPolicy = "/admin/firewall/policy"
    static let firewallText = "/admin/firewall/nft"
    static let ping = "/admin/ping"
    static let reload = "/admin/reload"
}

/// JSON as the program writes it: indented, keys sorted, slashes as they are.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
