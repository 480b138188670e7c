internal import AdminProtocol
internal import Firewall
internal import Settings

extension FirewallLines {
    init(_ policy: FirewallPolicy, includes: [String]) {
        var ordered = Self.lines("from the mesh", policy.inbound) + Self.lines("into the mesh", policy.outbound)
        for network in policy.networks { ordered += network.prefixes.map { "network \(network.name): \($0)" } }
        ordered += policy.masquerades.map { "masquerade: \($0.words)" }
        if policy.clampsMSS { ordered.append("clamp_mss: true") }
        ordered += includes.map { "include: \($0)" }
        let members = policy.groups.flatMap { group in group.members.map { "group \(group.name): \($0)" } }
        self.init(ordered: ordered, members: members)
    }

    private static func lines(_ title: String, _ list: RuleList) -> [String] {
        let rules = list.rules.map { rule in
            var line = "\(title): \(rule.text)"
            if let prefix = rule.log { line += " log \"\(prefix)\"" }
            if let comment = rule.comment { line += "  # \(comment)" }
            return line
        }
        return rules + ["\(title): \(list.fallback.rawValue) the rest"]
    }
}

extension Masquerade {
    /// "lan into the mesh".
    var words: String {
        switch self {
        case .intoMesh(let network): "\(network) into the mesh"
        case .intoNetwork(let network): "the mesh into \(network)"
        }
    }
}

extension Configuration {
    /// The policy of the file; nothing when it is not enforced.
    func firewallLines() throws -> FirewallLines {
        try FirewallKeeper.prepare(self)?.lines ?? FirewallLines(FirewallPolicy.none, includes: [])
    }
}

extension FirewallPolicy {
    /// Everything passes.
    static var none: FirewallPolicy {
        var policy = FirewallPolicy(portal: "")
        policy.inbound.fallback = .allow
        policy.clampsMSS = false
        return policy
    }
}
