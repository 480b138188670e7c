internal import Glibc
package import Netlink
internal import Wire

/// Lays the portal's pipes in the kernel and takes them away again. In order: `prepare()`, then the TUN device is
/// made by whoever carries its packets, `bringUp()`, and at the end `tearDown()`.
///
/// Every verb may be called again: it finishes what is missing. Nothing without our marks is changed or removed.
package struct PortalPlumbing {
    package private(set) var plan: PortalPlan
    let socket: NetlinkSocket
    let links: Links
    let addresses: Addresses
    let routes: Routes
    /// The persistent device as it was before us, to be restored.
    private var before: NetworkInterface?
    /// There was no device of that name before: a persistent one then is of our making.
    private var isNew = false
    /// The holding routes that this value has laid and `tearDown()` therefore takes away: another portal's must stay.
    private var held: [Route] = []
    /// The index of the device that `bringUp()` configured.
    package private(set) var raised: UInt32?
    /// Routes of ours inside what is served, which keep its traffic while somebody else's route has exactly the same.
    var overruling: [Route] = []

    /// Packets that wait in the device while the daemon waits for a processor. At 1 Gbit/s of 1,300 bytes the usual 500 are 5 ms,
    /// and one datagram in thirty was lost; these are 20. What stands for longer does so in the daemon, sorted by flows.
    package static let queueLength: UInt32 = 2000

    package init(_ plan: PortalPlan, _ socket: NetlinkSocket) {
        self.plan = plan
        self.socket = socket
        links = Links(socket)
        addresses = Addresses(socket)
        routes = Routes(socket)
    }

    /// The netlink port that changes of ours come from.
    package var port: UInt32 { socket.port }

    /// All that comes before the device: privilege, leftovers, conflicts, and the routes that hold what the portal
    /// serves.
    /// - Returns: what was cleaned away, and what keeps traffic from its way: both for the log.
    package mutating func prepare() throws(PortalError) -> (cleaned: [String], warnings: [PortalWarning]) {
        guard Capabilities.hasNetAdmin else { throw .noPrivilege }
        // Conflicts first: a box that is refused must not have changed anything.
        var warnings = try refuseConflicts()
        if !plan.localNetworks.isEmpty {
            let forwards = try asking { () throws(NetlinkError) in try Forwarding.isOn(socket) }
            if !forwards { warnings.append(.forwardingOff) }
        }
        // Held before anything is cleaned: a leftover may be all that keeps packets from the default route.
        try hold()
        let cleaned = try cleanLeftovers()
        isNew = try asking { () throws(NetlinkError) in try links.find(plan.interface) } == nil
        return (cleaned, warnings)
    }

    /// Refuses an interface name that is somebody else's or in use, and a prefix or network that another route has
    /// exactly.
    /// - Returns: routes of others that lie inside what the portal serves.
    package func refuseConflicts() throws(PortalError) -> [PortalWarning] {
        let survey = try asking { () throws(NetlinkError) in try PortalSurvey(plan, socket) }
        try survey.refuseConflicts()
        return survey.warnings
    }

    /// Removes what a crash of ours has left, known by its marks, and nothing behind which a process of ours is alive.
    /// - Returns: what was removed, as text for the log.
    package func cleanLeftovers() throws(PortalError) -> [String] {
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

    /// Makes the prefix and the networks unreachable wherever the portal does not serve them, so that their packets
    /// never follow the default route to strangers. Survives even SIGKILL, on purpose. What ends it is the plan's
    /// `guarding`.
    package mutating func hold() throws(PortalError) {
        let before = held.count
        for route in holdRoutes {
            do {
                try claim(route)
            } catch {
                // The first failure is the one to report. A guard that stays may be that of a former run: not ours to end.
                if plan.guarding != .always { _ = release(Array(held[before...])) }
                throw error
            }
            if !held.contains(route) { held.append(route) }
        }
    }

    /// Configures the device, which must exist by now. When a step fails, those before it are undone.
    /// - Parameter index: the device's, which may have been renamed since it was made (udev does that); it gets the plan's name
    ///   back. Nil looks it up by that name.
    package mutating func bringUp(_ index: UInt32? = nil) throws(PortalError) {
        let link = try device(index)
        if before == nil && plan.persistent { before = link }
        do {
            try configure(link)
            for route in portalRoutes(link.index) { try claim(route) }
        } catch {
            // The first failure is the one to report.
            _ = withdraw(link)
            throw error
        }
        raised = link.index
    }

    /// Gives the device another MTU, in bytes, once it is up. The plan's is that from then on.
    package mutating func setMTU(_ mtu: UInt32) throws(PortalError) {
        guard let raised, mtu != plan.mtu else { return }
        try asking { () throws(NetlinkError) in try links.setMTU(raised, mtu) }
        plan.mtu = mtu
    }

    /// Takes the former address away, once it is up. The plan has none from then on.
    package mutating func forgetFormer() throws(PortalError) {
        guard let former = plan.former else { return }
        if let raised {
            let address = laidOut(former, raised)
            try asking { () throws(NetlinkError) in _ = try addresses.remove(address) }
        }
        plan.former = nil
    }

    /// Takes away everything that was added: routes, address, mark, and the holding routes unless the plan's guard stays
    /// for good. A persistent device gets its former alias, MTU and state back; another goes with its descriptor. Does all
    /// it can, then throws the first failure; what failed is tried again by the next call.
    package mutating func tearDown() throws(PortalError) {
        var failure = stayHeld()
        if let index = raised {
            do {
                let found = try asking { () throws(NetlinkError) in try links.find(index: index) }
                // Without our mark it is another device, that somebody made with that number after ours was gone.
                if let link = found, link.kind == "tun", link.alias == PortalMark.alias || link.name == plan.interface {
                    if let failed = withdraw(link) { failure = failure ?? failed }
                }
            } catch { failure = failure ?? error }
        }
        if failure == nil {
            raised = nil
            overruling = []
            before = nil
        }
        let unreleased = plan.guarding == .always ? nil : release(held)
        if let failure = failure ?? unreleased { throw failure }
    }

    /// What is not as `bringUp()` left it, for people; empty when all is well. `bringUp()` mends it, and so does `mend`.
    package func missing() throws(PortalError) -> [String] { try inspect().damages.map(\.description) }

    // MARK: - Parts

    func laidOut(_ address: IPv6Address, _ interface: UInt32) -> InterfaceAddress {
        var flags: AddressFlags = [.noDuplicateDetection, .noPrefixRoute]
        if address == plan.former { flags.insert(.deprecated) }
        return InterfaceAddress(
            address, prefixLength: 128, interface: interface, flags: flags, protocolNumber: PortalMark.protocolNumber)
    }

    /// Marked by us; kernels before 5.18 keep no mark on addresses, there the plan's own address has to do.
    private func isOurs(_ address: InterfaceAddress) -> Bool {
        address.protocolNumber == PortalMark.protocolNumber || plan.addresses.contains(address.address)
    }

    /// The device that was made for us, or offered to us.
    private func device(_ index: UInt32?) throws(PortalError) -> NetworkInterface {
        let found = try asking { () throws(NetlinkError) -> NetworkInterface? in
            guard let index else { return try links.find(plan.interface) }
            return try links.find(index: index)
        }
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
            if link.name != plan.interface { try links.rename(link.index, to: plan.interface) }
            if link.addressGeneration != AddressGeneration.none {
                try links.setAddressGeneration(link.index, .none)
            }
            if link.mtu != plan.mtu { try links.setMTU(link.index, plan.mtu) }
            if link.transmitQueueLength < Self.queueLength {
                try links.setTransmitQueueLength(link.index, Self.queueLength)
            }
            // What is new has it off where net.ipv6.conf.default says so; this one is ours to switch on. Where that is
            // impossible the address is refused below, which says what to run.
            if link.isIPv6Disabled == true { try? Self.switchIPv6On(link.index) }
            for old in try addresses.list(interface: link.index, family: .ipv6)
            where old.protocolNumber == PortalMark.protocolNumber && !plan.addresses.contains(old.address) {
                try addresses.remove(old)
            }
            for address in plan.addresses { try addresses.replace(laidOut(address, link.index)) }
            if !link.isUp { try links.setUp(link.index) }
        }
    }

    /// Where the guard stays, it is whole before the portal's own routes go: somebody may have taken a part of it.
    private mutating func stayHeld() -> PortalError? {
        guard plan.guarding == .always, !held.isEmpty else { return nil }
        do {
            try hold()
            return nil
        } catch { return error }
    }

    /// Removes holding routes; the first failure, if any. What failed is tried again by the next call.
    private mutating func release(_ holding: [Route]) -> PortalError? {
        var failure: PortalError?
        for route in holding {
            do {
                try asking { () throws(NetlinkError) in _ = try routes.remove(route) }
                held.removeAll { $0 == route }
            } catch { failure = failure ?? error }
        }
        return failure
    }

    /// Undoes `configure` and the routes; the first failure, if any.
    private func withdraw(_ link: NetworkInterface) -> PortalError? {
        var failure: PortalError?
        func attempt(_ step: () throws(NetlinkError) -> Void) {
            do { try step() } catch  where error.isMissing {} catch { failure = failure ?? .kernel(error) }
        }
        for route in portalRoutes(link.index) + overruling {
            attempt { () throws(NetlinkError) in _ = try routes.remove(route) }
        }
        for address in plan.addresses {
            attempt { () throws(NetlinkError) in _ = try addresses.remove(laidOut(address, link.index)) }
        }
        if let before {
            if !before.isUp { attempt { () throws(NetlinkError) in try links.setDown(link.index) } }
            attempt { () throws(NetlinkError) in try links.setMTU(link.index, before.mtu) }
            if before.transmitQueueLength < Self.queueLength {
                attempt { () throws(NetlinkError) in
                    try links.setTransmitQueueLength(link.index, before.transmitQueueLength)
                }
            }
            if let mode = before.addressGeneration {
                attempt { () throws(NetlinkError) in try links.setAddressGeneration(link.index, mode) }
            }
        }
        // The mark goes last: until then what is left is known as ours.
        var alias = before?.alias ?? ""
        if alias == PortalMark.alias { alias = "" }
        if plan.persistent, isNew { alias = PortalMark.restingAlias }
        attempt { () throws(NetlinkError) in try links.setAlias(link.index, alias) }
        return failure
    }
}
