package import Wire

/// A packet on its way out of the queue. Valid until it is released.
package struct QueuedPacket {
    let slot: Int32
    /// The driver's header and then the packet.
    package let bytes: UnsafeMutableRawBufferPointer
    /// How many of the bytes are the header.
    package let headerCount: Int
    package let enqueuedAt: Instant
    /// The packet's, which was checked when it came; nil for what is no IPv6 packet.
    package let header: IPv6Header?

    /// The packet without the driver's header.
    package var packet: UnsafeMutableRawBufferPointer {
        bytes.tail(from: headerCount)
    }
}

/// Packets between the TUN device and the mesh: fair between flows, and short. It is FQ-CoDel (RFC 8290): each flow has a
/// queue of its own and sends a quantum of bytes in turn; flows that have just begun, or send less than their share, come
/// before those that have a queue; and in each queue CoDel (RFC 8289) drops or marks when packets wait too long for too long.
///
///     slot() --read--> enqueue() --wait--> dequeue() --seal--> release()
///       ^                                                          |
///       +----------------------- the pool <------------------------+
///
/// Packets stay in the slot that they were read into. Nothing is allocated after `init`, and no clock is read.
package struct PortalQueue: ~Copyable {
    /// The most bytes that a slot can take: an IPv6 packet and a driver's header of up to 64.
    package static let slotSize = QueuePool.room

    package let parameters: PortalQueueParameters
    package internal(set) var counters = PortalQueueCounters()
    /// Packets and bytes, headers of the driver included, that wait.
    package internal(set) var count = 0
    package internal(set) var byteCount = 0

    let hash: FlowHash
    var pool: QueuePool
    let flows: UnsafeMutablePointer<QueueFlow>
    /// The slot that the next packet is read into; -1 for none yet.
    private var filling: Int32 = -1
    /// Flows that came while they had nothing here, and those that have had a quantum since.
    var newFlows = FlowList()
    var oldFlows = FlowList()

    /// `seed`: 64 unpredictable bits, for the hash that tells flows apart.
    package init(seed: UInt64, parameters: PortalQueueParameters = PortalQueueParameters()) {
        parameters.check()
        self.parameters = parameters
        hash = FlowHash(seed: seed)
        pool = QueuePool(count: parameters.slots)
        flows = .allocate(capacity: FlowHash.buckets)
        flows.initialize(repeating: QueueFlow(), count: FlowHash.buckets)
    }

    deinit { flows.deallocate() }

    package var isEmpty: Bool { count == 0 }

    /// Where the next packet is to be read into; the same until `enqueue`. Nil when every slot is in use: then `makeRoom`,
    /// or read no more until packets were dequeued and released.
    package mutating func slot() -> UnsafeMutableRawBufferPointer? {
        if filling < 0 {
            guard let taken = pool.take() else { return nil }
            filling = taken
        }
        return UnsafeMutableRawBufferPointer(start: pool.address(of: filling), count: Self.slotSize)
    }

    /// The packet that was read into `slot()` waits from now on. `count`: the bytes read, of which the first `headerCount`
    /// are the driver's header. The packet may be malformed: such ones share a flow.
    package mutating func enqueue(count: Int, headerCount: Int, now: Instant) {
        precondition(filling >= 0, "slot() comes first")
        precondition(0 <= headerCount && headerCount <= count && count <= Self.slotSize, "what was read fits the slot")
        let slot = filling
        filling = -1
        let bytes = UnsafeRawBufferPointer(start: pool.address(of: slot) + headerCount, count: count &- headerCount)
        var header: IPv6Header?
        do throws(IPv6Malformation) { header = try IPv6Header(bytes) } catch { header = nil }
        let index = header.map(hash.bucket) ?? FlowHash.malformed

        let record = pool.records + Int(slot)
        record.pointee = SlotRecord(
            enqueuedAt: now, count: Int32(truncatingIfNeeded: count),
            headerCount: Int32(truncatingIfNeeded: headerCount),
            next: -1, flow: UInt16(truncatingIfNeeded: index), isChecked: header != nil, state: .queued)
        let flow = flows + index
        if flow.pointee.tail >= 0 {
            pool.records[Int(flow.pointee.tail)].next = slot
        } else {
            flow.pointee.head = slot
        }
        flow.pointee.tail = slot
        flow.pointee.bytes &+= count
        flow.pointee.count &+= 1
        if flow.pointee.next == QueueFlow.notListed {
            flow.pointee.deficit = Int32(truncatingIfNeeded: parameters.quantum)
            flow.pointee.largest = 0
            newFlows.append(Int32(truncatingIfNeeded: index), in: flows)
        }
        flow.pointee.largest = max(flow.pointee.largest, Int32(truncatingIfNeeded: count))

        self.count &+= 1
        byteCount &+= count
        counters.enqueued &+= 1
    }

    /// The packet whose turn it is; nil when none waits. Late ones may be dropped on the way. It stays the caller's until
    /// `release`.
    package mutating func dequeue(now: Instant) -> QueuedPacket? {
        guard let slot = next(now: now) else { return nil }
        let record = pool.records + Int(slot)
        record.pointee.state = .away
        let waited = now - record.pointee.enqueuedAt
        if waited > counters.longestWait { counters.longestWait = waited }
        counters.dequeued &+= 1
        let address = pool.address(of: slot)
        let headerCount = Int(record.pointee.headerCount)
        return QueuedPacket(
            slot: slot, bytes: UnsafeMutableRawBufferPointer(start: address, count: Int(record.pointee.count)),
            headerCount: headerCount, enqueuedAt: record.pointee.enqueuedAt,
            header: record.pointee.isChecked ? IPv6Header(checked: address + headerCount) : nil)
    }

    /// Gives a dequeued packet's slot back, once its bytes are needed no more.
    package mutating func release(_ packet: QueuedPacket) {
        precondition(pool.records[Int(packet.slot)].state == .away, "released once, after it was dequeued")
        pool.giveBack(packet.slot)
    }

    /// Drops the oldest packet of the flow that holds the most slots, the larger one of two alike. False when no packet
    /// waits: then all slots are with the caller.
    ///
    /// It goes by slots, where RFC 8290 section 4.1.3 goes by bytes, because slots are what is short: a flood of tiny
    /// packets fills the pool with few bytes, and would push out the few large packets of everybody else. It looks at every
    /// flow that is listed: with a thousand of them and nothing leaving, better stop reading than make room.
    package mutating func makeRoom() -> Bool {
        guard let index = fattest() else { return false }
        guard let slot = removeFirst(of: flows + index) else { return false }
        counters.droppedForRoom &+= 1
        pool.giveBack(slot)
        return true
    }
}
