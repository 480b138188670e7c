internal import API
internal import AdminProtocol
internal import DataPlane
internal import Netlink
internal import Portal
internal import Settings

/// `status` for people: what matters at a glance, warnings last where they are seen.
struct StatusText {
    let report: StatusReport
    let terminal: TerminalText

    var lines: [String] {
        var lines: [String] = []
        func row(_ label: String, _ value: String) {
            lines.append(label + String(repeating: " ", count: max(1, 11 - label.count)) + TerminalText.clean(value))
        }
        row("address", report.mainAddr)
        if let ip6 = report.ip6Addr { row("ipv6", ip6) }
        if let former = report.formerKey { row("former", KeyWords.line(former)) }
        row(
            "daemon",
            "inet256vpn \(report.version), up \(Units.time(report.uptimeSeconds)), pid \(report.pid), "
                + "memory \(Units.bytes(report.memoryRssBytes))")
        row("network", network)
        row(
            "transport",
            report.transportAddrs.isEmpty ? "none" : report.transportAddrs.map(transport).joined(separator: ", "))
        let isRealtime = report.scheduling == ThreadScheduling.realtime.rawValue
        if let threads = report.threads, threads > 1 || isRealtime {
            row("threads", isRealtime ? "\(threads), in real time" : "\(threads)")
        }
        row("portal", portal)
        for exception in report.portal.exceptions {
            row("not mesh", "\(exception.prefix)  \(exception.way)  (\(exception.reason))")
        }
        row("peers", peers)
        if let discovery = report.discovery { row("discovery", Self.words(of: discovery)) }
        if let dns = report.dns, report.portal.enabled { for (label, text) in NamesText.rows(dns) { row(label, text) } }
        row("sessions", sessions)
        for line in PathsText(report: report).relayed { row("relayed", line) }
        if let reach = reach { row("reached at", reach) }
        if !report.suites.isEmpty {
            row("ciphers", report.suites.map { "\($0.cipher) (\($0.backend))" }.joined(separator: ", "))
        }
        if report.nodes.count > 1 {
            for node in report.nodes where node.origin != "main" && node.origin != "former" {
                row("node", [node.address, node.ip6Addr, node.origin].compactMap(\.self).joined(separator: "  "))
            }
        }
        if !report.drops.isEmpty { row("dropped", Self.counts(report.drops)) }
        row("firewall", firewall)
        if let keys = report.needsRestart, !keys.isEmpty {
            row("waiting", "\(keys.joined(separator: ", ")): changed in the file, in force after a restart")
        }
        if report.configurationUnread == true {
            row("unread", "the configuration's file has changed since it was last taken over: sudo inet256vpn reload")
        }
        for peer in report.peers where peer.state == .refused {
            warn("peer \(peer.name ?? peer.id) refused: \(peer.detail ?? "no reason given")", &lines)
        }
        for warning in report.warnings { warn(warning, &lines) }
        return lines
    }

    /// Where peers are looked for, and how far.
    private static func words(of discovery: DiscoveryStatus) -> String {
        var parts: [String] = []
        if let links = discovery.links {
            parts.append(links.isEmpty ? "no link to look on" : "on " + links.joined(separator: ", "))
        }
        if discovery.strangers > 0 { parts.append(Units.count(discovery.strangers, "stranger")) }
        for server in discovery.servers {
            let seen = server.observed.map { "sees this box at \($0)" } ?? "answers"
            parts.append("\(server.server) " + (server.endpoint == nil ? "does not answer" : seen))
        }
        if let held = discovery.held { parts.append("serves \(held)") }
        return parts.joined(separator: ", ")
    }

    private func warn(_ text: String, _ lines: inout [String]) {
        lines.append(terminal.bold("WARNING: ") + TerminalText.clean(text))
    }

    /// The three numbers that matter to people; `--json` has all of them.
    private var network: String {
        let numbers = report.network.statistics
        guard let reachable = numbers["reachable"], let neighbours = numbers["neighbours"] else {
            return report.network.name
        }
        let unreachable = max(0, (numbers["known_origins"] ?? reachable) - reachable)
        var text =
            "\(report.network.name)  \(Units.count(Int(clamping: neighbours), "neighbour")), "
            + "\(Units.count(Int(clamping: reachable), "node")) reachable"
        if unreachable > 0 { text += ", \(unreachable) known and not reachable now" }
        return text
    }

    private func transport(_ transport: TransportStatus) -> String {
        if transport.bound.isEmpty { return "\(transport.listen) (not bound)" }
        let scheme = transport.listen.prefix { $0 != ":" }
        let bound = transport.bound.map { $0.contains("://") ? $0 : "\(scheme)://\($0)" }
        return bound == [transport.listen] ? transport.listen : "\(transport.listen) (\(bound.joined(separator: ", ")))"
    }

