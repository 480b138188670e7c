import Synchronization
import System
import Transport
import Wire

@testable import DataPlane
@testable import Portal

/// A packet device without a kernel: what it is to send is put in, what it was given is looked at. From any thread.
final class MemoryDevice: PacketDevice, @unchecked Sendable {
    /// Something that a poller takes.
    private let wakeup: Wakeup
    let name = "memory"
    let headerSize: Int
    /// The worker's alone.
    private(set) var offloads: PortalOffloads
    private let state = Mutex(State())

    private struct State {
        var outgoing: [[UInt8]] = []
        var written: [[UInt8]] = []
        var counters = TunCounters()
    }

    init(offloads: PortalOffloads = []) throws {
        self.offloads = offloads
        wakeup = try Wakeup()
        headerSize = offloads.contains(.header) ? VirtioHeader.size : 0
    }

    var descriptor: Int32 { wakeup.descriptor }
    var counters: TunCounters { state.withLock { $0.counters } }

    /// Has the machine send packets, headers included; a poller is told.
    func send(_ packets: [[UInt8]]) {
        state.withLock { $0.outgoing += packets }
        wakeup.signal()
    }

    /// The packets that the machine got, without headers.
    func takeWritten() -> [[UInt8]] {
        state.withLock { state in
            defer { state.written = [] }
            return state.written
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TunError) -> Int {
        _ = wakeup.drain()
        let packet = state.withLock { state -> [UInt8]? in
            guard !state.outgoing.isEmpty else { return nil }
            state.counters.read += 1
            return state.outgoing.removeFirst()
        }
        guard let packet else { return 0 }
        // There may be more.
        wakeup.signal()
        buffer.copyBytes(from: packet)
        return packet.count
    }

    func write(_ packet: UnsafeRawBufferPointer) throws(TunError) -> Bool {
        take(Array(packet), 1)
        return true
    }

    func write(_ packet: JoinedPacket) throws(TunError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: packet.length + VirtioHeader.size)
        let count = bytes.withUnsafeMutableBytes { packet.gather(into: $0) }
        take(Array(bytes[headerSize..<count]), packet.packets)
        return true
    }

    private func take(_ packet: [UInt8], _ packets: Int) {
        state.withLock {
            $0.written.append(packet)
            $0.counters.written += UInt64(packets)
        }
    }
}

/// Gives devices of memory that the test keeps.
struct MemoryDevices: PortalDevices {
    let devices: [MemoryDevice]
    /// Like a kernel without CAP_BPF.
    var steers = true

    init(_ count: Int) throws { devices = try (0..<count).map { _ in try MemoryDevice() } }

    func open(_ portal: EngineSetup.PortalSetup, queues: Int) throws(TunError) -> [MemoryDevice] {
        guard queues <= devices.count else { throw .wrongKind(name: portal.interface) }
        return Array(devices[..<queues])
    }

    func index(of device: MemoryDevice) throws(TunError) -> UInt32 { 7 }

    func steerByFlow(_ device: MemoryDevice) throws(TunError) {
        if !steers { throw .notPermitted(operation: "steer", object: "memory") }
    }
}
