internal import Firewall
internal import Settings

/// Whether a new rule decides about what it speaks of, or others come first for some of it.
enum RuleEffect {
    static func warnings(of edited: EditedConfiguration) -> [String] {
        let configuration = edited.configuration
        guard !edited.addedRules.isEmpty else { return [] }
        if let reason = configuration.firewallIdleReason { return ["NOT ENFORCED: \(reason)"] }
        let policy = configuration.firewallPolicy()
        let cases = PacketCases(policy: policy)
        let members = GroupMembers(configuration)
        return edited.addedRules.flatMap { way, rule -> [String] in
            let ends = rule.places.map { place -> FirewallTest.End in
                switch place {
                case .box: .box
                case .any: .any
                case .network(let name): .network(name)
                }
            }
            let question = FirewallTest(
                way: way, subjects: rule.peers, services: rule.services, ends: ends, expect: rule.action)
            var seen: Set<String> = []
            var warnings: [String] = []
            for packet in cases.packets(question, members) {
                let decision = policy.decide(packet)
                guard decision.action != rule.action, case .rule = decision.reason else { continue }
                let words = decision.words(policy, packet)
                guard seen.insert(words).inserted else { continue }
                let text = RuleText.line(rule, way, peers: configuration.peers)
                warnings.append("\(text): for some of it another rule comes first, \(words)")
            }
            return warnings
        }
    }
}
