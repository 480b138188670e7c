/// What can be asked of a running daemon over HTTP, besides nodes: health, status and the requests behind commands. Each request is
/// declared here and nowhere else; the daemon's routes, the commands' calls and the tables of docs/api.md go by it.
package enum Admin {
    package static let health = AdminRequest<Nothing, String>(
        .get, "/healthz", .anybody, "\"ok\" while the daemon serves")
    package static let metrics = AdminRequest<Nothing, String>(
        .get, "/metrics", .anybody, "counters and gauges in the text format of Prometheus")
    package static let status = AdminRequest<Nothing, StatusReport>(
        .get, "/admin/status", .anybody, "what `inet256vpn status --json` prints")
    package static let netcheck = AdminRequest<Nothing, NetcheckReport>(
        .get, "/admin/netcheck", .anybody, "what `inet256vpn netcheck --json` prints")
    package static let firewall = AdminRequest<Nothing, FirewallReport>(
        .get, "/admin/firewall", .anybody, "what `inet256vpn firewall show --json` prints")
    package static let firewallPolicy = AdminRequest<Nothing, FirewallLines>(
        .get, "/admin/firewall/policy", .anybody,
        "the policy in force, line by line, as `firewall diff` compares it")
    package static let firewallText = AdminRequest<Nothing, String>(
        .get, "/admin/firewall/nft", .anybody, "the table in force as nft text; 404 where none is")
    package static let ping = AdminRequest<PingRequest, PingOutcome>(
        .post, "/admin/ping", .members,
        "what `inet256vpn ping` asks: `{\"target\": ADDRESS, \"bytes\": 56, \"timeout_ms\": 1000}`")
    /// Without a body nothing is cut. 422 with what is wrong in the configuration.
    package static let reload = AdminRequest<ReloadRequest?, ReloadSummary>(
        .post, "/admin/reload", .members, "what `inet256vpn reload` asks: `{\"cut\": true}`, or no body")
    /// 422 with what would keep the next run from its start.
    package static let restart = AdminRequest<RestartRequest, RestartAnswer>(
        .post, "/admin/restart", .members,
        "`{}`, of root or the daemon's own user: the daemon begins again in its own place, as by SIGUSR2")
    package static let invite = AdminRequest<InviteRequest, InviteAnswer>(
        .post, "/admin/invite", .members, "what `inet256vpn invite` asks, of root or the daemon's own user")
    package static let invitations = AdminRequest<Nothing, InvitationList>(
        .post, "/admin/invitations", .members, "what `inet256vpn invite list --json` prints")
    package static let revoke = AdminRequest<RevokeRequest, RevokeAnswer>(
        .post, "/admin/invitations/revoke", .members, "what `invite revoke` asks")
    /// Waits for the inviter's answer, a minute at most.
    package static let join = AdminRequest<JoinOrder, JoinOutcome>(
        .post, "/admin/join", .members, "what `inet256vpn join` asks: the inviter is called and shown the proof")

    package static let all: [AdminDeclaration] = [
        health.declaration, metrics.declaration, status.declaration, netcheck.declaration, firewall.declaration,
        firewallPolicy.declaration, firewallText.declaration, ping.declaration, reload.declaration, restart.declaration,
        invite.declaration, invitations.declaration, revoke.declaration, join.declaration,
    ]

    package static func declaration(path: String) -> AdminDeclaration? { all.first { $0.path == path } }
}

/// A request with the types of its body and of its answer. Texts are answered as they are, everything else as JSON.
package struct AdminRequest<Body: Sendable, Answer: Sendable>: Sendable {
    package let declaration: AdminDeclaration

    fileprivate init(
        _ verb: AdminDeclaration.Verb, _ path: String, _ access: AdminDeclaration.Access, _ summary: String
    ) {
        declaration = AdminDeclaration(verb: verb, path: path, access: access, summary: summary)
    }
}

/// What a request is, whatever its types.
package struct AdminDeclaration: Hashable, Sendable {
    package enum Verb: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    package enum Access: Sendable {
        /// Also at a listener where nobody is known (`api.listen`).
        case anybody
        /// Whoever may use the daemon's socket.
        case members
    }

    package let verb: Verb
    package let path: String
    package let access: Access
    /// For the documentation.
    package let summary: String
}

/// The body of requests that have none.
package struct Nothing: Sendable {}
