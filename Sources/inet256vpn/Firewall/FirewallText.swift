internal import AdminProtocol

/// `firewall show` for people.
struct FirewallText {
    let report: FirewallReport
    let terminal: TerminalText

    var lines: [String] {
        guard report.enforced else {
            return [terminal.bold("NOT ENFORCED") + ": " + TerminalText.clean(report.note ?? "no reason is known")]
        }
        var lines = [
            "table \(report.table)" + (report.owned ? ", owned by the daemon" : ", watched by the daemon"), "",
        ]
        lines += list("FROM THE MESH", report.inbound) + [""]
        lines += list("INTO THE MESH", report.outbound)
        if !report.groups.isEmpty {
            let groups = report.groups.map { "\($0.name) (\($0.members))" }.joined(separator: ", ")
            lines += ["", "groups: " + TerminalText.clean(groups)]
        }
        if !report.masquerades.isEmpty { lines.append("masquerade: " + report.masquerades.joined(separator: ", ")) }
        if !report.includes.isEmpty { lines.append("raw nft text: " + report.includes.joined(separator: ", ")) }
        let counts = report.counters.filter { $0.value.packets > 0 }.sorted { $0.key < $1.key }
        if !counts.isEmpty {
            lines.append("besides: " + counts.map { "\($0.key) \($0.value.packets)" }.joined(separator: ", "))
        }
        for other in report.others {
            lines.append(
                terminal.bold("WARNING: ") + "\(other) decides about the same packets: what it drops stays dropped")
        }
        if let note = report.note { lines.append(terminal.bold("WARNING: ") + TerminalText.clean(note)) }
        return lines
    }

    private func list(_ title: String, _ list: FirewallListReport) -> [String] {
        var table = TextTable(header: ["", title, "PACKETS", "BYTES"], rightAligned: [0, 2, 3])
        for (place, rule) in list.rules.enumerated() {
            let text = rule.comment.map { "\(rule.rule)  # \($0)" } ?? rule.rule
            table.add(["\(place)", text, "\(rule.count.packets)", Units.bytes(rule.count.bytes)])
        }
        table.add([
            "", "\(list.fallback) the rest", "\(list.fallbackCount.packets)", Units.bytes(list.fallbackCount.bytes),
        ])
        return table.lines
    }
}
