package import Netlink
internal import Wire

/// The routes of ours that outlive a daemon: those that hold a prefix unreachable, and the exceptions beside them. Seen in
/// the kernel, whichever run laid them.
package struct GuardRoutes {
    /// One of them, and who stands behind it.
    package struct Entry: Hashable, Sendable {
        package let route: Route
        /// The name of the route's own interface; nil for one that leads nowhere.
        package let device: String?
        /// The interface of the living portal that serves its destination; nil when no daemon does.
        package let servedBy: String?

        /// Whether it lets its destination out beside the portal, instead of holding it.
        package var isException: Bool { PortalMark.isException(route) }

        /// "unreachable fd00::/8 metric 4294967294".
        package var text: String {
            var shown = route
            // The kernel reports lo for what leads nowhere.
            if route.kind != .unicast { shown.interface = 0 }
            return shown.text { _ in device ?? "?" }
        }
    }

    private let routes: Routes
    private let links: Links

    package init(_ socket: NetlinkSocket) {
        routes = Routes(socket)
        links = Links(socket)
    }

    /// Those that there are, in the order of their destinations; the holding ones first.
    package func list() throws(NetlinkError) -> [Entry] {
        let devices = try links.list()
        let alive = devices.filter { $0.alias == PortalMark.alias && $0.hasCarrier == true }
        let ours = try routes.list(RouteFilter(family: .ipv6, protocolNumber: PortalMark.protocolNumber))
        let served = ours.compactMap { route in
            alive.first { $0.index == route.interface && route.kind == .unicast }.map { (route, $0.name) }
        }
        let entries = ours.filter { Self.outlives($0) }.map { route in
            Entry(
                route: route,
                device: route.kind == .unicast ? devices.first { $0.index == route.interface }?.name : nil,
                servedBy: served.first { $0.0.table == route.table && $0.0.destination.contains(route.destination) }?.1)
        }
        return entries.sorted { a, b in
            if a.isException != b.isException { return b.isException }
            let (first, second) = (a.route.destination, b.route.destination)
            return first.address != second.address ? first.address < second.address : first.length < second.length
        }
    }

    /// Removes those that no living portal serves. Does all it can, then throws the first failure.
    /// - Returns: what was removed, and what stays because somebody serves it.
    @discardableResult
    package func release() throws(NetlinkError) -> (removed: [Entry], kept: [Entry]) {
        var removed: [Entry] = []
        var kept: [Entry] = []
        var failure: NetlinkError?
        for entry in try list() {
            guard entry.servedBy == nil else {
                kept.append(entry)
                continue
            }
            do throws(NetlinkError) {
                if try routes.remove(entry.route) { removed.append(entry) }
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return (removed, kept)
    }

    /// Of ours, and neither a portal's own route nor anything that other programs with our number may have put there.
    private static func outlives(_ route: Route) -> Bool {
        guard route.protocolNumber == PortalMark.protocolNumber else { return false }
        if PortalMark.isException(route) { return true }
        return route.kind == .unreachable && route.metric == PortalMark.holdMetric
    }
}
