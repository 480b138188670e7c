internal import AdminProtocol
internal import Dashboard

/// `top`: a screen of the box, made of two reports.
struct TopText {
    let report: StatusReport
    /// The one before, and the seconds between the two; rates are their difference.
    var before: (report: StatusReport, seconds: Double)?
    var terminal = TerminalText(isTerminal: false)
    /// Characters of a line, and lines, at most.
    var width = 80
    var height = Int.max

    private struct Column {
        let head: String
        let isRight: Bool
        /// The columns with the highest numbers go first where the lines are too short.
        let rank: Int
        let cell: (PeerStatus) -> String
    }

    var lines: [String] {
        let head = summary
        let tail = warnings
        let table = peers
        // The warnings give way to the peers' first lines, and those beyond to the warnings.
        let room = max(0, height - head.count)
        let shown = table.count + tail.count <= room ? table : Array(table.prefix(max(min(room, 3), room - tail.count)))
        return Array((head + shown + tail).prefix(height))
    }

    // MARK: The box

    private var summary: [String] {
        let up = report.peers.count { $0.configured && $0.state == .up }
        let configured = report.peers.count { $0.configured }
        let direct = report.sessions.count { $0.via == .direct }
        let portal = report.portal
        var lines = [
            "inet256vpn \(report.version)  up \(Units.time(report.uptimeSeconds))  memory \(Units.bytes(report.memoryRssBytes))",
            "peers \(up)/\(configured) up  sessions \(direct) direct, \(report.sessions.count - direct) relayed  "
                + "firewall \(report.firewall.enforced ? "enforced" : "NOT ENFORCED")",
        ]
        let old = before?.report.portal.traffic
        lines.append(
            portal.enabled
                ? "portal \(TerminalText.clean(portal.interface ?? "?")) \(portal.up ? "up" : "DOWN")  "
                    + "in \(rate(old?.rxBytes, portal.traffic.rxBytes))  out \(rate(old?.txBytes, portal.traffic.txBytes))"
                : "portal off")
        let now = drops(report)
        let gone = before.map { now &- drops($0.report) }
        lines.append("dropped \(now)" + (gone.map { $0 > 0 ? "  (\($0) just now)" : "" } ?? ""))
        return lines.map(fitted) + [""]
    }

    private func drops(_ report: StatusReport) -> UInt64 {
        report.drops.values.reduce(0, &+) &+ report.portal.drops.values.reduce(0, &+)
    }

    /// "-" before there are two reports. A session that began anew counts from nothing.
    private func rate(_ old: UInt64?, _ new: UInt64) -> String {
        guard let old, let seconds = before?.seconds, seconds > 0 else { return "-" }
        return Words.rate(Double(new >= old ? new - old : new) / seconds)
    }

    // MARK: The peers

    private var peers: [String] {
        guard !report.peers.isEmpty else { return ["no peers"] }
        let old = Dictionary(before?.report.peers.map { ($0.id, $0.traffic) } ?? []) { first, _ in first }
        let all = [
            Column(head: "NAME", isRight: false, rank: 0) {
                ForeignText.shown($0.name ?? String($0.id.prefix(12)), longest: 24)
            },
            Column(head: "STATE", isRight: false, rank: 1) { $0.state.rawValue },
            Column(head: "WAY", isRight: false, rank: 5) { $0.path?.kind.rawValue ?? "-" },
            Column(head: "RTT", isRight: true, rank: 4) { $0.rttMs.map(Units.milliseconds) ?? "-" },
            Column(head: "LOSS", isRight: true, rank: 6) { $0.lossPercent.map(Units.percent) ?? "-" },
            Column(head: "IN", isRight: true, rank: 2) { rate(old[$0.id]?.rxBytes, $0.traffic.rxBytes) },
            Column(head: "OUT", isRight: true, rank: 3) { rate(old[$0.id]?.txBytes, $0.traffic.txBytes) },
            Column(head: "ENDPOINT", isRight: false, rank: 7) { ForeignText.shown($0.endpoint ?? "-", longest: 50) },
        ]
        let rows = report.peers.sorted(by: busiest(old))
        var columns = all
        var lines = table(columns, rows)
        while lines.contains(where: { $0.count > width }), columns.count > 1 {
            let last = columns.map(\.rank).max()
            columns.removeAll { $0.rank == last }
            lines = table(columns, rows)
        }
        return lines.enumerated().map { place, line in place == 0 ? terminal.bold(fitted(line)) : fitted(line) }
    }

    private func table(_ columns: [Column], _ rows: [PeerStatus]) -> [String] {
        let right = columns.indices.filter { columns[$0].isRight }
        var table = TextTable(header: columns.map(\.head), rightAligned: Set(right))
        for peer in rows { table.add(columns.map { $0.cell(peer) }) }
        return table.lines
    }

    /// Those that are up first, then by what they carry, then by name.
    private func busiest(_ old: [String: Traffic]) -> (PeerStatus, PeerStatus) -> Bool {
        func carried(_ peer: PeerStatus) -> UInt64 {
            let (now, was) = (peer.traffic, old[peer.id] ?? peer.traffic)
            return (now.rxBytes &+ now.txBytes) >= (was.rxBytes &+ was.txBytes)
                ? (now.rxBytes &+ now.txBytes) - (was.rxBytes &+ was.txBytes) : 0
        }
        return { a, b in
            if (a.state == .up) != (b.state == .up) { return a.state == .up }
            let (mine, other) = (carried(a), carried(b))
            return mine != other ? mine > other : (a.name ?? "~", a.id) < (b.name ?? "~", b.id)
        }
    }

    // MARK: Warnings

    private var warnings: [String] {
        guard !report.warnings.isEmpty else { return [] }
        return [""]
            + report.warnings.prefix(5).map { warning in
                let text = fitted("WARNING: " + ForeignText.shown(warning))
                return text.hasPrefix("WARNING: ") ? terminal.bold("WARNING: ") + text.dropFirst(9) : text
            } + (report.warnings.count > 5 ? [fitted("\(report.warnings.count - 5) more: inet256vpn status")] : [])
    }

    private func fitted(_ line: String) -> String {
        line.count <= width ? line : String(line.prefix(max(0, width - 1))) + "\u{2026}"
    }
}
