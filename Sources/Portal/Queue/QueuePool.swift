internal import Wire

/// What a slot of the pool is used for.
enum SlotState: UInt8 {
    case free
    /// The next packet is being read into it.
    case filling
    case queued
    /// Dequeued and not released.
    case away
}

/// What is known about the packet in a slot.
struct SlotRecord {
    var enqueuedAt = Instant.distantPast
    /// Bytes in the slot, and how many of them are the driver's header.
    var count: Int32 = 0
    var headerCount: Int32 = 0
    /// The next slot of the same flow, or of the free ones; -1 for none.
    var next: Int32 = -1
    var flow: UInt16 = 0
    /// It is an IPv6 packet.
    var isChecked = false
    var state = SlotState.free
}

/// Memory for a fixed number of packets. What was given back last is given out first, so that a short queue lives in the
/// processor's caches, and pages that no packet ever reached cost no memory.
struct QueuePool: ~Copyable {
    /// Bytes of a slot: a driver's header of up to 64, and the longest IPv6 packet that is no jumbogram.
    static let room = 64 + IPv6Header.size + 65_535
    private static let pageSize = 4096
    /// Each slot begins a page, so that pages which no packet reached cost no memory. (To shift slots by some cache lines, so
    /// that headers do not compete for the same ones, was tried and gained nothing.)
    private static let stride = (room + pageSize - 1) / pageSize * pageSize

    let count: Int
    let records: UnsafeMutablePointer<SlotRecord>
    private let memory: UnsafeMutableRawPointer
    /// The free slot to be taken next, or -1.
    private var firstFree: Int32

    init(count: Int) {
        self.count = count
        // Not initialized on purpose: every page that is touched counts.
        memory = .allocate(byteCount: count * Self.stride, alignment: Self.pageSize)
        records = .allocate(capacity: count)
        records.initialize(repeating: SlotRecord(), count: count)
        for index in 0..<count - 1 { records[index].next = Int32(index + 1) }
        firstFree = 0
    }

    deinit {
        records.deallocate()
        memory.deallocate()
    }

    /// Where the bytes of a slot are.
    func address(of slot: Int32) -> UnsafeMutableRawPointer {
        memory + Int(slot) &* Self.stride
    }

    /// A free slot, which is then being filled.
    mutating func take() -> Int32? {
        let slot = firstFree
        guard slot >= 0 else { return nil }
        firstFree = records[Int(slot)].next
        records[Int(slot)].state = .filling
        return slot
    }

    mutating func giveBack(_ slot: Int32) {
        records[Int(slot)].state = .free
        records[Int(slot)].next = firstFree
        firstFree = slot
    }
}
