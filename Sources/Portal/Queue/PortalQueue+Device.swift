package import Wire

/// How the queue is filled.
extension PortalQueue {
    /// Packets and bytes read in one turn: it is read ahead, so that what must wait waits where it is sorted by flows, and not
    /// in the device. Turns are short, so that other flows are not kept waiting.
    private static let packetsPerTurn = 64
    private static let bytesPerTurn = 1 << 20
    /// As long as there is room more are read: with many peers there are few packets for each, and what is sent together
    /// is what waits (`PacketBurst`).
    package static let packetsPerBurst = 256

    /// Takes what the kernel sends through the device, as much as one turn may. Returns how many packets.
    package mutating func fill(from device: some PacketDevice, now: Instant) throws(TunError) -> Int {
        var packets = 0
        var bytes = 0
        while packets < Self.packetsPerBurst, bytes < Self.bytesPerTurn {
            guard let slot = slot() else {
                guard packets < Self.packetsPerTurn, makeRoom() else { break }
                continue
            }
            let count = try device.read(into: slot)
            guard count > 0 else { break }
            // A packet shorter than the driver's header is dropped as malformed where it is looked at.
            enqueue(count: count, headerCount: min(device.headerSize, count), now: now)
            bytes += count
            packets += 1
        }
        return packets
    }
}
