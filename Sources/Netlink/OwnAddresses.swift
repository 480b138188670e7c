package import Wire

/// An address of this machine at which others may reach it.
package struct OwnAddress: Hashable, Sendable {
    package let address: IPv6Address
    /// The index of its interface.
    package let interface: UInt32

    package init(_ address: IPv6Address, interface: UInt32) {
        self.address = address
        self.interface = interface
    }

    /// The interface's index where the address means something on that link alone (RFC 4007), else 0.
    package var scope: UInt32 { address.isLinkLocal ? interface : 0 }
}

/// Chooses among all that the kernel has the addresses that are worth telling others, best first: such as are heard of from
/// everywhere, IPv6 and then IPv4, then those of a site, and at last the links' own.
package enum OwnAddresses {
    /// Addresses that are chosen at most.
    package static let most = 8
    /// So many of a kind come before those of the next: twenty of one must not leave no room for another.
    private static let mostOfAKind = 3

    /// The addresses that `socket`'s namespace has now.
    /// - Parameter hidden: interfaces whose addresses are not for others: the portal.
    package static func read(_ socket: NetlinkSocket, hidden: Set<UInt32>) throws(NetlinkError) -> [OwnAddress] {
        let links = try Links(socket).list()
        let addresses = try Addresses(socket).list()
        return choose(links, addresses, hidden: hidden, uplinks: try uplinks(socket))
    }

    /// The interfaces of the default routes.
    private static func uplinks(_ socket: NetlinkSocket) throws(NetlinkError) -> Set<UInt32> {
        let routes = try Routes(socket).list(RouteFilter(table: Route.mainTable, kind: .unicast))
        return Set(routes.filter(\.isDefault).map(\.interface))
    }

    /// - Parameters:
    ///   - hidden: interfaces whose addresses are not for others.
    ///   - uplinks: interfaces whose addresses come before others of their kind.
    package static func choose(
        _ links: [NetworkInterface], _ addresses: [InterfaceAddress], hidden: Set<UInt32> = [],
        uplinks: Set<UInt32> = []
    ) -> [OwnAddress] {
        let up = Set(links.filter { isInUse($0) && !hidden.contains($0.index) }.map(\.index))
        let usable = addresses.filter { up.contains($0.interface) && isUsable($0) }
        let stable = usable.filter { address in
            // The kernel makes temporary ones beside a stable one (RFC 8981); alone they are better than nothing.
            !address.isTemporary || !usable.contains { $0.isStableCompanion(of: address) }
        }
        let chosen = stable.compactMap { address -> (place: Place, own: OwnAddress)? in
            guard let kind = Kind(address.address) else { return nil }
            let place = Place(
                kind: kind, isAside: !uplinks.contains(address.interface), isTemporary: address.isTemporary,
                interface: address.interface, address: address.address)
            return (place, OwnAddress(address.address, interface: address.interface))
        }
        return limited(chosen.sorted { $0.place < $1.place })
    }

    /// At most `mostOfAKind` of each, and then more where there is room.
    private static func limited(_ sorted: [(place: Place, own: OwnAddress)]) -> [OwnAddress] {
        var counts: [Kind: Int] = [:]
        let first = sorted.indices.filter { index in
            counts[sorted[index].place.kind, default: 0] += 1
            return counts[sorted[index].place.kind, default: 0] <= mostOfAKind
        }.prefix(most)
        let taken = Set(first)
        let more = sorted.indices.filter { !taken.contains($0) }.prefix(most - taken.count)
        return (Array(first) + more).sorted().map { sorted[$0].own }
    }

    private static func isInUse(_ link: NetworkInterface) -> Bool {
        link.isUp && link.hasCarrier != false && !link.flags.contains(.loopback)
    }

    private static func isUsable(_ address: InterfaceAddress) -> Bool {
        address.flags.isDisjoint(with: [.tentative, .duplicate, .deprecated])
    }

    /// In the order in which they are told.
    private enum Kind: Int, Comparable {
        case globalIPv6, globalIPv4, site, link

        /// Nil for what nobody else can use.
        init?(_ address: IPv6Address) {
            switch address.reach {
            case .everywhere: self = address.mappedIPv4 == nil ? .globalIPv6 : .globalIPv4
            case .carrier, .site: self = .site
            // What IPv4 has of the kind is told apart by no scope, so that nobody could use it.
            case .link where address.mappedIPv4 == nil: self = .link
            case .link, .host, .nowhere: return nil
            }
        }

        static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
    }

    /// The order: complete, so that the kernel's own changes nothing.
    private struct Place: Comparable {
        let kind: Kind
        let isAside: Bool
        let isTemporary: Bool
        let interface: UInt32
        let address: IPv6Address

        static func < (a: Place, b: Place) -> Bool {
            (a.kind.rawValue, a.isAside ? 1 : 0, a.isTemporary ? 1 : 0, a.interface, a.address)
                < (b.kind.rawValue, b.isAside ? 1 : 0, b.isTemporary ? 1 : 0, b.interface, b.address)
        }
    }
}

extension InterfaceAddress {
    /// One that is changed every day or so, and is not to be found by (RFC 8981). The flag means something else for IPv4.
    fileprivate var isTemporary: Bool { family == .ipv6 && flags.contains(.temporary) }

    fileprivate func isStableCompanion(of other: InterfaceAddress) -> Bool {
        !isTemporary && family == other.family && interface == other.interface
            && address.masked(to: Int(other.prefixLength)) == other.address.masked(to: Int(other.prefixLength))
    }
}

extension Route {
    /// 0.0.0.0/0 or ::/0.
    package var isDefault: Bool { ownLength == 0 }
}
