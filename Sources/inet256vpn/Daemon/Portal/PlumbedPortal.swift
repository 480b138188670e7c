internal import DataPlane
internal import Logging
internal import Netlink
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The portal's interface, on netlink: laid before the device passes packets, watched over while it does, and taken away.
final class PlumbedPortal: PortalInterface {
    private let commands: Mailbox<PortalCommand>
    private let guardian: @Sendable (UInt32) throws -> Void
    private let logger: Logger
    private let lost: @Sendable () -> Void
    private let plan: PortalPlan
    /// Until the watch has it, and after that.
    private var plumbing: PortalPlumbing?
    private var watch: PortalWatch?

    init(_ part: DataPlanePlan.PortalPart, logger: Logger, lost: @escaping @Sendable () -> Void) throws {
        commands = part.commands
        guardian = part.guardian
        plan = part.plan
        self.logger = logger
        self.lost = lost
    }

    func prepare() throws {
        var plumbing = PortalPlumbing(plan, try NetlinkSocket())
        let prepared = try plumbing.prepare()
        self.plumbing = plumbing
        for leftover in prepared.cleaned { logger.notice("removed a leftover", metadata: ["object": "\(leftover)"]) }
        // `status` has them as they are when it is asked.
        for warning in prepared.warnings { logger.warning("\(warning)") }
    }

    func raise(_ index: UInt32) throws {
        try guardian(index)
        guard var plumbing else { preconditionFailure("prepared before") }
        try plumbing.bringUp(index)
        self.plumbing = plumbing
        watch = try PortalWatch(plumbing, commands, logger: logger, lost: lost)
    }

    func start() throws { try watch?.start() }

    func fit(mtu: UInt32) -> Bool {
        do {
            try commands.post(.fit(mtu: mtu))
            return true
        } catch {
            logger.warning("the interface's MTU cannot be changed", metadata: ["reason": "\(error)"])
            return false
        }
    }

    func forgetFormer() {
        do { try commands.post(.forgetFormer) } catch {
            logger.warning("the former address stays on the interface", metadata: ["reason": "\(error)"])
        }
    }

    func machineAddresses() -> Set<IPv6Address>? {
        guard !plan.localNetworks.isEmpty else { return nil }
        do {
            let addresses = try Addresses(try NetlinkSocket()).list(family: .ipv6)
            return Set(addresses.map(\.address))
        } catch {
            logger.warning("the machine's addresses could not be asked", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    func leave() {
        stopWatching()
        // What is not torn down stays.
        plumbing = nil
    }

    private func stopWatching() {
        if let watch, let plumbing = watch.finish() { self.plumbing = plumbing }
        watch = nil
        for command in commands.close() { command.dismiss() }
    }

    func close() {
        stopWatching()
        guard var plumbing else { return }
        do {
            try plumbing.tearDown()
        } catch {
            logger.error("not everything of the portal could be removed", metadata: ["reason": "\(error)"])
        }
        self.plumbing = nil
    }
}
