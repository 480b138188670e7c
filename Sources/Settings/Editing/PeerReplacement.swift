internal import INET256

extension EditedConfiguration {
    /// Endpoints need nothing: what `addrs` may hold (`udp://host:port`, `dns://name`) has no address of a peer in it. Where a `dns://name`
    /// publishes addresses, its zone has to name the new one.
    mutating func replacePeer(_ old: Address, with new: Address) throws {
        guard let index = configuration.peers.firstIndex(where: { $0.id == old }) else {
            throw EditRefusal("no peer has the address \(old)")
        }
        try requireNoPeer(new)
        // A name is never an address, so that each of these places means the peer.
        let uses = NameReferences.paths(of: old.description, in: text.value)
        let places = uses.isEmpty ? "" : ", also in \(uses.map(\.words).joined(separator: ", "))"
        let who = configuration.peers[index].name.map { "\($0), \(old)," } ?? "\(old)"
        try take(
            [.replace([Self.peersPath + [.index(index), .key("id")]] + uses, with: new.description)],
            "gave the peer \(who) its new address \(new)\(places)", expecting: configuration.replacing(old, with: new))
    }
}

extension Configuration {
    /// With `new` wherever a node of the address `old` is meant, by that or by its name.
    fileprivate func replacing(_ old: Address, with new: Address) -> Configuration {
        func one(_ address: Address) -> Address { address == old ? new : address }
        func one(_ subject: ConfiguredSubject) -> ConfiguredSubject { subject == .node(old) ? .node(new) : subject }
        func one(_ access: PortalAccess) -> PortalAccess {
            guard case .only(let addresses, let peers) = access else { return access }
            return .only(Set(addresses.map { one($0) }), peers: peers)
        }
        func one(_ rule: ConfiguredRule) -> ConfiguredRule {
            var rule = rule
            rule.peers = rule.peers.map { one($0) }
            return rule
        }
        var next = self
        for place in peers.indices { next.peers[place].id = one(peers[place].id) }
        for place in groups.indices { next.groups[place].members = groups[place].members.map { one($0) } }
        for place in networks.indices { next.networks[place].via = networks[place].via.map { one($0) } }
        next.firewall.inbound.rules = firewall.inbound.rules.map { one($0) }
        next.firewall.outbound.rules = firewall.outbound.rules.map { one($0) }
        for place in firewall.tests.indices {
            next.firewall.tests[place].subjects = firewall.tests[place].subjects.map { one($0) }
        }
        next.portal.allow = one(portal.allow)
        next.api.allow = one(api.allow)
        next.dns.allow = one(dns.allow)
        return next
    }
}
