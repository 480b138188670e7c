internal import DataPlane
internal import Logging
internal import Netlink
internal import Portal

/// Addresses, routes and links of the machine, as far as their changes matter to the data plane.
final class MachineWatcher: MachineWatch {
    private let watcher: KernelWatcher

    private init(_ watcher: KernelWatcher) { self.watcher = watcher }

    static func watch(_ logger: Logger) -> MachineWatcher? { KernelWatcher.open(logger).map { MachineWatcher($0) } }

    var descriptor: Int32 { watcher.descriptor }

    func drain(portal: UInt32?) throws -> Bool {
        var isChanged = false
        for event in try watcher.drain() where Self.concerns(event, portal) { isChanged = true }
        return isChanged
    }

    private static func concerns(_ event: KernelEvent, _ portal: UInt32?) -> Bool {
        switch event {
        case .link(let link), .linkGone(let link): link.index != portal
        case .address(let address), .addressGone(let address): address.protocolNumber != PortalMark.protocolNumber
        case .route(let route), .routeGone(let route):
            route.protocolNumber != PortalMark.protocolNumber || PortalMark.isException(route)
        case .overrun: true
        }
    }
}

extension KernelWatcher {
    /// Nil, and a line in the log, where the kernel does not tell of changes.
    static func open(_ logger: Logger) -> KernelWatcher? {
        do {
            return try KernelWatcher()
        } catch {
            logger.warning("changes of the network will not be noticed at once", metadata: ["reason": "\(error)"])
            return nil
        }
    }
}
