internal import DataPlane
internal import Logging
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport

/// What the run before has left open, sorted before anything is touched: what fits is taken over piece by piece as the daemon comes up, what
/// does not is let go here, while nothing is in its way yet.
struct LeftBehind {
    private let setup: DaemonSetup
    private let logger: Logger

    init(_ setup: DaemonSetup, _ logger: Logger) {
        self.setup = setup
        self.logger = logger
    }

    /// Goes through the sockets of the transports.
    func sortSockets() {
        let configuration = setup.configuration
        let count = configuration.portal.enabled ? configuration.threads : 1
        UDPTransport.sort(setup.store, for: configuration.transports.map { $0.source(setup.store) }, count: count)
    }

    /// The plan with the interface that the run before has left, where there is one that is as the plan would make it.
    func adopt(_ plan: PortalPlan) -> PortalPlan {
        guard let queues = PortalQueues.left(setup.store) else { return plan }
        var plan = plan
        do {
            let index = try index(of: queues[0])
            let plumbing = PortalPlumbing(plan, try NetlinkSocket())
            if !plan.persistent, areAsWanted(queues), try plumbing.fits(index) {
                plan.inherited = index
                return plan
            }
            logger.notice("the interface of the run before is not what is configured now: it is made anew")
            // By netlink, so that it is gone now and not when the last one who holds it open lets go.
            try plumbing.dispose(of: index)
        } catch {
            logger.notice("the interface of the run before cannot be taken over", metadata: ["reason": "\(error)"])
        }
        PortalQueues.discard(setup.store)
        setup.store.settle()
        return plan
    }

    /// Without a portal: it goes.
    func dispose() {
        PortalQueues.discard(setup.store)
    }

    private func index(of queue: Int32) throws -> UInt32 {
        try Links(try NetlinkSocket()).find(try TunDevice.name(of: queue))?.index ?? 0
    }

    private func areAsWanted(_ queues: [Int32]) -> Bool {
        let configuration = setup.configuration
        let offload: OffloadMode = configuration.portal.offload == .auto ? .auto : .off
        return queues.count == configuration.threads
            && queues.allSatisfy { TunDevice.isAttached($0, offload, configuration.threads > 1) }
    }
}
