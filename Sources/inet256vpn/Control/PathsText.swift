internal import AdminProtocol

/// How the box's own sessions go, for people: one line each, and below it where a straight path was looked for in vain.
struct PathsText {
    let report: StatusReport

    /// Nothing where there are no sessions.
    var lines: [String] {
        let sessions = report.sessions.filter { $0.local == report.mainAddr && $0.path != nil }
        guard !sessions.isEmpty else { return [] }
        var table = TextTable(
            header: ["WITH", "PATH", "BY", "SINCE", "RTT", "LOSS", "WHY"], rightAligned: [4, 5])
        for session in sessions.sorted(by: order) {
            guard let path = session.path else { continue }
            table.add([
                name(session.remote), path.kind.rawValue,
                path.kind == .direct ? path.endpoint ?? "-" : path.relay.map(name) ?? "-",
                Units.time(path.sinceSeconds), path.rttMs.map(Units.milliseconds) ?? "-",
                path.lossPercent.map(Units.percent) ?? "-", why(path),
            ])
        }
        return table.lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
    }

    /// Those that are relayed, a line each, and the first few of them only.
    var relayed: [String] {
        let sessions = report.sessions.filter { $0.local == report.mainAddr && $0.path?.kind == .relayed }
        var lines = sessions.sorted(by: order).prefix(Self.shown).map { session in
            let path = session.path
            let relay = path?.relay.map(name).map { " by \($0)" } ?? ""
            return "\(name(session.remote))\(relay) for \(Units.time(path?.sinceSeconds ?? 0)): \(path.map(why) ?? "")"
        }
        if sessions.count > Self.shown { lines.append("and \(sessions.count - Self.shown) others: inet256vpn peers") }
        return lines
    }

    private static let shown = 4

    private func why(_ path: PathStatus) -> String {
        guard path.kind == .relayed, let reason = path.reason else { return "" }
        let failed = path.tried.filter { $0.rttMs == nil }.map(\.endpoint)
        guard !failed.isEmpty, path.obstacle != "searching" else { return reason }
        return "\(reason) (tried \(failed.joined(separator: ", ")))"
    }

    private func name(_ address: String) -> String {
        report.peers.first { $0.id == address }?.name ?? address
    }

    private func order(_ a: SessionStatus, _ b: SessionStatus) -> Bool { name(a.remote) < name(b.remote) }
}
