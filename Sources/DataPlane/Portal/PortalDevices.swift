internal import Portal

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
