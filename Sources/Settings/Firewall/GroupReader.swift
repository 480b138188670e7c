internal import INET256
package import Wire

extension ConfigurationValue {
    /// The mapping of names to prefixes; nothing at all is an empty one. What is wrong is noted in `scope`, too.
    func networks(_ scope: inout NameScope) -> [NetworkConfiguration] {
        if isNull { return [] }
        var networks: [NetworkConfiguration] = []
        var taken: [(prefix: IPv6Prefix, name: String)] = []
        let form = "a mapping such as {lan: [\"fdaa:1::/64\"], office: {via: bob, prefixes: [\"fdaa:2::/64\"]}}"
        for (key, name, value) in entries(expected: form) {
            guard key.isFreeName(name, scope, kind: "network"),
                let network = value.network(name, scope, taken: &taken)
            else {
                scope.faulty.insert(name)
                continue
            }
            networks.append(network)
        }
        return networks
    }

    private func network(
        _ name: String, _ scope: NameScope, taken: inout [(prefix: IPv6Prefix, name: String)]
    ) -> NetworkConfiguration? {
        if keyCount == nil {
            guard let prefixes = prefixes(name, scope, taken: &taken) else { return nil }
            return NetworkConfiguration(name: name, prefixes: prefixes)
        }
        var via: Address?
        var viaGiven = false
        var prefixes: [IPv6Prefix]?
        var prefixesGiven = false
        let isComplete = fields(["via", "prefixes"]) { key, value in
            if key == "via" {
                viaGiven = true
                via = value.node(scope)
            } else {
                prefixesGiven = true
                prefixes = value.prefixes(name, scope, taken: &taken)
            }
        }
        if isComplete, !prefixesGiven { complain(expected: "the key prefixes (one IPv6 prefix or a list)") }
        guard isComplete, let prefixes, !viaGiven || via != nil else { return nil }
        return NetworkConfiguration(name: name, via: via, prefixes: prefixes)
    }

    /// One prefix or a list, none overlapping another of this or any other network.
    private func prefixes(
        _ name: String, _ scope: NameScope, taken: inout [(prefix: IPv6Prefix, name: String)]
    ) -> [IPv6Prefix]? {
        guard let items = oneOrMore(expected: "an IPv6 prefix such as fdaa:1::/64, or a list of them") else {
            return nil
        }
        var prefixes: [IPv6Prefix] = []
        var isComplete = true
        for item in items {
            guard let prefix = item.networkPrefix(beside: scope.portalPrefix) else {
                isComplete = false
                continue
            }
            if let other = taken.first(where: { $0.prefix.overlaps(prefix) }) {
                let whose = other.name == name ? "" : " of the network \(other.name)"
                item.complain(
                    expected: "networks that do not overlap", found: "\(prefix), which overlaps \(other.prefix)\(whose)"
                )
                isComplete = false
            }
            taken.append((prefix, name))
            prefixes.append(prefix)
        }
        return isComplete ? prefixes : nil
    }

    /// The mapping of names to members; nothing at all is an empty one. `scope` knows the groups afterwards.
    func groups(_ scope: inout NameScope) -> [GroupConfiguration] {
        if isNull { return [] }
        let entries = entries(expected: "a mapping such as {admins: [alice, bob]}")
        // First all names: a group may contain one that stands further down.
        var named: [(name: String, value: ConfigurationValue)] = []
        for (key, name, value) in entries {
            if key.isFreeName(name, scope, kind: "group") {
                named.append((name, value))
            } else {
                scope.faulty.insert(name)
            }
        }
        scope.groups = Set(named.map(\.name))
        var groups: [GroupConfiguration] = []
        var nesting = Nesting()
        for (name, value) in named {
            var members: [ConfiguredSubject] = []
            var seen: Set<ConfiguredSubject> = []
            for item in value.oneOrMore(expected: "at least one member") ?? [] {
                guard let member = item.subject(scope, orAny: false) else { continue }
                if case .group(let inner) = member { nesting.add(inner, to: name, at: item) }
                if !seen.insert(member).inserted { item.complain(expected: "each member once") }
                members.append(member)
            }
            groups.append(GroupConfiguration(name: name, members: members))
        }
        nesting.complainOfCircles(names: named.map(\.name))
        scope.groupsOfNodes = nesting.containing(groups.filter { $0.members.contains { scope.isIdentity($0) } })
        return groups
    }

    /// Whether a group or network may be called `name`, which this value, a key, is.
    private func isFreeName(_ name: String, _ scope: NameScope, kind: String) -> Bool {
        if let fault = PeerName.fault(in: name) {
            complain(expected: "\(PeerName.rule) (\(fault))")
            return false
        }
        let owner =
            scope.peers[name] != nil ? "a peer" : scope.network(name) == nil ? nil : "a network"
        guard let owner else { return true }
        complain(expected: "a name of its own for each \(kind)", found: "the name of \(owner), \"\(name)\"")
        return false
    }
}

/// Which groups contain which.
private struct Nesting {
    private var inner: [String: [(name: String, value: ConfigurationValue)]] = [:]

    mutating func add(_ name: String, to group: String, at value: ConfigurationValue) {
        inner[group, default: []].append((name, value))
    }

    /// Files one complaint for each member that closes a circle. In loops, as nesting may be deeper than the stack.
    func complainOfCircles(names: [String]) {
        var done: Set<String> = []
        for name in names where !done.contains(name) {
            var path = [(name: name, next: 0)]
            var places = [name: 0]
            while let (current, next) = path.last {
                guard let members = inner[current], next < members.count else {
                    path.removeLast()
                    places[current] = nil
                    done.insert(current)
                    continue
                }
                path[path.count - 1].next += 1
                let (member, value) = members[next]
                if let start = places[member] {
                    let circle = (path[start...].map(\.name) + [member]).joined(separator: " -> ")
                    value.complain(expected: "groups that do not contain themselves", found: "the circle \(circle)")
                } else if !done.contains(member) {
                    places[member] = path.count
                    path.append((member, 0))
                }
            }
        }
    }

    /// `groups` and all that contain them, however deep.
    func containing(_ groups: [GroupConfiguration]) -> Set<String> {
        var outer: [String: [String]] = [:]
        for (group, members) in inner {
            for member in members { outer[member.name, default: []].append(group) }
        }
        var waiting = groups.map(\.name)
        var found: Set<String> = []
        while let next = waiting.popLast() {
            if found.insert(next).inserted { waiting += outer[next] ?? [] }
        }
        return found
    }
}

extension IPv6Prefix {
    package func overlaps(_ other: IPv6Prefix) -> Bool { contains(other.address) || other.contains(address) }
}
