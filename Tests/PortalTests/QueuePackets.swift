import Testing
import Wire

@testable import Portal

/// A made-up packet for the queue: 48 bytes at least, with a number by which it is known again.
struct NumberedPacket {
    static let smallest = IPv6Header.size + 16

    /// Tells flows apart: the source port.
    var flow: Int
    var number: Int
    /// Bytes in all.
    var size = NumberedPacket.smallest
    var ecn = ECN.notCapable
    var destination = 2

    /// Writes it to the slot behind a header of `headerCount` bytes.
    func write(to slot: UnsafeMutableRawBufferPointer, headerCount: Int) {
        guard let base = slot.baseAddress.map({ $0 + headerCount }) else { return }
        IPv6Header.write(
            to: base, payloadLength: UInt16(size - IPv6Header.size), nextHeader: IPProtocol.udp, hopLimit: 64,
            source: IPv6Address(high: 0xfd << 56, low: 1),
            destination: IPv6Address(high: 0xfd << 56, low: UInt64(destination)))
        base.storeBytes(of: ecn << 4, toByteOffset: 1, as: UInt8.self)
        base.storeBytes(of: UInt16(flow).bigEndian, toByteOffset: IPv6Header.size, as: UInt16.self)
        base.storeBytes(of: 0, toByteOffset: IPv6Header.size + 2, as: UInt16.self)
        base.storeBytes(of: UInt64(number), toByteOffset: IPv6Header.size + 8, as: UInt64.self)
    }

    init(flow: Int, number: Int, size: Int = NumberedPacket.smallest, ecn: UInt8 = ECN.notCapable) {
        (self.flow, self.number, self.size, self.ecn) = (flow, number, size, ecn)
    }

    /// What a packet from the queue is.
    init(_ packet: QueuedPacket) throws {
        let bytes = UnsafeRawBufferPointer(packet.packet)
        let header = try IPv6Header(bytes)
        let flow = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: IPv6Header.size, as: UInt16.self))
        let number = bytes.loadUnaligned(fromByteOffset: IPv6Header.size + 8, as: UInt64.self)
        self.init(
            flow: Int(flow), number: Int(number), size: header.totalLength, ecn: header.trafficClass & ECN.mask)
        destination = Int(header.destination.low)
    }
}

/// Bytes of the driver's header in these tests.
let queueHeaderCount = 10

func milliseconds(_ count: Int64) -> Instant { .distantPast + .milliseconds(count) }

/// A queue in the tests' hands: an object, since `#expect` cannot look into what may not be copied.
final class TestQueue {
    var queue: PortalQueue
    private var burst = PacketBurst()

    init(seed: UInt64, slots: Int = PortalQueueParameters().slots) {
        var parameters = PortalQueueParameters()
        parameters.slots = slots
        queue = PortalQueue(seed: seed, parameters: parameters)
    }

    var isEmpty: Bool { queue.isEmpty }
    var count: Int { queue.count }
    var byteCount: Int { queue.byteCount }
    var counters: PortalQueueCounters { queue.counters }

    func slot() -> UnsafeMutableRawBufferPointer? { queue.slot() }
    func enqueue(count: Int, headerCount: Int, now: Instant) {
        queue.enqueue(count: count, headerCount: headerCount, now: now)
    }
    func dequeue(now: Instant) -> QueuedPacket? { queue.dequeue(now: now) }
    func release(_ packet: QueuedPacket) { queue.release(packet) }
    func makeRoom() -> Bool { queue.makeRoom() }

    /// False when there is no slot.
    func put(_ packet: NumberedPacket, now: Instant) -> Bool {
        guard let slot = slot() else { return false }
        packet.write(to: slot, headerCount: queueHeaderCount)
        enqueue(count: queueHeaderCount + packet.size, headerCount: queueHeaderCount, now: now)
        return true
    }

    /// Takes one packet and gives its slot back.
    func get(now: Instant) throws -> NumberedPacket? {
        guard let packet = dequeue(now: now) else { return nil }
        let known = try NumberedPacket(packet)
        release(packet)
        return known
    }

    /// Takes a burst, gives its slots back, and hands each packet to `body` in between.
    func sendBurst(bytes: Int, now: Instant, _ body: (QueuedPacket) throws -> Void) rethrows {
        burst.fill(from: &queue, bytes: bytes, now: now)
        while let packet = burst.next() {
            try body(packet)
            release(packet)
        }
    }

    func bucket(flow: Int) -> Int {
        var bytes = [UInt8](repeating: 0, count: NumberedPacket.smallest)
        return bytes.withUnsafeMutableBytes { raw in
            NumberedPacket(flow: flow, number: 0).write(to: raw, headerCount: 0)
            return queue.hash.bucket(ofBytes: UnsafeRawBufferPointer(raw))
        }
    }

    /// So many flows, none of which shares a bucket with another.
    func apart(_ count: Int) -> [Int] {
        var buckets = Set<Int>()
        var flows: [Int] = []
        var flow = 1
        while flows.count < count {
            if buckets.insert(bucket(flow: flow)).inserted { flows.append(flow) }
            flow += 1
        }
        return flows
    }

    /// Packets of a flow that wait.
    func waiting(flow: Int) -> Int { Int(queue.flows[bucket(flow: flow)].count) }

    /// How many slots can be had when nothing waits: all, unless one was lost.
    func freeSlots() throws -> Int {
        var taken = 0
        while put(NumberedPacket(flow: 1, number: taken), now: .distantPast) { taken += 1 }
        while try get(now: .distantPast) != nil {}
        return taken
    }
}
