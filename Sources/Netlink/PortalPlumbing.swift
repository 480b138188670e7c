internal import Glibc
internal import Wire

/// Lays the portal's pipes in the kernel and takes them away again. In order: `prepare()`, then the TUN device is
/// made by whoever carries its packets, `bringUp()`, and at the end `tearDown()`.
///
/// Every verb may be called again: it finishes what is missing. Nothing without our marks is changed or removed.
public struct PortalPlumbing {
    public let plan: PortalPlan
    private let socket: NetlinkSocket
    private let links: Links
    private let addresses: Addresses
    private let routes: Routes
    /// The persistent device as it was before us, to be restored.
    private var before: NetworkInterface?
    /// What this value has added and `tearDown()` therefore takes away: another portal's must stay.
    private var holds = false
    /// The index of the device that `bringUp()` configured.
    private var raised: UInt32?

    public init(_ plan: PortalPlan, _ socket: NetlinkSocket) {
        self.plan = plan
        self.socket = socket
        links = Links(socket)
        addresses = Addresses(socket)
        routes = Routes(socket)
    }

    /// All that comes before the device: privilege, leftovers, conflicts, and the route that holds the prefix.
    /// - Returns: what was cleaned away, and routes of others inside the prefix: both for the log.
    public mutating func prepare() throws(PortalError) -> (cleaned: [String], warnings: [PortalWarning]) {
        guard Capabilities.hasNetAdmin else { throw .noPrivilege }
        // Conflicts first: a box that is refused must not have changed anything.
        let warnings = try refuseConflicts()
        let cleaned = try cleanLeftovers()
        try hold()
        return (cleaned, warnings)
    }

    /// Refuses an interface name that is somebody else's or in use, and a prefix that another route has exactly.
    /// - Returns: routes of others that lie inside the prefix.
    public func refuseConflicts() throws(PortalError) -> [PortalWarning] {
        let survey = try asking { () throws(NetlinkError) in try PortalSurvey(plan, socket) }
        try survey.refuseConflicts()
        return survey.warnings
    }

    /// Removes what a crash of ours has left, known by its marks, and nothing behind which a process of ours is alive.
    /// - Returns: what was removed, as text for the log.
    public func cleanLeftovers() throws(PortalError) -> [String] {
        try asking { () throws(NetlinkError) in
            let survey = try PortalSurvey(plan, socket)
            var cleaned: [String] = []
            for route in survey.abandonedRoutes where try routes.remove(route) {
                cleaned.append("route \(route.text(interface: interfaceName))")
            }
            for link in survey.abandonedLinks {
                for address in try addresses.list(interface: link.index) where isOurs(address) {
                    if try addresses.remove(address) { cleaned.append("address \(address) on \(link.name)") }
                }
                if link.name != plan.interface {
                    // A persistent device belongs to whoever made it persistent.
                    try links.setAlias(link.index, "")
                    cleaned.append("mark on \(link.name)")
                } else if !plan.persistent, try links.delete(link.index) {
                    cleaned.append("interface \(link.name)")
                }
            }
            return cleaned
        }
    }

    /// Makes the prefix unreachable wherever the portal does not serve it, so that its packets never follow the
    /// default route to strangers. Survives even SIGKILL, on purpose; ends with `tearDown()`.
    public mutating func hold() throws(PortalError) {
        try claim(holdRoute)
        holds = true
    }

    /// Configures the device, which must exist by now. When a step fails, those before it are undone.
    public mutating func bringUp() throws(PortalError) {
        let link = try device()
        if before == nil && plan.persistent { before = link }
        do {
            try configure(link)
            try claim(prefixRoute(link.index))
        } catch {
            // The first failure is the one to report.
            _ = withdraw(link)
            throw error
        }
        raised = link.index
    }

