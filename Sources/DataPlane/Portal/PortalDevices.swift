internal import Portal
package import System

/// Opens the device that the portal's packets come by: TUN in production, memory in tests.
protocol PortalDevices: Sendable {
    associatedtype Device: PacketDevice

    /// Attaches to one device so many times, each with a queue of its own.
    func open(_ portal: EngineSetup.PortalSetup, queues: Int) throws(TunError) -> [Device]
    /// The interface's index.
    func index(of device: Device) throws(TunError) -> UInt32
    /// Has a flow keep its queue.
    func steerByFlow(_ device: Device) throws(TunError)
}

struct TunDevices: PortalDevices {
    func open(_ portal: EngineSetup.PortalSetup, queues: Int) throws(TunError) -> [TunDevice] {
        let left = try adopt(portal, queues: queues)
        let devices = if let left { left } else { try make(portal, queues: queues) }
        for (place, device) in devices.enumerated() {
            portal.store?.keep(device.descriptor, as: PortalQueues.name(place))
        }
        return devices
    }

    /// The queues of the run before, or nil where there are none. That they are what is wanted was looked at before there was anything else.
    private func adopt(_ portal: EngineSetup.PortalSetup, queues: Int) throws(TunError) -> [TunDevice]? {
        guard let store = portal.store, let left = PortalQueues.left(store), left.count == queues else { return nil }
        var devices: [TunDevice] = []
        for place in 0..<queues {
            guard let queue = store.take(PortalQueues.name(place)) else { return nil }
            devices.append(
                try TunDevice(
                    adopting: queue.release(), offload: portal.offload ? .auto : .off, multiQueue: queues > 1))
        }
        return devices
    }

    private func make(_ portal: EngineSetup.PortalSetup, queues: Int) throws(TunError) -> [TunDevice] {
        let offload: OffloadMode = portal.offload ? .auto : .off
        if queues > 1 {
            return try TunDevice.queues(
                queues, name: portal.interface, persistent: portal.persistent, offload: offload)
        }
        do throws(TunError) {
            return [try TunDevice(name: portal.interface, persistent: portal.persistent, offload: offload)]
        } catch {
            // A persistent device may have been made for several threads.
            guard case .wrongKind = error, portal.persistent else { throw error }
            return [
                try TunDevice(
                    name: portal.interface, persistent: portal.persistent, offload: offload, multiQueue: true)
            ]
        }
    }

    func index(of device: TunDevice) throws(TunError) -> UInt32 { try device.index() }

    func steerByFlow(_ device: TunDevice) throws(TunError) { try device.steerByFlow() }
}

/// The queues of the portal's device in a store of descriptors.
package enum PortalQueues {
    static func name(_ place: Int) -> String { "portal-\(place)" }

    /// The descriptors that the run before has left, to be looked at; nil where it left none.
    package static func left(_ store: DescriptorStore) -> [Int32]? {
        var left: [Int32] = []
        while let next = store.peek(name(left.count)) { left.append(next) }
        return left.isEmpty ? nil : left
    }

    /// Closes what the run before has left.
    package static func discard(_ store: DescriptorStore) {
        for place in 0..<(left(store)?.count ?? 0) { store.discard(name(place)) }
    }
}
