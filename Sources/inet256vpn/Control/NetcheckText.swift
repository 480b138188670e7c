internal import AdminProtocol

/// `netcheck` for people: a line for each finding, and below it what to do.
struct NetcheckText {
    let report: NetcheckReport
    let terminal: TerminalText

    private static let width = 14

    var lines: [String] {
        report.findings.flatMap { finding -> [String] in
            let topic = Self.words[finding.topic] ?? finding.topic.rawValue
            let label = topic + String(repeating: " ", count: max(1, Self.width - topic.count))
            let text = TerminalText.clean(finding.text)
            let line = label + Self.mark(finding.verdict) + (finding.verdict == .bad ? terminal.bold(text) : text)
            guard let advice = finding.advice else { return [line] }
            return [line, String(repeating: " ", count: Self.width + 2) + "-> " + TerminalText.clean(advice)]
        } + names
    }

    /// Names of `advertise` that lead nowhere.
    private var names: [String] {
        report.facts.unknownNames.map {
            terminal.bold("WARNING: ") + TerminalText.clean("advertise: nobody knows where \($0) is")
        }
    }

    private static let words: [NetcheckFinding.Topic: String] = [
        .reach: "reach", .udp: "UDP", .ipv4: "IPv4", .ipv6: "IPv6", .mapping: "NAT", .filtering: "NAT lets in",
        .portMapping: "port mapping", .mtu: "size",
    ]

    private static func mark(_ verdict: NetcheckFinding.Verdict) -> String {
        switch verdict {
        case .good: "+ "
        case .limited: "~ "
        case .bad: "- "
        case .unknown: "? "
        }
    }
}