    /// Takes away everything that was added: route, address, mark, and the hold on the prefix. A persistent
    /// device gets its former alias, MTU and state back; another goes with its descriptor. Does all it can, then
    /// throws the first failure; what failed is tried again by the next call.
    public mutating func tearDown() throws(PortalError) {
        var failure: PortalError?
        if let index = raised {
            do {
                let found = try asking { () throws(NetlinkError) in try links.find(plan.interface) }
                // Another index is another device, that somebody made after ours was gone.
                if let link = found, link.index == index { failure = withdraw(link) }
            } catch { failure = error }
        }
        if failure == nil {
            raised = nil
            before = nil
        }
        if holds {
            do {
                try asking { () throws(NetlinkError) in _ = try routes.remove(holdRoute) }
                holds = false
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// What is not as `bringUp()` left it, for people; empty when all is well. `bringUp()` mends it.
    public func missing() throws(PortalError) -> [String] {
        try asking { () throws(NetlinkError) in
            guard let link = try links.find(plan.interface) else { return ["interface \(plan.interface)"] }
            var missing: [String] = []
            if !link.isUp { missing.append("\(link.name) is down") }
            if link.mtu != plan.mtu { missing.append("MTU \(plan.mtu) on \(link.name)") }
            let own = try addresses.list(interface: link.index, family: .ipv6)
            if !own.contains(where: { $0.address == plan.address }) { missing.append("address \(plan.address)") }
            let ours = try routes.list(RouteFilter(family: .ipv6, protocolNumber: PortalMark.protocolNumber))
            for wanted in [prefixRoute(link.index), holdRoute]
            where !ours.contains(where: { Self.sameRoute($0, wanted) }) {
                missing.append("route \(wanted.text(interface: interfaceName))")
            }
            return missing
        }
    }

    // MARK: - Parts

    private var holdRoute: Route {
        Route(
            plan.prefix, metric: PortalMark.holdMetric, table: plan.table, kind: .unreachable,
            protocolNumber: PortalMark.protocolNumber)
    }

    private func prefixRoute(_ interface: UInt32) -> Route {
        Route(
            plan.prefix, interface: interface, metric: plan.metric, table: plan.table,
            protocolNumber: PortalMark.protocolNumber)
    }

    private func ownAddress(_ interface: UInt32) -> InterfaceAddress {
        InterfaceAddress(
            plan.address, prefixLength: 128, interface: interface, flags: [.noDuplicateDetection, .noPrefixRoute],
            protocolNumber: PortalMark.protocolNumber)
    }

    /// Marked by us; kernels before 5.18 keep no mark on addresses, there the plan's own address has to do.
    private func isOurs(_ address: InterfaceAddress) -> Bool {
        address.protocolNumber == PortalMark.protocolNumber || address.address == plan.address
    }

    /// The kernel reports lo as the interface of an unreachable route.
    private static func sameRoute(_ a: Route, _ b: Route) -> Bool {
        a.destination == b.destination && a.metric == b.metric && a.table == b.table && a.kind == b.kind
            && (a.kind == .unreachable || a.interface == b.interface)
    }

    /// The device that was made for us, or offered to us.
    private func device() throws(PortalError) -> NetworkInterface {
        let found = try asking { () throws(NetlinkError) in try links.find(plan.interface) }
        guard let link = found else {
            throw .kernel(NetlinkError(operation: "bring up interface", object: plan.interface, code: ENODEV))
        }
        // Somebody may have been faster with the name since `prepare()`.
        guard link.kind == "tun", plan.persistent || link.alias.isEmpty || link.alias == PortalMark.alias else {
            throw .foreignInterface(name: link.name, kind: link.kind, alias: link.alias)
        }
        return link
    }

    private func configure(_ link: NetworkInterface) throws(PortalError) {
        try asking { () throws(NetlinkError) in
            // The mark comes first: what a crash leaves half done is known as ours.
            if link.alias != PortalMark.alias { try links.setAlias(link.index, PortalMark.alias) }
            if link.addressGeneration != AddressGeneration.none {
                try links.setAddressGeneration(link.index, .none)
            }
            if link.mtu != plan.mtu { try links.setMTU(link.index, plan.mtu) }
            for old in try addresses.list(interface: link.index, family: .ipv6)
            where old.protocolNumber == PortalMark.protocolNumber && old.address != plan.address {
                try addresses.remove(old)
            }
            try addresses.replace(ownAddress(link.index))
            if !link.isUp { try links.setUp(link.index) }
        }
    }

    /// Undoes `configure` and the prefix route; the first failure, if any.
    private func withdraw(_ link: NetworkInterface) -> PortalError? {
        var failure: PortalError?
        func attempt(_ step: () throws(NetlinkError) -> Void) {
            do { try step() } catch  where error.isMissing {} catch { failure = failure ?? .kernel(error) }
        }
        attempt { () throws(NetlinkError) in _ = try routes.remove(prefixRoute(link.index)) }
        attempt { () throws(NetlinkError) in _ = try addresses.remove(ownAddress(link.index)) }
        if let before {
            if !before.isUp { attempt { () throws(NetlinkError) in try links.setDown(link.index) } }
            attempt { () throws(NetlinkError) in try links.setMTU(link.index, before.mtu) }
            if let mode = before.addressGeneration {
                attempt { () throws(NetlinkError) in try links.setAddressGeneration(link.index, mode) }
            }
        }
        // The mark goes last: until then what is left is known as ours.
        let alias = before?.alias == PortalMark.alias ? "" : before?.alias ?? ""
        attempt { () throws(NetlinkError) in try links.setAlias(link.index, alias) }
        return failure
    }

    /// Adds a route of ours, or puts it in the place of one of ours; never in that of somebody else's.
    private func claim(_ route: Route) throws(PortalError) {
        do {
            try routes.add(route)
        } catch  where error.isExisting {
            let survey = try asking { () throws(NetlinkError) in try PortalSurvey(plan, socket) }
            let rivals = survey.routes.filter {
                $0.destination == route.destination && $0.metric == route.metric && $0.table == route.table
            }
            if let foreign = rivals.first(where: { !PortalSurvey.isOurs($0) || survey.isOfAnotherPortal($0) }) {
                throw .prefixTaken(
                    prefix: plan.prefix, route: foreign.text(interface: survey.device),
                    byAnotherPortal: PortalSurvey.isOurs(foreign))
            }
            if rivals.contains(where: { Self.sameRoute($0, route) }) { return }
            try asking { () throws(NetlinkError) in try routes.replace(route) }
        } catch {
            throw Self.refusal(error)
        }
    }

    private func asking<R>(_ body: () throws(NetlinkError) -> R) throws(PortalError) -> R {
        do { return try body() } catch { throw Self.refusal(error) }
    }

    /// EPERM in spite of the capability has another cause (a user namespace, a security module): then the
    /// kernel's error says more.
    private static func refusal(_ error: NetlinkError) -> PortalError {
        error.isPermission && !Capabilities.hasNetAdmin ? .noPrivilege : .kernel(error)
    }
}
