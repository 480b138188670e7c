package import Wire

/// The packets that are sent in one turn, each destination's one behind the other: so they share a way that is looked up once, a
/// call of the kernel, and a wake-up at the far end. The queue gives them out flow by flow, and with many peers hardly two that
/// follow each other have the same way.
///
/// The order among packets to one destination stays, and so does the order in which destinations had their first turn. The
/// queue's fairness is that of whole turns then, which are short (`PortalQueue.packetsPerBurst`).
package struct PacketBurst: ~Copyable {
    private let packets: UnsafeMutablePointer<QueuedPacket>
    /// What stands for each packet's destination; `taken` once the packet was given out.
    private let keys: UnsafeMutablePointer<UInt64>
    private var count = 0
    /// The first packet whose turn may still come, and the one to look at next for the destination whose turn it is.
    private var first = 0
    private var place = 0
    private var key = Self.taken

    private static let taken: UInt64 = 0
    private static let malformed: UInt64 = 1

    package init() {
        packets = .allocate(capacity: PortalQueue.packetsPerBurst)
        keys = .allocate(capacity: PortalQueue.packetsPerBurst)
    }

    deinit {
        packets.deallocate()
        keys.deallocate()
    }

    /// Takes packets from the queue, the first that exceeds `bytes` included, headers of the driver counted. The burst must have
    /// been given out to its end.
    package mutating func fill(from queue: inout PortalQueue, bytes: Int, now: Instant) {
        precondition(first == count, "the last burst was given out")
        (count, first) = (0, 0)
        var size = 0
        while size < bytes, count < PortalQueue.packetsPerBurst, let packet = queue.dequeue(now: now) {
            packets[count] = packet
            keys[count] = Self.key(of: packet)
            size &+= packet.bytes.count
            count &+= 1
        }
        place = count
    }

    /// The next packet; nil at the end. It stays the caller's until `PortalQueue.release`.
    package mutating func next() -> QueuedPacket? {
        while first < count {
            while place < count {
                let index = place
                place &+= 1
                if keys[index] == key {
                    keys[index] = Self.taken
                    return packets[index]
                }
            }
            // The next destination in the order of arrival.
            while first < count, keys[first] == Self.taken { first &+= 1 }
            guard first < count else { return nil }
            key = keys[first]
            place = first
        }
        return nil
    }

    /// Two destinations with one key would only follow each other, so it need not be exact.
    private static func key(of packet: QueuedPacket) -> UInt64 {
        guard let header = packet.header else { return malformed }
        let destination = header.destination
        let mixed = destination.high &* 0x9e37_79b9_7f4a_7c15 ^ destination.low
        return mixed == taken ? malformed : mixed
    }
}
