package import Firewall
internal import INET256
package import Wire

extension Configuration {
    /// The firewall's part with every name resolved to IPv6 prefixes. Groups that a rule names stay groups, so that
    /// a change of members is one of a set's elements; so do the configured peers, as the group "peers".
    package func firewallPolicy() -> FirewallPolicy {
        var policy = FirewallPolicy(portal: portal.interface)
        let members = GroupMembers(self)
        let local = networks.filter { $0.via == nil }
        policy.networks = local.map { FirewallNetwork(name: $0.name, prefixes: $0.prefixes) }
        policy.groups = usedGroups.map { FirewallGroup(name: $0, members: members.prefixes(of: .named($0))) }
        policy.inbound = ruleList(firewall.inbound, .inbound, members)
        policy.outbound = ruleList(firewall.outbound, .outbound, members)
        policy.masquerades = firewall.nat
        policy.clampsMSS =
            switch firewall.clampMSS {
            case .auto: !local.isEmpty
            case .on: true
            case .off: false
            }
        policy.hasInclude = !firewall.include.isEmpty
        return policy
    }

    /// Names of the groups that rules speak of, in the order of the file.
    private var usedGroups: [String] {
        let subjects = (firewall.inbound.rules + firewall.outbound.rules).flatMap(\.peers)
        let used = Set(subjects.compactMap(\.groupName))
        return ([ConfiguredSubject.peersName] + groups.map(\.name)).filter(used.contains)
    }

    private func ruleList(
        _ list: ConfiguredRules, _ way: FirewallTest.Way, _ members: GroupMembers
    ) -> RuleList {
        let rules = list.rules.map { rule in
            var made = FirewallRule(
                rule.action, rule.services.flatMap(\.services).unique,
                peers: subjects(rule.peers, members), places: places(rule.places), limit: rule.limit,
                text: RuleText.line(rule, way, peers: peers))
            made.log = rule.log.map { RuleText.logPrefix($0, rule) }
            made.comment = rule.comment
            return made
        }
        return RuleList(rules, fallback: list.fallback)
    }

    private func subjects(_ list: [ConfiguredSubject], _ members: GroupMembers) -> [Subject] {
        let subjects = list.flatMap { subject -> [Subject] in
            if let name = subject.groupName { return [.group(name)] }
            if case .any = subject { return [.any] }
            return members.prefixes(of: subject).map { $0.length == 0 ? .any : .prefix($0) }
        }
        return subjects.contains(.any) ? [.any] : subjects.unique
    }

    private func places(_ list: [ConfiguredPlace]) -> [Place] {
        list.flatMap { place -> [Place] in
            switch place {
            case .box: [.box]
            case .network(let name): [.network(name)]
            case .any: [.box] + networks.filter { $0.via == nil }.map { .network($0.name) }
            }
        }.unique
    }
}

extension ConfiguredSubject {
    /// What the configured peers are called as a group; no group of the file can have this name.
    package static let peersName = "peers"

    var groupName: String? {
        switch self {
        case .peers: Self.peersName
        case .group(let name): name
        case .any, .node, .network, .prefix: nil
        }
    }

    static func named(_ group: String) -> ConfiguredSubject { group == peersName ? .peers : .group(group) }
}

/// Turns subjects into IPv6 prefixes.
package struct GroupMembers {
    private let map: IPv6Map
    private let peers: [PeerConfiguration]
    private let networks: [String: [IPv6Prefix]]
    private let groups: [String: [ConfiguredSubject]]

    package init(_ configuration: Configuration) {
        do throws(IPv6MapError) {
            map = try IPv6Map(prefix: configuration.portal.prefix)
        } catch {
            preconditionFailure("a portal prefix that the reader let pass: \(error)")
        }
        peers = configuration.peers
        networks = Dictionary(configuration.networks.map { ($0.name, $0.prefixes) }) { first, _ in first }
        groups = Dictionary(configuration.groups.map { ($0.name, $0.members) }) { first, _ in first }
    }

    /// All of them, nesting resolved. `any` is ::/0.
    package func prefixes(of subject: ConfiguredSubject) -> [IPv6Prefix] {
        var prefixes: [IPv6Prefix] = []
        var waiting = [subject]
        var seen: Set<String> = []
        while let next = waiting.popLast() {
            switch next {
            case .any:
                if let all = IPv6Prefix(.unspecified, length: 0) { prefixes.append(all) }
            case .peers: prefixes += peers.map { IPv6Prefix(host: map.address(of: $0.id)) }
            case .node(let address): prefixes.append(IPv6Prefix(host: map.address(of: address)))
            case .group(let name):
                if seen.insert(name).inserted { waiting += groups[name] ?? [] }
            case .network(let name): prefixes += networks[name] ?? []
            case .prefix(let prefix): prefixes.append(prefix)
            }
        }
        return prefixes
    }
}

extension Array where Element: Hashable {
    /// Without repetitions, in the order of their first place.
    fileprivate var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
