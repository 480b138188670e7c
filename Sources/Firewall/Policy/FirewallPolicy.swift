package import Wire

/// What the configuration says about traffic between this box and the mesh, with every name resolved to IPv6 prefixes:
/// plain values, ready to be compiled and to be evaluated.
package struct FirewallPolicy: Hashable, Sendable {
    /// The portal's interface name: the rules speak of nothing but what goes through it.
    package var portal: String
    /// Named sets of members, flat: nesting is resolved. Those that no rule names need not be here.
    package var groups: [FirewallGroup] = []
    /// Networks behind this box.
    package var networks: [FirewallNetwork] = []
    /// From the mesh, to the box and to the networks behind it.
    package var inbound = RuleList(fallback: .deny)
    /// Into the mesh, from the box and from the networks behind it.
    package var outbound = RuleList(fallback: .allow)
    package var masquerades: [Masquerade] = []
    /// Whether TCP that is forwarded through the portal has its segment size fitted to the path's MTU.
    package var clampsMSS = true
    /// Whether the table has a chain for raw nft text, which is asked before the inbound rules.
    package var hasInclude = false

    package init(portal: String) { self.portal = portal }

    package func group(_ name: String) -> FirewallGroup? { groups.first { $0.name == name } }
    package func network(_ name: String) -> FirewallNetwork? { networks.first { $0.name == name } }
}

/// Rules in order, the first that matches wins, and what becomes of the rest.
package struct RuleList: Hashable, Sendable {
    package var rules: [FirewallRule] = []
    package var fallback: FirewallAction

    package init(_ rules: [FirewallRule] = [], fallback: FirewallAction) {
        self.rules = rules
        self.fallback = fallback
    }
}

package struct FirewallGroup: Hashable, Sendable {
    package let name: String
    /// Sorted, without repetitions and without prefixes that lie within others.
    package let members: [IPv6Prefix]

    package init(name: String, members: some Sequence<IPv6Prefix>) {
        self.name = name
        self.members = IPv6Prefix.disjoint(members)
    }

    /// Whether all members are single addresses.
    package var isHostsOnly: Bool { members.allSatisfy { $0.length == 128 } }
}

/// A network behind this box, reached through another interface.
package struct FirewallNetwork: Hashable, Sendable {
    package let name: String
    package let prefixes: [IPv6Prefix]

    package init(name: String, prefixes: some Sequence<IPv6Prefix>) {
        self.name = name
        self.prefixes = IPv6Prefix.disjoint(prefixes)
    }
}

/// Gives forwarded packets the box's own address, so that the other side needs no route back.
package enum Masquerade: Hashable, Sendable {
    /// What comes from this network (by name) leaves into the mesh under the portal's address.
    case intoMesh(network: String)
    /// What comes from the mesh reaches this network (by name) under the box's address there.
    case intoNetwork(String)
}

extension IPv6Prefix {
    /// Sorted, and without those that lie within others: what an interval set takes.
    static func disjoint(_ prefixes: some Sequence<IPv6Prefix>) -> [IPv6Prefix] {
        let sorted = Set(prefixes).sorted {
            $0.address != $1.address ? $0.address < $1.address : $0.length < $1.length
        }
        var kept: [IPv6Prefix] = []
        for prefix in sorted where kept.last?.contains(prefix.address) != true { kept.append(prefix) }
        return kept
    }

    /// The highest address within.
    package var last: IPv6Address {
        let host = 128 - length
        let low: UInt64 = host >= 64 ? .max : (1 << UInt64(host)) &- 1
        let high: UInt64 = host <= 64 ? 0 : host == 128 ? .max : (1 << UInt64(host - 64)) &- 1
        return IPv6Address(high: address.high | high, low: address.low | low)
    }
}
