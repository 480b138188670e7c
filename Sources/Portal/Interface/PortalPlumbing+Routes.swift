internal import Netlink
internal import Wire

/// The portal's routes: two for the prefix and for each network behind another box. One leads into the device, the
/// other holds the place, unreachable, while there is no device.
extension PortalPlumbing {
    var holdRoutes: [Route] {
        if plan.guarding == .off { return [] }
        return plan.served.map {
            Route(
                $0, metric: PortalMark.holdMetric, table: plan.table, kind: .unreachable
            ).marked(PortalMark.protocolNumber)
        }
    }

    func portalRoutes(_ interface: UInt32) -> [Route] {
        plan.served.map {
            Route(
                $0, interface: interface, metric: plan.metric, table: plan.table
            ).marked(PortalMark.protocolNumber)
        }
    }

    /// The kernel reports lo as the interface of an unreachable route.
    static func sameRoute(_ a: Route, _ b: Route) -> Bool {
        a.destination == b.destination && a.metric == b.metric && a.table == b.table && a.kind == b.kind
            && (a.kind == .unreachable || a.interface == b.interface)
    }

    /// Adds a route of ours, or puts it in the place of one of ours; never in that of somebody else's.
    func claim(_ route: Route) throws(PortalError) {
        do {
            try routes.add(route)
        } catch  where error.isExisting {
            let survey = try asking { () throws(NetlinkError) in try PortalSurvey(plan, socket, own: raised) }
            let rivals = survey.routes.filter {
                $0.destination == route.destination && $0.metric == route.metric && $0.table == route.table
            }
            if let foreign = rivals.first(where: { !PortalSurvey.isOurs($0) || survey.isOfAnotherPortal($0) }) {
                throw survey.refusal(of: foreign)
            }
            if rivals.contains(where: { Self.sameRoute($0, route) }) { return }
            try asking { () throws(NetlinkError) in try routes.replace(route) }
        } catch {
            throw Self.refusal(error)
        }
    }

    func asking<R>(_ body: () throws(NetlinkError) -> R) throws(PortalError) -> R {
        do { return try body() } catch { throw Self.refusal(error) }
    }

    /// EPERM in spite of the capability has another cause (a user namespace, a security module): then the
    /// kernel's error says more.
    private static func refusal(_ error: NetlinkError) -> PortalError {
        error.isPermission && !Capabilities.hasNetAdmin ? .noPrivilege : .kernel(error)
    }
}
