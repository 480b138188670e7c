import Synchronization
import Wire

@testable import DataPlane

/// An interface without a kernel, which keeps what it was told.
final class InterfaceRecorder: PortalInterface, Sendable {
    private let told = Mutex<[String]>([])
    var events: [String] { told.withLock { $0 } }

    func prepare() throws { note("prepare") }
    func raise(_ index: UInt32) throws { note("raise \(index)") }
    func start() throws { note("start") }
    func fit(mtu: UInt32) -> Bool {
        note("fit \(mtu)")
        return true
    }
    func forgetFormer() { note("forget former") }
    func machineAddresses() -> Set<IPv6Address>? { nil }
    func close() { note("close") }
    func leave() { note("leave") }

    private func note(_ event: String) { told.withLock { $0.append(event) } }
}
