internal import AdminProtocol

/// The parts of the page that change. Each is the inside of an element with its name as id; the script puts a new one there.
package struct Parts {
    let model: DashboardModel
    private let names: [String: String]

    /// Lines of a table at most: what is beyond is counted, and a command names it.
    static let longestTable = 256

    package init(_ model: DashboardModel) {
        self.model = model
        names = Dictionary(
            model.status.peers.compactMap { peer in peer.name.map { (peer.id, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Those that are asked for every two seconds.
    package var current: [(id: StaticString, nodes: [Node])] {
        [
            ("overview", overview), ("warnings", warnings), ("peers", peers), ("graph", [PeerGraph(self).svg]),
            ("sessions", sessions), ("rules", rules), ("standing", standing), ("routes", routes), ("drops", drops),
            ("events", events),
        ]
    }

    /// And the one that changes every ten seconds.
    package var lastHour: [(id: StaticString, nodes: [Node])] { [("history", history)] }

    /// `{"overview": [node, ...], ...}`.
    package static func json(_ parts: [(id: StaticString, nodes: [Node])]) -> String {
        var text = "{"
        for (place, part) in parts.enumerated() {
            text += place > 0 ? ",\n" : ""
            text += "\"\(part.id)\":[" + part.nodes.map(\.json).joined(separator: ",") + "]"
        }
        return text + "}\n"
    }

    // MARK: What is up

    private var overview: [Node] {
        let status = model.status
        var rows: [Node] = []
        func row(_ label: String, _ value: [Node], _ state: String = "") {
            rows.append(.element("dt", [], label))
            rows.append(.element("dd", state.isEmpty ? [] : [.init("class", state)], value))
        }
        row("Address", [.element("code", [], status.mainAddr)])
        if let address = status.ip6Addr { row("IPv6", [.element("code", [], address)]) }
        row(
            "Daemon",
            [
                .text(
                    "inet256vpn \(status.version), up \(Words.time(status.uptimeSeconds)), memory \(Words.bytes(status.memoryRssBytes))"
                )
            ])
        let configured = status.peers.count { $0.configured }
        let up = status.peers.count { $0.configured && $0.state == .up }
        let relayed = status.peers.count { $0.configured && $0.state != .up && $0.path?.kind == .relayed }
        let others = status.peers.count { !$0.configured && $0.state == .up }
        row(
            "Peers",
            [
                .text(
                    "\(up) of \(configured) up" + (relayed > 0 ? ", \(relayed) by relays" : "")
                        + (others > 0 ? ", and \(Words.count(others, "other"))" : ""))
            ],
            up + relayed == configured ? "good" : "bad")
        let direct = status.sessions.count { $0.via == .direct }
        row(
            "Sessions", [.text("\(status.sessions.count): \(direct) direct, \(status.sessions.count - direct) relayed")]
        )
        let portal = status.portal
        if portal.enabled {
            let text = "\(portal.interface ?? "?") " + (portal.up ? "up" : "DOWN")
            let traffic = ", in \(Words.bytes(portal.traffic.rxBytes)), out \(Words.bytes(portal.traffic.txBytes))"
            row("Portal", [.text(text + traffic)], portal.up ? "good" : "bad")
        } else {
            row("Portal", [.text("off")])
        }
        let firewall = status.firewall
        row(
            "Firewall",
            [
                .text(
                    firewall.enforced
                        ? "enforced: \(Words.count(firewall.rules, "rule")), else \(firewall.inboundDefault ?? "deny")"
                        : "NOT ENFORCED")
            ], firewall.enforced || !portal.enabled ? "good" : "bad")
        let bound = status.transportAddrs.flatMap(\.bound)
        row("Listens", bound.isEmpty ? [.text("nowhere")] : [.text(bound.joined(separator: ", "))])
        return [.element("dl", [.init("class", "facts")], rows)]
    }

    // MARK: Warnings

    private var warnings: [Node] {
        var items: [Node] = []
        func item(_ text: String, _ advice: String) {
            guard items.count < Self.longestTable else { return }
            items.append(
                .element(
                    "li", [],
                    [
                        .foreign(text, longest: 600), .text(" "),
                        .element("span", [.init("class", "advice")], "What to do: " + advice),
                    ]))
        }
        for warning in model.status.warnings { item(warning, Advice.about(warning)) }
        for peer in model.status.peers where peer.state == .refused {
            item(
                "peer \(peer.name ?? peer.id) refused: \(peer.detail ?? "no reason given")",
                peer.configured
                    ? "Check the address and the endpoints: inet256vpn peers"
                    : "Where you know it: sudo inet256vpn peer add \(peer.id)")
        }
        if let keys = model.status.needsRestart, !keys.isEmpty {
            item(
                "\(keys.joined(separator: ", ")): changed in the file, not in force",
                "sudo systemctl restart inet256vpn")
        }
        if model.status.configurationUnread == true {
            item("the configuration's file has changed since it was taken over", "sudo inet256vpn reload")
        }
        if items.isEmpty { return [.element("p", [.init("class", "good")], "None.")] }
        return [.element("ul", [.init("class", "warnings")], items)]
    }

    // MARK: Peers and sessions

    /// What an address is called here.
    func name(_ address: String) -> String { names[address] ?? String(address.prefix(10)) + "\u{2026}" }

    var sortedPeers: [PeerStatus] {
        model.status.peers.sorted { a, b in
            if a.configured != b.configured { return a.configured }
            return (a.name ?? "~", a.id) < (b.name ?? "~", b.id)
        }
    }

    private var peers: [Node] {
        let now = model.history
        let rows: [[Node]] = sortedPeers.prefix(Self.longestTable).map { peer in
            let last = now.samples(of: peer.id).last
            return [
                Self.head([.foreign(peer.name ?? "(no name)")]),
                Self.cell([.text(peer.state.rawValue)], "state " + (peer.state == .up ? "good" : "bad")),
                Self.cell([.text(peer.path.map(way) ?? "-")], "fixed"),
                Self.number(peer.rttMs.map(Words.milliseconds)),
                Self.number(peer.lossPercent.map(Words.percent)),
                Self.number(last.flatMap { $0.received.isNaN ? nil : Words.rate(Double($0.received)) }),
                Self.number(last.flatMap { $0.sent.isNaN ? nil : Words.rate(Double($0.sent)) }),
                Self.number(peer.mtu.map(String.init)),
                Self.cell(peer.endpoint.map { [.foreign($0)] } ?? [.text("-")], "fixed"),
                Self.cell(
                    peer.detail.map { [.foreign(peer.configured ? $0 : "not configured; " + $0)] }
                        ?? [.text(peer.configured ? "" : "not configured")], peer.detail == nil ? "" : "long"),
                Self.cell([.element("code", [], ForeignText.shown(peer.id))], "fixed"),
            ]
        }
        return Self.table(
            ["Peer", "State", "Way", "RTT", "Loss", "In", "Out", "MTU", "Endpoint", "Remarks", "Address"], rows,
            all: model.status.peers.count, empty: "No peers. Add one: sudo inet256vpn peer add ADDRESS",
            more: "inet256vpn peers")
    }

    private func way(_ path: PathStatus) -> String {
        path.kind == .direct
            ? "direct" : "relayed by " + (path.relay.map { ForeignText.shown(name($0), longest: 40) } ?? "?")
    }

    private var sessions: [Node] {
        let rows: [[Node]] = model.status.sessions.prefix(Self.longestTable).map { session in
            [
                Self.head([.foreign(name(session.remote))]),
                Self.cell([.text(session.via.rawValue)]),
                Self.cell(
                    session.via == .direct
                        ? [.foreign(session.endpoint ?? "-")]
                        : session.nextHop.map { [.foreign(name($0))] } ?? [.text("-")],
                    "fixed"),
                Self.number(session.path?.rttMs.map(Words.milliseconds)),
                Self.number(Words.bytes(session.traffic.rxBytes)),
                Self.number(Words.bytes(session.traffic.txBytes)),
                Self.cell([.text(session.cipher ?? "-")], "fixed"),
                Self.cell([.text(session.path?.reason ?? "")]),
            ]
        }
        return Self.table(
            ["With", "Way", "By", "RTT", "In", "Out", "Cipher", "Why it is relayed"], rows,
            all: model.status.sessions.count, empty: "No sessions.", more: "inet256vpn peers")
    }

    // MARK: The firewall

    private var rules: [Node] {
        let firewall = model.firewall
        guard firewall.enforced else {
            return [.element("p", [.init("class", "bad")], [.text("Not enforced. "), .foreign(firewall.note ?? "")])]
        }
        let lists = [("from the mesh", firewall.inbound), ("into the mesh", firewall.outbound)]
        var rows: [[Node]] = []
        var all = 0
        for (direction, list) in lists {
            all += list.rules.count
            for (place, rule) in list.rules.enumerated() where rows.count < Self.longestTable {
                rows.append([
                    Self.head([.text("\(direction), \(place)")]),
                    Self.cell(
                        [.foreign(rule.rule, longest: 400)]
                            + (rule.comment.map { [.text(" "), .element("small", [], [.foreign($0)])] } ?? [])),
                    Self.number("\(rule.count.packets)"), Self.number(Words.bytes(rule.count.bytes)),
                ])
            }
        }
        for (direction, list) in lists {
            all += 1
            rows.append([
                Self.head([.text("\(direction), the rest")]), Self.cell([.text(list.fallback)]),
                Self.number("\(list.fallbackCount.packets)"), Self.number(Words.bytes(list.fallbackCount.bytes)),
            ])
        }
        return Self.table(
            ["Place", "Rule", "Connections", "Bytes"], rows, all: all, empty: "", more: "inet256vpn firewall show")
    }

    /// What no rule of the configuration counts.
    private var standing: [Node] {
        // What the defaults decided stands with the rules.
        let counters = model.firewall.counters.filter { $0.value.packets > 0 && !$0.key.hasPrefix("default_") }
        let rows = counters.sorted { $0.key < $1.key }.map { name, count in
            [
                Self.head([.text(name)]), Self.number("\(count.packets)"), Self.number(Words.bytes(count.bytes)),
                Self.cell([.text(DropMeaning.of(name) ?? "")]),
            ]
        }
        return Self.table(
            ["Standing rule", "Packets", "Bytes", "What it means"], rows, all: rows.count,
            empty: "Standing rules have counted nothing yet.", more: "")
    }

    // MARK: Routes

    private var routes: [Node] {
        var routes = model.routes
        routes += model.status.portal.exceptions.map {
            DashboardRoute(prefix: $0.prefix, way: $0.way, reason: "not the mesh's: " + $0.reason)
        }
        let rows = routes.prefix(Self.longestTable).map { route in
            [
                Self.head([.foreign(route.prefix)]), Self.cell([.foreign(route.way)]),
                Self.cell([.foreign(route.reason)]),
            ]
        }
        let numbers = model.status.network.statistics
        var text = "Routing by \(model.status.network.name)"
        if let reachable = numbers["reachable"] {
            text += ", \(Words.count(Int(clamping: reachable), "node")) reachable"
        }
        if let known = numbers["known_origins"] { text += ", \(known) known" }
        return [.element("p", [], text + ".")]
            + Self.table(
                ["Prefix", "Way", "Why"], rows, all: routes.count, empty: "No routes: the portal is off.",
                more: "inet256vpn status")
    }

    // MARK: Drops

    private var drops: [Node] {
        let all =
            model.status.drops.map { ("mesh", $0.key, $0.value) }
            + model.status.portal.drops.map { ("portal", $0.key, $0.value) }
        let rows = all.sorted { ($0.2, $1.1) > ($1.2, $0.1) }.map { layer, reason, count in
            [
                Self.head([.text(reason)]), Self.cell([.text(layer)]), Self.number("\(count)"),
                Self.cell([.text(DropMeaning.of(reason) ?? "")]),
            ]
        }
        return Self.table(
            ["Reason", "Layer", "Packets", "What it means"], rows, all: rows.count, empty: "Nothing was dropped.",
            more: "")
    }

    // MARK: Events

    private var events: [Node] {
        let rows = model.events.reversed().map { event in
            [
                Self.cell([.element("time", [], event.time)], "fixed"),
                Self.cell([.text(event.level)], event.level == "notice" ? "" : "bad"),
                Self.cell([.foreign(event.text, longest: 600)]),
            ]
        }
        return Self.table(
            ["Time", "Level", "What"], rows, all: rows.count, empty: "Nothing yet.", more: "")
    }

    // MARK: The last hour

    private var history: [Node] {
        let peers = sortedPeers.filter { $0.configured || $0.state == .up }
        let rows: [[Node]] = peers.prefix(Self.longestTable).map { peer in
            let samples = model.history.samples(of: peer.id)
            return [
                Self.head([.foreign(peer.name ?? String(peer.id.prefix(10)) + "\u{2026}")]),
                Self.cell(Sparkline(samples.map(\.rttMs)).nodes { Words.milliseconds($0) }),
                Self.cell(Sparkline(samples.map(\.lossPercent), ceiling: 100).nodes { Words.percent($0) }),
                Self.cell(Sparkline(samples.map(\.received)).nodes { Words.rate($0) }),
                Self.cell(Sparkline(samples.map(\.sent)).nodes { Words.rate($0) }),
            ]
        }
        return Self.table(
            ["Peer", "RTT", "Loss", "In", "Out"], rows, all: peers.count, empty: "No peers.", more: "inet256vpn peers")
    }

    // MARK: Tables

    private static func head(_ nodes: [Node]) -> Node { .element("th", [.init("scope", "row")], nodes) }

    private static func cell(_ nodes: [Node], _ kind: String = "") -> Node {
        .element("td", kind.isEmpty ? [] : [.init("class", kind)], nodes)
    }

    private static func number(_ text: String?) -> Node { cell([.text(text ?? "-")], "number") }

    private static func table(
        _ heads: [String], _ rows: [[Node]], all: Int, empty: String, more: String
    ) -> [Node] {
        guard !rows.isEmpty else { return [.element("p", [], empty)] }
        let head = Node.element(
            "thead", [], [.element("tr", [], heads.map { .element("th", [.init("scope", "col")], $0) })])
        let body = Node.element("tbody", [], rows.map { .element("tr", [], $0) })
        var nodes: [Node] = [.element("table", [], [head, body])]
        if all > rows.count { nodes.append(.element("p", [], "\(all - rows.count) more: \(more)")) }
        return nodes
    }
}
