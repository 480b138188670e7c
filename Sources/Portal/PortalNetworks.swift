package import Wire

/// The networks behind boxes, as this box's configuration declares them: behind this one, and behind other nodes. A
/// node is known here by its derived address. Networks may lie within each other: the most specific one wins.
///
///     fdaa::/16                  behind this box
///     fdaa:2::/32                behind bob         inside the first
///     fdbb::/32                  behind bob
///
/// Kept in the order of addresses, each entry with the place of the one that it lies in: a look-up is one binary
/// search and a short walk outwards, and allocates nothing.
package struct PortalNetworks: Hashable, Sendable {
    /// Behind whom a network is.
    package enum Side: Hashable, Sendable {
        case here
        /// Behind the node with this derived address.
        case behind(IPv6Address)
    }

    /// What a look-up found.
    package struct Match: Hashable, Sendable {
        package let prefix: IPv6Prefix
        package let side: Side
    }

    private struct Entry: Hashable {
        let match: Match
        /// The place of the smallest network around this one; -1 for none.
        let outer: Int
    }

    private let entries: [Entry]

    /// Bits: multicast is ff00::/8, all other special networks are smaller.
    private static let shortestSpecial = 8

    /// No networks: the portal carries its own address and those of other nodes, nothing else.
    package static let none = PortalNetworks(sorted: [])

    /// - Throws: `PortalNetworksError` for networks that cannot be told apart, or that no packet may come from.
    package init(
        local: [IPv6Prefix], remote: [(prefix: IPv6Prefix, owner: IPv6Address)]
    ) throws(PortalNetworksError) {
        var sides: [IPv6Prefix: Side] = [:]
        let all =
            local.map { Match(prefix: $0, side: .here) }
            + remote.map { Match(prefix: $0.prefix, side: .behind($0.owner)) }
        for match in all {
            guard Self.carries(match.prefix) else { throw .notCarried(match.prefix) }
            if let other = sides[match.prefix], other != match.side { throw .declaredTwice(match.prefix) }
            sides[match.prefix] = match.side
        }
        // An outer network comes before those inside it.
        let sorted = sides.map { Match(prefix: $0.key, side: $0.value) }.sorted { a, b in
            let (left, right) = (a.prefix, b.prefix)
            return left.address != right.address ? left.address < right.address : left.length < right.length
        }
        self.init(sorted: sorted)
    }

    private init(sorted: [Match]) {
        var entries: [Entry] = []
        entries.reserveCapacity(sorted.count)
        for match in sorted {
            var outer = entries.count - 1
            while outer >= 0, !entries[outer].match.prefix.contains(match.prefix.address) {
                outer = entries[outer].outer
            }
            entries.append(Entry(match: match, outer: outer))
        }
        self.entries = entries
    }

    /// Whether a network may have this prefix: not multicast, link-local, or in the first /64. Whoever declares half of all
    /// addresses means the others in it.
    package static func carries(_ prefix: IPv6Prefix) -> Bool {
        !prefix.address.isNeverCarried || prefix.length < shortestSpecial
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// The networks behind this box, in the order of addresses.
    package var local: [IPv6Prefix] { entries.filter { $0.match.side == .here }.map(\.match.prefix) }

    /// The networks behind other nodes, in the order of addresses.
    package var remote: [(prefix: IPv6Prefix, owner: IPv6Address)] {
        entries.compactMap { entry in
            guard case .behind(let owner) = entry.match.side else { return nil }
            return (entry.match.prefix, owner)
        }
    }

    /// The most specific network that `address` lies in; nil for none.
    package func find(_ address: IPv6Address) -> Match? {
        if entries.isEmpty || address.isNeverCarried { return nil }
        // The last entry that does not begin behind the address: whatever holds the address is it or around it.
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].match.prefix.address <= address { low = middle + 1 } else { high = middle }
        }
        var place = low - 1
        while place >= 0 {
            let entry = entries[place]
            if entry.match.prefix.contains(address) { return entry.match }
            place = entry.outer
        }
        return nil
    }
}

/// Why networks cannot be as they are declared.
package enum PortalNetworksError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Behind two boxes at once.
    case declaredTwice(IPv6Prefix)
    /// Multicast, link-local, or in ::/64.
    case notCarried(IPv6Prefix)

    package var description: String {
        switch self {
        case .declaredTwice(let prefix): "network \(prefix): it is declared behind two boxes"
        case .notCarried(let prefix):
            "network \(prefix): multicast, link-local, loopback and IPv4-mapped addresses are not carried"
        }
    }
}

extension IPv6Address {
    /// Not an address that anybody has beyond a link, whatever network is declared around it: multicast, link-local,
    /// and the first /64 with the unspecified address, the loopback's and the IPv4-mapped ones (RFC 6890).
    var isNeverCarried: Bool { high == 0 || isMulticast || isLinkLocal }
}
