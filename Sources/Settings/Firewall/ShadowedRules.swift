internal import Firewall
internal import Wire

/// A rule that can never match, since one before it takes all that it would.
struct ShadowedRule: Hashable, Sendable {
    /// Places in the list, from 0.
    var rule: Int
    var by: Int
    /// Whether the two do different things.
    var isContradiction: Bool
}

extension FirewallPolicy {
    /// The rules of `list` that a single earlier one covers: with the same or wider services, subjects and places,
    /// and without a limit. What only several together cover is not found.
    func shadowedRules(of list: RuleList) -> [ShadowedRule] {
        var subjects: [Subject: [IPv6Prefix]] = [:]
        func prefixes(of subject: Subject) -> [IPv6Prefix] {
            if let known = subjects[subject] { return known }
            let prefixes =
                switch subject {
                case .any: [IPv6Prefix(.unspecified, length: 0)].compactMap(\.self)
                case .group(let name): group(name)?.members ?? []
                case .prefix(let prefix): [prefix]
                }
            subjects[subject] = prefixes
            return prefixes
        }
        let members = list.rules.map { rule in
            // One subject's are in order already, and groups may be large.
            rule.peers.count == 1 ? prefixes(of: rule.peers[0]) : Self.sorted(rule.peers.flatMap(prefixes))
        }

        var shadowed: [ShadowedRule] = []
        for (index, rule) in list.rules.enumerated() where !members[index].isEmpty {
            let cover = list.rules[..<index].indices.first { earlier in
                let wide = list.rules[earlier]
                return wide.limit == nil && wide.services.cover(rule.services)
                    && Set(rule.places).isSubset(of: wide.places)
                    && Self.all(members[index], within: members[earlier])
            }
            guard let cover else { continue }
            shadowed.append(
                ShadowedRule(rule: index, by: cover, isContradiction: list.rules[cover].action != rule.action))
        }
        return shadowed
    }

    /// In order of their addresses, without those that lie within others.
    private static func sorted(_ prefixes: [IPv6Prefix]) -> [IPv6Prefix] {
        FirewallGroup(name: "", members: prefixes).members
    }

    /// Whether each of `prefixes` lies within one of `others`, which are sorted and disjoint.
    private static func all(_ prefixes: [IPv6Prefix], within others: [IPv6Prefix]) -> Bool {
        prefixes.allSatisfy { prefix in
            // The last one that begins at or before it: no other could hold it.
            var low = 0
            var high = others.count
            while low < high {
                let middle = (low + high) / 2
                if others[middle].address <= prefix.address { low = middle + 1 } else { high = middle }
            }
            return low > 0 && others[low - 1].contains(prefix)
        }
    }
}

extension [Service] {
    /// Whether each of `others` is covered by one of these.
    fileprivate func cover(_ others: [Service]) -> Bool {
        others.allSatisfy { other in contains { $0.covers(other) } }
    }
}

extension Service {
    private static let icmpv6: UInt8 = 58

    /// Whether everything that is `other` is this, too.
    func covers(_ other: Service) -> Bool {
        switch (self, other) {
        case (.any, _): true
        case (_, .any): false
        case (.ports(let number, let range), .ports(let otherNumber, let otherRange)):
            number == otherNumber && range.lowerBound <= otherRange.lowerBound
                && range.upperBound >= otherRange.upperBound
        case (.ipProtocol(let number), .ports(let other, _)), (.ipProtocol(let number), .ipProtocol(let other)):
            number == other
        case (.ports(let number, let range), .ipProtocol(let other)): number == other && range == 0...UInt16.max
        case (.icmpv6(let type, let code), .icmpv6(let otherType, let otherCode)):
            type == nil || type == otherType && (code == nil || code == otherCode)
        case (.ipProtocol(let number), .icmpv6): number == Self.icmpv6
        case (.icmpv6(let type, _), .ipProtocol(let other)): type == nil && other == Self.icmpv6
        case (.ports, .icmpv6), (.icmpv6, .ports): false
        }
    }
}
