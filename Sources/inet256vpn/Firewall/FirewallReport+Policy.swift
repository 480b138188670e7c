internal import AdminProtocol
internal import Firewall

extension FirewallReport {
    /// Fills in what the policy says, with the kernel's numbers.
    mutating func add(_ policy: FirewallPolicy, counters: [String: FirewallCount]) {
        func count(_ name: String) -> PacketCount {
            let counter = counters[name] ?? FirewallCount(packets: 0, bytes: 0)
            return PacketCount(packets: counter.packets, bytes: counter.bytes)
        }
        func list(_ list: RuleList, isInbound: Bool) -> FirewallListReport {
            let names = PolicyCompiler.counterNames(list, isInbound: isInbound)
            let rules = zip(list.rules, names).map { rule, name in
                FirewallRuleReport(rule: rule.text, comment: rule.comment, count: count(name), counter: name)
            }
            let fallback: PolicyCompiler.Counter = isInbound ? .defaultIn : .defaultOut
            return FirewallListReport(
                rules: rules, fallback: list.fallback.rawValue, fallbackCount: count(fallback.rawValue))
        }
        inbound = list(policy.inbound, isInbound: true)
        outbound = list(policy.outbound, isInbound: false)
        groups = policy.groups.map { FirewallGroupReport(name: $0.name, members: $0.members.count) }
        for counter in PolicyCompiler.Counter.allCases where counter != .defaultIn && counter != .defaultOut {
            self.counters[counter.rawValue] = count(counter.rawValue)
        }
        if counters[Ruleset.cutCounter] != nil { self.counters[Ruleset.cutCounter] = count(Ruleset.cutCounter) }
        masquerades = policy.masquerades.map(\.words)
        clampsMSS = policy.clampsMSS
    }
}
