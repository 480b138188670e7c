internal import Netlink
internal import Wire

/// The interface of the run before, which somebody has kept open.
extension PortalPlumbing {
    /// Whether it is what the plan makes: ours, of that name, with that address and those routes. What else there is about it, `bringUp()` and
    /// `mend` put right.
    package func fits(_ index: UInt32) throws(PortalError) -> Bool {
        try asking { () throws(NetlinkError) in
            guard let link = try links.find(index: index), link.kind == "tun", link.alias == PortalMark.alias,
                link.name == plan.interface
            else { return false }
            let ours = try addresses.list(interface: index, family: .ipv6).filter {
                $0.protocolNumber == PortalMark.protocolNumber
            }
            // Kernels before 5.18 keep no mark on addresses.
            guard ours.allSatisfy({ plan.addresses.contains($0.address) }) else { return false }
            let wanted = portalRoutes(index)
            let there = try routes.list(RouteFilter(family: .ipv6, protocolNumber: PortalMark.protocolNumber)).filter {
                $0.interface == index && $0.kind == .unicast && !PortalMark.isException($0)
            }
            return there.allSatisfy { route in wanted.contains { Self.sameRoute($0, route) } }
        }
    }

    /// Takes away the interface of the run before, where it bears our mark, and with it what is on it.
    package func dispose(of index: UInt32) throws(PortalError) {
        try asking { () throws(NetlinkError) in
            guard let link = try links.find(index: index), link.kind == "tun", link.alias == PortalMark.alias else {
                return
            }
            _ = try links.delete(index)
        }
    }
}
