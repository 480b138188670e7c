internal import Discovery
internal import Netlink
internal import Portal
internal import Wire

/// Which links of this machine a box announces itself on, and from which addresses. A pure function of what was found.
struct LinkSurvey {
    /// Names of interfaces; none: all that there are.
    var wanted: [String] = []
    /// The mesh's sockets, and what they are bound to.
    var transports: [Endpoint]
    var links: [Link] = []
    var addresses: [InterfaceAddress] = []

    struct Link {
        let index: UInt32
        let name: String
        let flags: InterfaceFlags
        /// A portal, this box's or another's, is no link, whatever it is called just now.
        let isPortal: Bool

        init(index: UInt32, name: String, flags: InterfaceFlags, isPortal: Bool = false) {
            self.index = index
            self.name = name
            self.flags = flags
            self.isPortal = isPortal
        }

        init(_ interface: NetworkInterface) {
            self.init(
                index: interface.index, name: interface.name, flags: interface.flags, isPortal: interface.isPortal)
        }
    }

    /// Where announcements go: a link-local IPv6 address of each link, and an IPv4 one.
    var places: [LocalPlace] {
        var places: [LocalPlace] = []
        for link in links where isMeant(link) {
            let own = addresses.filter { $0.interface == link.index && Self.isUsable($0) }
            let ipv6 = own.first { $0.address.isLinkLocal }
            let ipv4 = own.first { $0.family == .ipv4 }
            for address in [ipv6, ipv4].compactMap(\.self) {
                places.append(
                    LocalPlace(
                        interface: link.index, address: address.address,
                        prefixLength: Int(address.prefixLength) + (address.family == .ipv4 ? 96 : 0),
                        ports: ports(at: address.address)))
            }
        }
        return places
    }

    private func isMeant(_ link: Link) -> Bool {
        guard link.flags.isSuperset(of: [.up, .multicast]), !link.flags.contains(.loopback), !link.isPortal else {
            return false
        }
        return wanted.isEmpty || wanted.contains(link.name)
    }

    /// Not one that is still looked for twice, or goes out of use.
    private static func isUsable(_ address: InterfaceAddress) -> Bool {
        address.flags.isDisjoint(with: [.tentative, .duplicate, .deprecated])
    }

    /// The ports of the sockets that answer at an address.
    private func ports(at address: IPv6Address) -> [UInt16] {
        var ports: [UInt16] = []
        for bound in transports where bound.port != 0 && !ports.contains(bound.port) {
            let isAll = bound.address == .unspecified || bound.address.mappedIPv4 == 0 && address.mappedIPv4 != nil
            if isAll || bound.address == address { ports.append(bound.port) }
        }
        return ports
    }
}