    private var portal: String {
        let portal = report.portal
        guard portal.enabled else { return "disabled" }
        let damage = portal.damage.isEmpty ? "DOWN" : "DAMAGED (\(portal.damage.joined(separator: "; ")))"
        var text = [portal.interface ?? "?", portal.up ? "up" : damage]
        if let address = portal.address { text.append(address) }
        if let prefix = portal.prefix { text.append("in \(prefix)") }
        if let mtu = portal.mtu { text.append("mtu \(mtu)") }
        if let guarding = portal.guarding, guarding != PortalGuard.always.rawValue { text.append("guard \(guarding)") }
        if !portal.offloads.isEmpty { text.append("offload \(portal.offloads.joined(separator: " "))") }
        text.append("rx \(Units.bytes(portal.traffic.rxBytes)) tx \(Units.bytes(portal.traffic.txBytes))")
        if portal.repairs > 0 { text.append("put back \(Units.count(Int(clamping: portal.repairs), "time"))") }
        if !portal.drops.isEmpty { text.append("dropped \(Self.counts(portal.drops))") }
        return text.joined(separator: "  ")
    }

    private var peers: String {
        let up = report.peers.filter { $0.state == .up }
        let configured = report.peers.count { $0.configured }
        let strangers = report.peers.count - configured
        var text = "\(up.count { $0.configured }) of \(configured) up"
        if strangers > 0 { text += ", \(strangers) others" }
        let names = up.prefix(8).map { $0.name ?? $0.id }
        if !names.isEmpty { text += ": " + names.joined(separator: ", ") + (up.count > 8 ? ", ..." : "") }
        return text
    }

    private var sessions: String {
        let direct = report.sessions.count { $0.via == .direct }
        return "\(report.sessions.count) (\(direct) direct, \(report.sessions.count - direct) relayed)"
    }

    /// Where others see this box, and what its router does.
    private var reach: String? {
        guard let reach = report.reach, !reach.observed.isEmpty else { return nil }
        var seen: [String] = []
        for sight in reach.observed where !seen.contains(sight.endpoint) { seen.append(sight.endpoint) }
        let router = reach.mapping == "endpoint-dependent" ? " (symmetric NAT)" : ""
        return "\(seen.joined(separator: ", "))\(router), as neighbours see it"
    }

    private var firewall: String {
        let firewall = report.firewall
        var text: String
        if firewall.enforced {
            text = "enforced: \(Units.count(firewall.rules, "rule")), \(firewall.inboundDefault ?? "deny") by default"
            if let table = firewall.table { text += " (table \(table)\(firewall.owned ? ", owned" : ""))" }
        } else {
            text = "NOT ENFORCED"
        }
        if let note = firewall.note { text += " (\(note))" }
        if !firewall.otherFilters.isEmpty {
            text += ", other filters: \(firewall.otherFilters.joined(separator: ", "))"
        }
        return text
    }

    private static func counts(_ counts: [String: UInt64]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}

/// `peers` for people: one line each, those of the configuration first.
struct PeersText {
    let peers: [PeerStatus]

    var lines: [String] {
        guard !peers.isEmpty else { return ["no peers"] }
        var table = TextTable(
            header: [
                "NAME", "STATE", "ENDPOINT", "RTT", "LOSS", "HANDSHAKE", "RX", "TX", "CIPHER", "MTU", "ADDRESS", "",
            ],
            rightAligned: [3, 4, 5, 6, 7, 9])
        for peer in peers.sorted(by: Self.order) {
            table.add([
                peer.name ?? peer.ownNames?.first.map { "(\($0))" } ?? "-",
                peer.state.rawValue,
                peer.endpoint ?? "-",
                peer.rttMs.map(Units.milliseconds) ?? "-",
                peer.lossPercent.map(Units.percent) ?? "-",
                peer.handshakeAgeSeconds.map { Units.time($0) + " ago" } ?? "-",
                Units.bytes(peer.traffic.rxBytes),
                Units.bytes(peer.traffic.txBytes),
                peer.cipher.map { $0 + (peer.cipherBackend.map { " (\($0))" } ?? "") } ?? "-",
                peer.mtu.map(String.init) ?? "-",
                peer.id,
                [peer.configured ? nil : "(not configured)", peer.detail].compactMap(\.self).joined(separator: " "),
            ])
        }
        return table.lines.map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func order(_ a: PeerStatus, _ b: PeerStatus) -> Bool {
        if a.configured != b.configured { return a.configured }
        return (a.name ?? "~", a.id) < (b.name ?? "~", b.id)
    }
}
