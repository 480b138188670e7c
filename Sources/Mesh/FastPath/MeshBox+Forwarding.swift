internal import INET256
package import Wire

/// What the box publishes of its routes and links, for every worker to relay by.
extension MeshBox {
    /// Whether every worker relays. Not by an algorithm that reads and writes a header of its own in each packet: that is the box's.
    var isRelayingShared: Bool { news.isShared && routes.flowBytes == 0 }

    /// Whether routes have changed since they were published: others are told before anything leaves the box by which its
    /// neighbours learn of it.
    package var hasRouteNews: Bool { isRelayingShared && news.forwarding.isStale(routes.network.version) }

    /// What changed, if anything did.
    package func shareRoutes(now: Instant) -> ShareChange? {
        guard isRelayingShared else { return nil }
        let ways = links.places.map { link in link.flatMap { relayWay(of: $0, now) } }
        let table = news.forwarding.update(routes.network.version, links: ways) { destination in
            guard nodes[destination] == nil else { return nil }
            return relayLink(to: destination)?.link.neighbour.map { Int($0.rawValue) }
        }
        return table.map { .routes($0) }
    }

    /// The link as everybody may use it: keys that both ends have, over a proven path by a certain port.
    private func relayWay(of link: Session, _ now: Instant) -> RelayWay? {
        guard let keypair = link.current, keypair.shared.remote != nil, keypair.confirmed, keypair.maySend(now, limits),
            link.usesDirectPath, let direct = link.direct, direct.validated, direct.path.socket != Path.anySocket
        else { return nil }
        return RelayWay(
            remote: link.remote, keypair: keypair.shared, path: direct.path, capacity: linkDatagramCapacity(link))
    }
}
