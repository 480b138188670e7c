internal import DNS
internal import Foundation
internal import INET256
internal import Settings
internal import Wire

extension Zone {
    /// The names that a configuration gives, when `own` is the box's address.
    /// - Parameter names: what peers call themselves.
    init?(
        _ configuration: Configuration, map: IPv6Map, own: Address, nodes: [Address],
        called names: [Address: OwnNames] = [:]
    ) {
        // Grows from one run to the next as well.
        let serial = UInt32(truncatingIfNeeded: Int64(max(0, Date().timeIntervalSince1970)))
        self.init(configuration.dns.zone, map: map, own: own, serial: serial)
        for peer in configuration.peers where peer.id != own { add(peer.id, called: peer.name) }
        let members = GroupMembers(configuration)
        for group in configuration.groups {
            // Prefixes are nobody's addresses.
            let hosts = members.prefixes(of: .group(group.name)).filter { $0.length == IPv6Address.count * 8 }
            add(group: group.name, Set(hosts.map(\.address)).sorted())
        }
        for address in nodes { note(address) }
        for address in configuration.namedNodes { note(address) }
        // Behind all that the configuration says.
        for peer in configuration.peers {
            if let name = peer.name, let own = names[peer.id] { add(own, of: name, peer.id) }
        }
        for service in configuration.dns.services { add(service) }
    }
}

extension Askers {
    /// Who is answered.
    init(_ configuration: Configuration, map: IPv6Map, own: Address) {
        self.init(own: map.address(of: own), prefix: map.prefix)
        switch configuration.dns.allow {
        case .any: everybody = true
        case .only(let some, let peers):
            let all = peers ? some.union(configuration.peers.map(\.id)) : some
            nodes = Set(all.map { map.address(of: $0) })
        }
    }
}
