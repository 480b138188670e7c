import Portal
import Transport
import Wire

/// A packet device without a kernel: what it is to send is put in, what it was given is looked at.
final class MemoryDevice: PacketDevice {
    /// Something that a poller takes.
    private let wakeup: Wakeup
    let name = "memory"
    let headerSize: Int
    var offloads: PortalOffloads
    private(set) var counters = TunCounters()
    /// What the machine sends, header included, in order.
    var outgoing: [[UInt8]] = []
    /// The packets that the machine got, without headers.
    private(set) var written: [[UInt8]] = []

    init(offloads: PortalOffloads = []) throws {
        self.offloads = offloads
        wakeup = try Wakeup()
        headerSize = offloads.contains(.header) ? VirtioHeader.size : 0
    }

    var descriptor: Int32 { wakeup.descriptor }

    /// Has the machine send packets; a poller is told.
    func send(_ packets: [[UInt8]]) {
        outgoing += packets
        wakeup.signal()
    }

    func takeWritten() -> [[UInt8]] {
        defer { written = [] }
        return written
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TunError) -> Int {
        guard !outgoing.isEmpty else {
            _ = wakeup.drain()
            return 0
        }
        let packet = outgoing.removeFirst()
        buffer.copyBytes(from: packet)
        counters.read += 1
        return packet.count
    }

    func write(_ packet: UnsafeRawBufferPointer) throws(TunError) -> Bool {
        written.append(Array(packet))
        counters.written += 1
        return true
    }

    func write(_ packet: JoinedPacket) throws(TunError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: packet.length + VirtioHeader.size)
        let count = bytes.withUnsafeMutableBytes { packet.gather(into: $0) }
        written.append(Array(bytes[headerSize..<count]))
        counters.written += UInt64(packet.packets)
        return true
    }
}
