internal import Wire

/// Whose turn it is (RFC 8290 section 4.2), and what becomes of late packets (RFC 8289 section 5.5).
extension PortalQueue {
    /// Takes the packet whose turn it is out of its flow.
    ///
    /// A flow that has used up its quantum goes to the end of the old ones with a new one. A new flow that is empty goes there
    /// too before it is forgotten, or else it could come back as new at once and starve the old ones.
    mutating func next(now: Instant) -> Int32? {
        while true {
            let isNew = newFlows.head >= 0
            let index = isNew ? newFlows.head : oldFlows.head
            guard index >= 0 else { return nil }
            let flow = flows + Int(index)
            if flow.pointee.deficit <= 0 {
                flow.pointee.deficit &+= Int32(truncatingIfNeeded: parameters.quantum)
                removeFirst(isNew)
                oldFlows.append(index, in: flows)
                continue
            }
            if let slot = takeInTime(flow, now: now) {
                flow.pointee.deficit &-= pool.records[Int(slot)].count
                return slot
            }
            removeFirst(isNew)
            if isNew && oldFlows.head >= 0 { oldFlows.append(index, in: flows) }
        }
    }

    private mutating func removeFirst(_ isNew: Bool) {
        if isNew { newFlows.removeFirst(in: flows) } else { oldFlows.removeFirst(in: flows) }
    }

    /// The flow's oldest packet that is not to be dropped; nil when there is none.
    private mutating func takeInTime(_ flow: UnsafeMutablePointer<QueueFlow>, now: Instant) -> Int32? {
        guard var (slot, isLate) = take(flow, now: now) else { return nil }
        if !flow.pointee.control.isDropping {
            guard isLate else { return slot }
            if !mark(slot) {
                drop(slot)
                guard let following = take(flow, now: now) else { return nil }
                slot = following.slot
            }
            flow.pointee.control.begin(now: now, interval: parameters.interval)
            return slot
        }
        if !isLate { flow.pointee.control.end() }
        while flow.pointee.control.isDue(now: now) {
            flow.pointee.control.advance()
            if mark(slot) {
                flow.pointee.control.schedule(interval: parameters.interval)
                return slot
            }
            drop(slot)
            guard let following = take(flow, now: now) else { return nil }
            (slot, isLate) = following
            if isLate {
                flow.pointee.control.schedule(interval: parameters.interval)
            } else {
                flow.pointee.control.end()
            }
        }
        return slot
    }

    /// The flow's oldest packet, and whether it may be dropped.
    private mutating func take(
        _ flow: UnsafeMutablePointer<QueueFlow>, now: Instant
    ) -> (slot: Int32, isLate: Bool)? {
        guard let slot = removeFirst(of: flow) else {
            flow.pointee.control.drained()
            return nil
        }
        let isLate = flow.pointee.control.isLate(
            waited: now - pool.records[Int(slot)].enqueuedAt, backlog: flow.pointee.bytes,
            largest: Int(flow.pointee.largest), now: now, parameters)
        return (slot, isLate)
    }

    /// Unlinks the flow's oldest packet.
    mutating func removeFirst(of flow: UnsafeMutablePointer<QueueFlow>) -> Int32? {
        let slot = flow.pointee.head
        guard slot >= 0 else { return nil }
        let record = pool.records + Int(slot)
        flow.pointee.head = record.pointee.next
        if flow.pointee.head < 0 { flow.pointee.tail = -1 }
        let bytes = Int(record.pointee.count)
        flow.pointee.bytes &-= bytes
        flow.pointee.count &-= 1
        byteCount &-= bytes
        count &-= 1
        return slot
    }

    private mutating func drop(_ slot: Int32) {
        counters.droppedLate &+= 1
        pool.giveBack(slot)
    }

    /// Tells the receiver of congestion in place of a loss, where the sender has said that it understands (RFC 3168 section
    /// 5). A super-packet is marked whole: each packet that it is split into has its traffic class. The mark is in no checksum.
    private mutating func mark(_ slot: Int32) -> Bool {
        let record = pool.records[Int(slot)]
        guard record.flow != FlowHash.malformed else { return false }
        // The field is bits 4 and 5 of the second byte: the traffic class begins in the middle of the first.
        let place = pool.address(of: slot) + Int(record.headerCount) + 1
        let byte = place.load(as: UInt8.self)
        guard byte >> 4 & ECN.mask != ECN.notCapable else { return false }
        place.storeBytes(of: byte | ECN.congested << 4, as: UInt8.self)
        counters.marked &+= 1
        return true
    }

    /// The flow that holds the most slots. Only those that are listed are looked at: those with packets, and some that are
    /// about to be forgotten.
    func fattest() -> Int? {
        fattest(from: newFlows.head, orElse: fattest(from: oldFlows.head, orElse: nil))
    }

    private func fattest(from head: Int32, orElse known: Int?) -> Int? {
        var best = known
        var count: Int32 = 0
        var bytes = 0
        if let known { (count, bytes) = (flows[known].count, flows[known].bytes) }
        var index = head
        while index >= 0 {
            let flow = flows + Int(index)
            if flow.pointee.count > count || flow.pointee.count == count && flow.pointee.bytes > bytes {
                (best, count, bytes) = (Int(index), flow.pointee.count, flow.pointee.bytes)
            }
            index = flow.pointee.next
        }
        return best
    }
}
