package import INET256
package import Wire

/// A link as relay frames go by it: what the datagrams to the next hop are sealed with, and where they go.
package struct RelayWay: Sendable, Equatable {
    /// The next hop.
    package let remote: Address
    let keypair: SharedKeypair
    package let path: Path
    /// The largest datagram that goes in one relay frame of one piece: stamps are lowered to it.
    package let capacity: Int

    package static func == (a: RelayWay, b: RelayWay) -> Bool {
        a.keypair === b.keypair && a.path == b.path && a.capacity == b.capacity
    }
}

/// Which link is next on the way to an address, for what is relayed for others, at one moment. It never changes: when routes or ways do,
/// the box makes another one, and each worker turns to that. So nobody waits for anybody who reads it.
package final class ForwardingTable: Sendable {
    /// The box's links by their numbers; nil for one that is not there, or that not everybody can use now.
    package let links: [RelayWay?]
    /// The number of the next link, by destination: for the destinations that frames have come for, and no others.
    package let hops: [Address: Int]

    init(_ links: [RelayWay?] = [], _ hops: [Address: Int] = [:]) {
        self.links = links
        self.hops = hops
    }
}

/// What the box knows of what it relays, and what of that it has published. The first engine relays what is not published yet, and so
/// learns where frames go.
struct Forwarding {
    private(set) var published = ForwardingTable()
    private var hops: [Address: Int] = [:]
    /// The routes' version when the next links were last looked up.
    private var version: UInt64 = 0
    private var isStale = false

    /// As many as next hops are remembered.
    static let maximum = Links.maximumHops
    private static let unknown = -1

    /// A frame went there.
    mutating func note(_ destination: Address) {
        guard hops[destination] == nil else { return }
        if hops.count >= Self.maximum { hops.removeAll(keepingCapacity: true) }
        hops[destination] = Self.unknown
        isStale = true
    }

    /// Something changed that the routes' version does not tell.
    mutating func doubt() { isStale = true }

    /// Whether next links are to be looked up anew.
    func isStale(_ version: UInt64) -> Bool { isStale || version != self.version && !hops.isEmpty }

    /// The table to publish; nil where it is the one that was published last. A destination without a next link is forgotten.
    mutating func update(
        _ version: UInt64, links: [RelayWay?], next: (Address) -> Int?
    ) -> ForwardingTable? {
        if isStale(version) {
            var found = [Address: Int](minimumCapacity: hops.count)
            for destination in hops.keys { found[destination] = next(destination) }
            hops = found
        }
        self.version = version
        isStale = false
        guard hops != published.hops || links != published.links else { return nil }
        published = ForwardingTable(links, hops)
        return published
    }
}
