internal import DNS
internal import Firewall
internal import INET256

extension EditedConfiguration {
    static let peersPath: YAMLPath = [.key("peers")]

    mutating func add(_ peer: PeerConfiguration) throws {
        try requireNoPeer(peer.id)
        if let name = peer.name { try requireFree(name) }
        var fields = [YAMLField("id", .quoted(peer.id.description))]
        if let name = peer.name { fields.append(YAMLField("name", .text(name))) }
        if !peer.endpoints.isEmpty {
            fields.append(YAMLField("addrs", .list(peer.endpoints.map { .quoted($0.description) })))
        }
        var expected = configuration
        expected.peers.append(peer)
        try take(
            [.insert(.mapping(fields), into: Self.peersPath)], "added the peer \(peer.label)", expecting: expected)
    }

    mutating func renamePeer(_ who: String, to name: String) throws {
        let index = try peerIndex(who)
        let peer = configuration.peers[index]
        if peer.name == name { throw EditRefusal("the peer is called \(name) already") }
        try requireFree(name)
        var expected = configuration
        expected.peers[index].name = name
        for place in expected.dns.services.indices
        where peer.name != Zone.own && expected.dns.services[place].host == peer.name {
            expected.dns.services[place].host = name
        }
        let entry = Self.peersPath + [.index(index)]
        guard let old = peer.name else {
            return try take(
                [.add(YAMLField("name", .text(name)), to: entry, behind: "id")], "named the peer \(peer.id) \(name)",
                expecting: expected)
        }
        let uses = NameReferences.paths(of: old, in: text.value)
        let places = uses.isEmpty ? "" : ", also in \(uses.map(\.words).joined(separator: ", "))"
        try take(
            [.replace([entry + [.key("name")]] + uses, with: name)], "renamed the peer \(old) to \(name)\(places)",
            expecting: expected)
    }

    mutating func removePeer(_ who: String, everywhere: Bool) throws {
        let index = try peerIndex(who)
        let peer = configuration.peers[index]
        if let name = peer.name {
            let uses = usesOf(name)
            if everywhere {
                try forget(name)
            } else if !uses.isEmpty {
                throw EditRefusal(
                    "\(name) is still named in \(uses)",
                    advice: "Change these first, or take it away there as well with --everywhere.")
            }
        }
        var expected = configuration
        expected.peers.remove(at: index)
        try take(
            [.remove(Self.peersPath + [.index(index)])], "removed the peer \(peer.label)", expecting: expected)
    }

    /// Takes a name out of all that has it, as far as nobody gets more by that.
    private mutating func forget(_ name: String) throws {
        let around = groupsWith(name)
        for list in [configuration.firewall.inbound, configuration.firewall.outbound] {
            for (place, rule) in list.rules.enumerated() where rule.action != .allow {
                let names = rule.peers.contains { subject in
                    switch subject {
                    case .group(let group): around.contains(group)
                    case .node(let id): configuration.peers.contains { $0.name == name && $0.id == id }
                    default: false
                    }
                }
                if names {
                    throw EditRefusal(
                        "rule \(place), which denies something to \(name), would do so no longer",
                        advice: "Who is no peer may still come in through others. Change that rule by hand first.")
                }
            }
        }
        while let use = NameReferences.paths(of: name, in: text.value).first {
            let (change, words) = try removal(of: name, at: use)
            try take([change], words)
        }
    }

    /// How a name is taken out of one place.
    private func removal(of name: String, at use: YAMLPath) throws(EditRefusal) -> (YAMLChange, String) {
        var list = use
        if case .index? = list.last { list.removeLast() }
        let others = (text.value.value(at: list)?.items?.count ?? 1) - 1
        if others > 0 { return (.remove(use), "took \(name) out of \(list.words)") }
        switch list.first {
        case .key("firewall"):
            // The whole entry, less the key that has the name.
            let entry = YAMLPath(list.dropLast())
            return (.remove(entry), "removed \(entry.words), which was about \(name) alone")
        case .key("portal") where list != use, .key("api") where list != use, .key("dns") where list != use:
            return (.remove(use), "took \(name) out of \(list.words), which nobody is left in")
        default:
            throw EditRefusal(
                "\(list.words) names \(name) alone, and would be left with nobody", advice: "Change that first.")
        }
    }

    /// The groups that contain a peer of this name, directly or by others.
    private func groupsWith(_ name: String) -> Set<String> {
        let id = configuration.peers.first { $0.name == name }?.id
        var found: Set<String> = []
        var isNew = true
        while isNew {
            isNew = false
            for group in configuration.groups where !found.contains(group.name) {
                let has = group.members.contains { member in
                    switch member {
                    case .node(let node): node == id
                    case .group(let inner): found.contains(inner)
                    default: false
                    }
                }
                if has {
                    found.insert(group.name)
                    isNew = true
                }
            }
        }
        return found
    }
}
