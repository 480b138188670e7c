internal import Wire

/// Packets to addresses that the network does not know yet: it may just be starting. Bounded in packets, per
/// destination and in time; what nobody turns out to have is answered with an ICMPv6 error.
struct ParkedPackets {
    struct Packet {
        let destination: IPv6Address
        let bytes: [UInt8]
        let since: Instant
    }

    private static let capacity = 64
    private static let perDestination = 4
    static let patience: Interval = .seconds(1)

    private var packets: [Packet] = []

    var isEmpty: Bool { packets.isEmpty }
    var deadline: Instant { packets.first.map { $0.since + Self.patience } ?? .distantFuture }

    /// False when there is no room: the packet is to be answered now.
    mutating func park(_ bytes: UnsafeRawBufferPointer, for destination: IPv6Address, now: Instant) -> Bool {
        guard packets.count < Self.capacity,
            packets.count(where: { $0.destination == destination }) < Self.perDestination
        else { return false }
        packets.append(Packet(destination: destination, bytes: Array(bytes), since: now))
        return true
    }

    /// All of them, to be tried again or given up.
    mutating func takeAll() -> [Packet] {
        defer { packets.removeAll(keepingCapacity: true) }
        return packets
    }

    mutating func putBack(_ packet: Packet) { packets.append(packet) }
}
