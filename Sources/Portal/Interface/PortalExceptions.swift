internal import Glibc
package import Netlink
package import Wire

/// A destination inside the portal's prefix that stays with the machine's own network.
package struct PortalException: Hashable, Sendable {
    package let destination: IPv6Prefix
    /// The index of the interface on whose link it is; nil where it lies behind whatever the way to the rest of the world is.
    package let onLink: UInt32?

    package init(_ destination: IPv6Prefix, onLink: UInt32? = nil) {
        self.destination = destination
        self.onLink = onLink
    }
}

/// What has become of an exception.
package enum PortalExceptionState: Hashable, Sendable {
    /// A route of ours leads there.
    case kept(Route, device: String)
    /// A more specific route of somebody else leads there anyway.
    case routed(Route, device: String)
    /// There is no way there, for want of a default route: it is unreachable, lest it goes into the portal.
    case noWay
    /// The kernel refused the route.
    case refused(NetlinkError)

    /// Whether a route of ours stands for it.
    package var isOurs: Bool {
        switch self {
        case .kept, .noWay: true
        case .routed, .refused: false
        }
    }

    /// The way in words: "via fe80::1 dev eth0".
    package var text: String {
        switch self {
        case .kept(let route, let device), .routed(let route, let device):
            (route.gateway.map { "via \($0) " } ?? "") + "dev \(device)"
        case .noWay: "unreachable, since there is no default route"
        case .refused(let error): "\(error)"
        }
    }
}

