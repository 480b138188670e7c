internal import Netlink
internal import Wire

/// What is there before anything is changed: whose the interface name is, who routes the prefix, and what a
/// crash of ours has left.
struct PortalSurvey {
    let plan: PortalPlan
    /// The index of our own device, whatever it is called; nil before there is one.
    let own: UInt32?
    let links: [NetworkInterface]
    /// The IPv6 routes of the main table, of the plan's, and those of ours in any.
    let routes: [Route]

    init(_ plan: PortalPlan, _ socket: NetlinkSocket, own: UInt32? = nil) throws(NetlinkError) {
        self.plan = plan
        self.own = own ?? plan.inherited
        links = try Links(socket).list()
        let source = Routes(socket)
        var routes = try source.list(RouteFilter(family: .ipv6, protocolNumber: PortalMark.protocolNumber))
        for table in Set([Route.mainTable, plan.table]) {
            routes += try source.list(RouteFilter(family: .ipv6, table: table)).filter { !Self.isOurs($0) }
        }
        self.routes = routes
    }

    static func isOurs(_ route: Route) -> Bool { route.protocolNumber == PortalMark.protocolNumber }

    /// An interface of ours that a process holds open: another inet256vpn, alive.
    func isAlive(_ link: NetworkInterface) -> Bool { link.alias == PortalMark.alias && link.hasCarrier == true }

    /// Interfaces of ours whose process is gone: persistent devices after a crash, and the plan's own at rest.
    var abandonedLinks: [NetworkInterface] {
        links.filter { link in
            let isOurs = link.alias == PortalMark.alias || link.name == plan.interface && Self.isResting(link)
            return isOurs && link.hasCarrier == false
        }
    }

    /// A persistent device that we made and left when the daemon stopped.
    static func isResting(_ link: NetworkInterface) -> Bool {
        link.kind == "tun" && link.alias == PortalMark.restingAlias
    }

    /// Routes of ours that nobody alive stands behind. The routes that hold what the plan itself serves are not among
    /// them: they are taken over, so that nothing leaks meanwhile.
    var abandonedRoutes: [Route] {
        let alive = Set(links.filter(isAlive).map(\.index))
        // Exceptions inside the plan's prefix are for `PortalExceptions` to sort out.
        let ours = routes.filter { Self.isOurs($0) && !isExceptionInUse($0, alive) }
        let served = Set(ours.filter { alive.contains($0.interface) }.map { Holding($0) })
        return ours.filter { route in
            guard route.kind == .unreachable else { return !alive.contains(route.interface) }
            let own =
                plan.guarding != .off && plan.served.contains(route.destination) && route.table == plan.table
            return !own && !served.contains(Holding(route))
        }
    }

    /// An exception inside what the plan or a living portal serves.
    private func isExceptionInUse(_ route: Route, _ alive: Set<UInt32>) -> Bool {
        guard PortalMark.isException(route) else { return false }
        let destination = route.destination
        if route.table == plan.table, plan.served.contains(where: { $0.contains(destination) }) { return true }
        return routes.contains {
            Self.isOurs($0) && alive.contains($0.interface) && $0.table == route.table
                && $0.destination.contains(destination)
        }
    }

    /// - Throws: `PortalError` naming the interface or route in the way.
    func refuseConflicts() throws(PortalError) {
        if let link = links.first(where: { $0.name == plan.interface && $0.index != own }) {
            try Self.requireUsable(link, plan)
        }
        guard let taken = routes.first(where: isInTheWay) else { return }
        throw refusal(of: taken)
    }

    /// The error about a route in the way of one of ours.
    func refusal(of route: Route) -> PortalError {
        .prefixTaken(
            prefix: route.destination, route: route.text { device($0) }, byAnotherPortal: Self.isOurs(route),
            isNetwork: route.destination != plan.prefix)
    }

    /// Whether a device that is there already may become the portal.
    static func requireUsable(_ link: NetworkInterface, _ plan: PortalPlan) throws(PortalError) {
        let offered = plan.persistent && link.kind == "tun"
        guard offered || link.alias == PortalMark.alias || isResting(link) else {
            throw .foreignInterface(name: link.name, kind: link.kind, alias: link.alias)
        }
        if link.hasCarrier == true { throw .busyInterface(name: link.name) }
    }

    /// Routes of others inside what the portal serves. Those of a network behind this box are as they should be.
    var warnings: [PortalWarning] {
        routes.compactMap { route in
            guard !Self.isOurs(route), let prefix = servedAround(route) else { return nil }
            return .moreSpecific(route: route, device: device(route.interface), prefix: prefix)
        }
    }

    /// The prefix whose traffic a more specific route keeps out of the portal; nil where the most specific
    /// declaration around the route is a network behind this box, or none.
    private func servedAround(_ route: Route) -> IPv6Prefix? {
        func around(_ prefixes: [IPv6Prefix]) -> IPv6Prefix? {
            prefixes.filter { $0.length <= route.destination.length && $0.contains(route.destination.address) }
                .max { $0.length < $1.length }
        }
        guard let served = around(plan.served), served != route.destination else { return nil }
        if let local = around(plan.localNetworks), local.length > served.length { return nil }
        return served
    }

    /// Somebody else's route of exactly what the portal serves; of ours, one through the device of another, living
    /// portal.
    private func isInTheWay(_ route: Route) -> Bool {
        plan.served.contains(route.destination) && (!Self.isOurs(route) || isOfAnotherPortal(route))
    }

    /// A route of ours, but through the device of another portal that is alive.
    func isOfAnotherPortal(_ route: Route) -> Bool {
        Self.isOurs(route)
            && links.contains {
                $0.index == route.interface && $0.index != own && $0.name != plan.interface && isAlive($0)
            }
    }

    func device(_ index: UInt32) -> String {
        links.first { $0.index == index }?.name ?? "#\(index)"
    }

    /// A prefix in a table.
    private struct Holding: Hashable {
        let prefix: IPv6Prefix
        let table: UInt32
        init(_ route: Route) {
            prefix = route.destination
            table = route.table
        }
    }
}
