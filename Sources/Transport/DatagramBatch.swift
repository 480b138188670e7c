internal import CLinux
package import Wire

/// Memory for a burst of received datagrams, made once: so many slots, each of the same size. A slot may hold several
/// datagrams of one sender that the kernel has joined.
package final class DatagramBatch {
    /// The most slots filled per system call.
    package static let capacity = Int(CLINUX_BATCH)
    /// Slots may have 2^11 to 2^16 bytes: any UDP datagram fits into the largest.
    package static let slotSizes = 1 << 11...1 << 16

    /// Bytes per slot; a longer datagram is dropped and counted.
    package let slotSize: Int
    package let slots: Int
    /// How many of the slots the next receive fills: as many as `burst` bytes will need, going by the last one.
    private(set) var limit: Int
    private let burst: Int
    @usableFromInline var filled = 0
    @usableFromInline let datagrams: UnsafeMutablePointer<IncomingDatagram>
    private let slab: UnsafeMutableRawPointer
    let records: UnsafeMutablePointer<clinux_datagram>
    private let room: Int

    /// From one slot to the next, in bytes: those of 64 KB would all want the same few places in the processor's caches.
    private let stride: Int

    /// `slotSize`: a power of two in `slotSizes`, so that no slot straddles more cache lines or pages than it must.
    /// `burst`: bytes that one receive is to give at most, about: what stays in the cache until it is handled. Where the
    /// kernel joins nothing all slots together hold less than that.
    package init(slotSize: Int = 1 << 11, slots: Int = DatagramBatch.capacity, burst: Int = .max) {
        precondition(
            Self.slotSizes.contains(slotSize) && slotSize.nonzeroBitCount == 1, "a slot has 2^11 to 2^16 bytes")
        precondition((1...Self.capacity).contains(slots), "a batch has 1 to \(Self.capacity) slots")
        self.slotSize = slotSize
        self.slots = slots
        self.burst = burst
        limit = min(slots, max(1, burst / slotSize))
        stride = slotSize < Self.slotSizes.upperBound ? slotSize : slotSize + 4096
        // Pages that no datagram was long enough for are never touched.
        slab = .allocate(byteCount: stride * slots, alignment: 4096)
        records = .allocate(capacity: slots)
        records.initialize(repeating: clinux_datagram(), count: slots)
        // What the kernel joins is at most so many, each of a byte or more.
        room = slots * Self.joined
        datagrams = .allocate(capacity: room)
        let nothing = IncomingDatagram(
            bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0),
            path: Path(remote: Endpoint(address: .unspecified, port: 0)))
        datagrams.initialize(repeating: nothing, count: room)
    }

    /// Datagrams that the kernel joins into one at most (UDP_GRO_CNT_MAX).
    private static let joined = 64

    deinit {
        slab.deallocate()
        records.deallocate()
        datagrams.deallocate()
    }

    /// How many datagrams the last receive gave.
    @inlinable
    package var count: Int { filled }

    /// Whether the last receive filled every slot: more may be waiting.
    package private(set) var isFull = false

    /// A datagram of the last receive, valid until the next.
    @inlinable
    package subscript(index: Int) -> IncomingDatagram {
        precondition(index >= 0 && index < filled, "no such datagram in the batch")
        return datagrams[index]
    }

    /// Points every record at its slot, whole.
    func prepare() {
        filled = 0
        isFull = false
        for index in 0..<limit {
            records[index].bytes = slab + index * stride
            records[index].length = slotSize
        }
    }

    /// Puts one datagram into the next slot, as a port does that is no socket. False when there is no room left, or not so much.
    package func put(_ bytes: UnsafeRawBufferPointer, path: Path, trafficClass: UInt8 = 0) -> Bool {
        guard filled < slots, bytes.count <= slotSize else { return false }
        let slot = UnsafeMutableRawBufferPointer(start: slab + filled * stride, count: bytes.count)
        slot.copyMemory(from: bytes)
        datagrams[filled] = IncomingDatagram(bytes: slot, path: path, trafficClass: trafficClass)
        filled += 1
        isFull = filled == slots
        return true
    }

    /// Forgets what it holds.
    package func clear() {
        filled = 0
        isFull = false
    }

    /// Takes over what the kernel wrote into the first `received` records, without the truncated ones.
    /// Gives the bytes of what is left, and how many records were truncated.
    func accept(_ received: Int, socket: UInt16) -> (bytes: Int, truncated: Int) {
        var bytes = 0
        var truncated = 0
        isFull = received == limit
        for index in 0..<received {
            let record = records[index]
            if record.truncated {
                truncated += 1
                continue
            }
            guard let start = record.bytes else { continue }
            let path = Path(
                remote: Endpoint(
                    address: IPv6Address(high: record.remote_high, low: record.remote_low),
                    port: record.remote_port, scope: record.remote_scope),
                local: IPv6Address(high: record.local_high, low: record.local_low),
                interface: record.interface, socket: socket)
            bytes += record.length
            // An empty datagram is one too.
            let size = record.segment == 0 ? record.length : Int(record.segment)
            var offset = 0
            repeat {
                guard filled < room else { break }
                let count = min(size, record.length - offset)
                datagrams[filled] = IncomingDatagram(
                    bytes: UnsafeMutableRawBufferPointer(start: start + offset, count: count), path: path,
                    trafficClass: record.traffic_class)
                filled += 1
                offset += count
            } while offset < record.length
        }
        if received > 0 { limit = min(slots, max(1, burst / max(1, bytes / received))) }
        return (bytes, truncated)
    }
}
