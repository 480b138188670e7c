internal import Firewall
package import INET256
internal import Wire

extension Configuration {
    /// What is possible in the firewall's part but hardly meant, when `own` are the box's addresses.
    package func firewallWarnings(own: Set<Address>) -> [String] {
        var warnings: [String] = []
        let members = GroupMembers(self)
        let known = own.sorted().map { ("this box itself", $0) } + peers.map { ($0.label, $0.id) }
        let hosts = known.flatMap { label, id in members.prefixes(of: .node(id)).map { (label, $0.address) } }
        for network in networks {
            // The more specific place of an address counts: what is in there is not that node's any more.
            let prefixes = network.prefixes.filter { $0.length > portal.prefix.length }
            for (label, host) in hosts where prefixes.contains(where: { $0.contains(host) }) {
                warnings.append("networks.\(network.name) contains \(host), the IPv6 address of \(label)")
            }
        }
        guard firewall.enabled else { return warnings }
        let policy = firewallPolicy()
        warnings += Self.warnings(policy.shadowedRules(of: policy.inbound), policy.inbound, "firewall.rules")
        warnings += Self.warnings(policy.shadowedRules(of: policy.outbound), policy.outbound, "firewall.outbound.rules")
        return warnings
    }

    private static func warnings(_ shadowed: [ShadowedRule], _ list: RuleList, _ keyPath: String) -> [String] {
        shadowed.map { shadowed in
            let first = "\(keyPath)[\(shadowed.by)] (\(list.rules[shadowed.by].text))"
            let second = "\(keyPath)[\(shadowed.rule)] (\(list.rules[shadowed.rule].text))"
            return shadowed.isContradiction
                ? "\(first) and \(second) contradict each other: the second can never match"
                : "\(second) can never match: \(first) covers it"
        }
    }
}