/// The routes that keep parts of the portal's prefix out of it: copies of the way that packets there would have without us, which
/// is the default route's, as routes of ours that are more specific than the prefix.
package struct PortalExceptions {
    private let plan: PortalPlan
    private let routes: Routes
    private let links: Links

    package init(_ plan: PortalPlan, _ socket: NetlinkSocket) {
        self.plan = plan
        routes = Routes(socket)
        links = Links(socket)
    }

    /// The routes of others that matter here: IPv6, of the main table and of the plan's.
    package func foreignRoutes() throws(NetlinkError) -> [Route] {
        var found: [Route] = []
        for table in Set([Route.mainTable, plan.table]).sorted() {
            found += try routes.list(RouteFilter(family: .ipv6, table: table))
                .filter { $0.protocolNumber != PortalMark.protocolNumber }
        }
        return found
    }

    /// Makes the exceptions in the kernel what is wanted: adds, moves (each in one step) and removes routes of ours.
    /// - Parameter foreign: what `foreignRoutes()` gave just now.
    /// - Returns: the state of each that is wanted, in that order.
    package func apply(_ wanted: [PortalException], among foreign: [Route]) throws(NetlinkError)
        -> [PortalExceptionState]
    {
        let devices = try links.list()
        func name(_ index: UInt32) -> String { devices.first { $0.index == index }?.name ?? "#\(index)" }
        let present = try laid()
        var states: [PortalExceptionState] = []
        var laid: Set<IPv6Prefix> = []
        for exception in wanted {
            let found = try way(to: exception, among: foreign, devices)
            let way = found ?? laidOut(exception.destination, nil, 0, .unreachable)
            if way.protocolNumber != PortalMark.protocolNumber {
                states.append(.routed(way, device: name(way.interface)))
                continue
            }
            do throws(NetlinkError) {
                try lay(way, in: present)
                laid.insert(way.destination)
                states.append(found == nil ? .noWay : .kept(way, device: name(way.interface)))
            } catch {
                states.append(.refused(error))
            }
        }
        for old in present where !laid.contains(old.destination) { try routes.remove(old) }
        return states
    }

    /// Removes all of them but those in `kept`.
    package func remove(but kept: [Route] = []) throws(NetlinkError) {
        for route in try laid() where !kept.contains(route) { try routes.remove(route) }
    }

    /// Those of this plan that the kernel has.
    package func laid() throws(NetlinkError) -> [Route] {
        let ours = try routes.list(
            RouteFilter(family: .ipv6, table: plan.table, protocolNumber: PortalMark.protocolNumber))
        let devices = try links.list()
        // Another portal whose prefix lies inside ours has exceptions of its own.
        let others = ours.filter { route in
            route.kind == .unicast && plan.prefix.contains(route.destination)
                && devices.contains {
                    $0.index == route.interface && $0.name != plan.interface && $0.alias == PortalMark.alias
                        && $0.hasCarrier == true
                }
        }
        return ours.filter { route in
            PortalMark.isException(route) && plan.prefix.contains(route.destination)
                && !others.contains { $0.destination.contains(route.destination) }
        }
    }

    // MARK: - The way without us

    /// The route that leads there, by its `protocolNumber` ours to lay or somebody else's; nil when there is none.
    private func way(
        to exception: PortalException, among foreign: [Route], _ devices: [NetworkInterface]
    ) throws(NetlinkError) -> Route? {
        let destination = exception.destination
        let covering = Self.covering(destination, among: foreign)
        if let covering, covering.destination.length > plan.prefix.length { return covering }
        if let interface = exception.onLink { return laidOut(destination, nil, interface) }
        if let covering, covering.destination.length > 0 {
            guard covering.kind == .unicast else { return nil }
            return laidOut(destination, covering.gateway, covering.interface)
        }
        // The kernel's own decision, with all its tables and rules: the default route may be a tunnel's that main does
        // not know of.
        for probe in probes(beside: destination) where Self.isByDefault(probe, foreign) {
            if case .goes(let route) = try routes.lookup(probe), route.kind == .unicast,
                !devices.contains(where: { $0.index == route.interface && $0.alias == PortalMark.alias })
            {
                return laidOut(destination, route.gateway, route.interface)
            }
        }
        guard let covering, covering.kind == .unicast else { return nil }
        return laidOut(destination, covering.gateway, covering.interface)
    }

    private func laidOut(
        _ destination: IPv6Prefix, _ gateway: IPv6Address?, _ interface: UInt32, _ kind: RouteKind = .unicast
    ) -> Route {
        Route(
            destination, gateway: gateway, interface: interface, metric: PortalMark.exceptionMetric, table: plan.table,
            kind: kind
        ).marked(PortalMark.protocolNumber)
    }

    private func lay(_ way: Route, in present: [Route]) throws(NetlinkError) {
        let old = present.filter { $0.destination == way.destination }
        if old.count == 1, old.allSatisfy({ Self.leadsAlike($0, way) }) { return }
        // The kernel puts a route into the place of one of its own kind only, with or without gateway, and else beside it.
        // What is removed first leads into the portal or nowhere for that moment, and never to strangers.
        let isReplaced = old.count == 1 && old.allSatisfy { $0.gateway != nil } && way.gateway != nil
        if !isReplaced { for route in old { try routes.remove(route) } }
        try routes.replace(way)
    }

    /// The most specific route around it, of several alike the one that the kernel takes.
    package static func covering(_ destination: IPv6Prefix, among routes: [Route]) -> Route? {
        routes.filter { $0.destination.contains(destination) }
            .min { a, b in
                a.destination.length != b.destination.length
                    ? a.destination.length > b.destination.length : a.metric < b.metric
            }
    }

    /// Addresses outside the prefix that have no route but the default one, if they have none more specific: the address's
    /// image in the prefix beside ours, and some of the global space.
    private func probes(beside destination: IPv6Prefix) -> [IPv6Address] {
        // The plan's prefixes have 1 to 64 bits here; a longer one has no image in this half.
        let bit: UInt64 = (1...64).contains(plan.prefix.length) ? 1 << UInt64(64 - plan.prefix.length) : 0
        let image = IPv6Address(high: destination.address.high ^ bit, low: destination.address.low)
        let world: [UInt64] = [0x2001_0db8_0000_0000, 0x3fff_0000_0000_0000, 0x2000_0000_0000_0000]
        return ([image] + world.map { IPv6Address(high: $0, low: 1) }).filter {
            !plan.prefix.contains($0) && !$0.isMulticast && !$0.isLinkLocal && $0.high != 0
        }
    }

    private static func isByDefault(_ address: IPv6Address, _ foreign: [Route]) -> Bool {
        !foreign.contains { $0.destination.length > 0 && $0.destination.contains(address) }
    }

    private static func leadsAlike(_ a: Route, _ b: Route) -> Bool {
        a.destination == b.destination && a.gateway == b.gateway && a.table == b.table && a.metric == b.metric
            && a.kind == b.kind && (a.kind == .unreachable || a.interface == b.interface)
    }
}
