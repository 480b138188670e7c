internal import CMnl
internal import Glibc
package import Wire

/// Routes: list, add, remove, and ask which one a packet would take (RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE).
package struct Routes {
    private let socket: NetlinkSocket

    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// The routes that `filter` lets through. The kernel filters too where it can, so a large table costs little.
    package func list(_ filter: RouteFilter = RouteFilter()) throws(NetlinkError) -> [Route] {
        var found: [Route] = []
        for family in filter.family.map({ [$0] }) ?? AddressFamily.allCases {
            found += try list(filter, family)
        }
        return found
    }

    /// Adds a route; EEXIST when one with the same destination, metric and table is there, whoever's it is.
    package func add(_ route: Route) throws(NetlinkError) {
        try send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "add route", route)
    }

    /// Adds a route, or puts it in the place of the one with the same destination, metric and table, whoever's that is.
    package func replace(_ route: Route) throws(NetlinkError) {
        try send(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "replace route", route)
    }

    /// Removes the route that agrees in every field given.
    /// - Returns: false when there was none.
    @discardableResult
    package func remove(_ route: Route) throws(NetlinkError) -> Bool {
        do {
            try send(RTM_DELROUTE, 0, "remove route", route)
            return true
        } catch  where error.isMissing {
            return false
        }
    }

    /// Which way a packet to `destination` (IPv4 ones IPv4-mapped) with this mark would go, policy rules included.
    package func lookup(_ destination: IPv6Address, mark: UInt32 = 0) throws(NetlinkError) -> RouteAnswer {
        let family = AddressFamily(destination)
        var request = NetlinkRequest(
            type: UInt16(RTM_GETROUTE), flags: 0, operation: "look up route to", object: plainText(destination))
        var fixed = rtmsg()
        fixed.rtm_family = family.rawValue
        fixed.rtm_dst_len = family == .ipv4 ? 32 : 128
        request.put(fixed: fixed)
        request.put(UInt16(RTA_DST.rawValue), destination, family: family)
        if mark != 0 { request.put(UInt16(RTA_MARK.rawValue), u32: mark) }
        do {
            let routes = try socket.collect(request) { Route(decoding: $0.body) }
            return routes.first.map { .goes($0) } ?? .none
        } catch  where error.kernelText == nil {
            // The kernel answers with what connect(2) would have failed with.
            switch error.code {
            case ENETUNREACH: return .none
            case EHOSTUNREACH: return .refused(.unreachable)
            case EACCES: return .refused(.prohibit)
            case EINVAL: return .refused(.blackhole)
            default: throw error
            }
        }
    }

    private func list(_ filter: RouteFilter, _ family: AddressFamily) throws(NetlinkError) -> [Route] {
        var request = NetlinkRequest(
            type: UInt16(RTM_GETROUTE), flags: UInt16(NLM_F_DUMP), operation: "list routes", object: "")
        var fixed = rtmsg()
        fixed.rtm_family = family.rawValue
        fixed.rtm_protocol = filter.protocolNumber ?? 0
        fixed.rtm_type = filter.kind?.rawValue ?? 0
        request.put(fixed: fixed)
        if let table = filter.table { request.put(UInt16(RTA_TABLE.rawValue), u32: table) }
        if let interface = filter.interface { request.put(UInt16(RTA_OIF.rawValue), u32: interface) }
        do {
            return try socket.collect(request) { message in
                Route(decoding: message.body).flatMap { filter.admits($0) ? $0 : nil }
            }
        } catch  where error.isMissing {
            // A table that nobody has put a route in, or an interface that is gone.
            return []
        }
    }

    private func send(_ type: Int, _ flags: Int32, _ operation: String, _ route: Route) throws(NetlinkError) {
        var request = NetlinkRequest(
            type: UInt16(type), flags: UInt16(flags), operation: operation, object: route.text(interface: interfaceName)
        )
        let family = route.family
        var fixed = rtmsg()
        fixed.rtm_family = family.rawValue
        fixed.rtm_dst_len = route.ownLength
        fixed.rtm_table = UInt8(exactly: route.table) ?? UInt8(RT_TABLE_UNSPEC.rawValue)
        fixed.rtm_protocol = route.protocolNumber
        fixed.rtm_type = route.kind.rawValue
        fixed.rtm_scope = Self.scope(of: route, deleting: type == RTM_DELROUTE)
        request.put(fixed: fixed)
        request.put(UInt16(RTA_TABLE.rawValue), u32: route.table)
        if route.ownLength > 0 { request.put(UInt16(RTA_DST.rawValue), route.destination.address, family: family) }
        if let gateway = route.gateway { request.put(UInt16(RTA_GATEWAY.rawValue), gateway, family: family) }
        if route.interface != 0 { request.put(UInt16(RTA_OIF.rawValue), u32: route.interface) }
        if route.metric != 0 { request.put(UInt16(RTA_PRIORITY.rawValue), u32: route.metric) }
        if let source = route.preferredSource { request.put(UInt16(RTA_PREFSRC.rawValue), source, family: family) }
        if let mtu = route.mtu {
            request.nest(UInt16(RTA_METRICS.rawValue)) { $0.put(UInt16(RTAX_MTU), u32: mtu) }
        }
        try socket.execute(request)
    }

    /// IPv4 wants to know how far away the next hop is: on the link when there is no gateway. IPv6 ignores it.
    private static func scope(of route: Route, deleting: Bool) -> UInt8 {
        if deleting { return UInt8(RT_SCOPE_NOWHERE.rawValue) }
        let onLink = route.kind == .unicast && route.gateway == nil
        return UInt8(onLink ? RT_SCOPE_LINK.rawValue : RT_SCOPE_UNIVERSE.rawValue)
    }
}

/// Which routes to list; nil fields let everything through.
package struct RouteFilter: Sendable {
    package var family: AddressFamily?
    package var table: UInt32?
    package var protocolNumber: UInt8?
    package var interface: UInt32?
    package var kind: RouteKind?

    package init(
        family: AddressFamily? = nil, table: UInt32? = nil, protocolNumber: UInt8? = nil, interface: UInt32? = nil,
        kind: RouteKind? = nil
    ) {
        self.family = family
        self.table = table
        self.protocolNumber = protocolNumber
        self.interface = interface
        self.kind = kind
    }

    func admits(_ route: Route) -> Bool {
        (family == nil || route.family == family) && (table == nil || route.table == table)
            && (protocolNumber == nil || route.protocolNumber == protocolNumber)
            && (interface == nil || route.interface == interface) && (kind == nil || route.kind == kind)
    }
}

/// Where a packet would go.
package enum RouteAnswer: Hashable, Sendable {
    /// Out by this route: its `interface`, and `kind` `.local` when the destination is this host.
    case goes(Route)
    /// A route says no: `.unreachable`, `.prohibit` or `.blackhole`.
    case refused(RouteKind)
    /// No route at all.
    case none

    /// The index of the interface it would leave by; nil when it would not leave.
    package var interface: UInt32? {
        guard case .goes(let route) = self else { return nil }
        return route.interface
    }
}
