internal import CLinux
internal import Wire

/// Memory for a burst of received datagrams, made once: as many slots as cross in one system call, each of
/// the same size.
public final class DatagramBatch {
    /// Datagrams taken per system call.
    public static let capacity = Int(CLINUX_BATCH)
    /// Slots may have 2^11 to 2^16 bytes: any UDP datagram fits into the largest.
    public static let slotSizes = 1 << 11...1 << 16

    /// Bytes per slot; a longer datagram is dropped and counted.
    public let slotSize: Int
    @usableFromInline var filled = 0
    @usableFromInline let datagrams: UnsafeMutablePointer<IncomingDatagram>
    private let slab: UnsafeMutableRawPointer
    let records: UnsafeMutablePointer<clinux_datagram>

    /// `slotSize`: a power of two in `slotSizes`, so that no slot straddles more cache lines or pages than it must.
    public init(slotSize: Int = 1 << 11) {
        precondition(
            Self.slotSizes.contains(slotSize) && slotSize.nonzeroBitCount == 1, "a slot has 2^11 to 2^16 bytes")
        self.slotSize = slotSize
        slab = .allocate(byteCount: slotSize * Self.capacity, alignment: 4096)
        slab.initializeMemory(as: UInt8.self, repeating: 0, count: slotSize * Self.capacity)
        records = .allocate(capacity: Self.capacity)
        records.initialize(repeating: clinux_datagram(), count: Self.capacity)
        datagrams = .allocate(capacity: Self.capacity)
        let nothing = IncomingDatagram(
            bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0),
            path: Path(remote: Endpoint(address: .unspecified, port: 0)))
        datagrams.initialize(repeating: nothing, count: Self.capacity)
    }

    deinit {
        slab.deallocate()
        records.deallocate()
        datagrams.deallocate()
    }

    /// How many datagrams the last receive gave.
    @inlinable
    public var count: Int { filled }

    /// A datagram of the last receive, valid until the next.
    @inlinable
    public subscript(index: Int) -> IncomingDatagram {
        precondition(index >= 0 && index < filled, "no such datagram in the batch")
        return datagrams[index]
    }

    /// Points every record at its slot, whole.
    func prepare() {
        filled = 0
        for index in 0..<Self.capacity {
            records[index].bytes = slab + index * slotSize
            records[index].length = slotSize
        }
    }

    /// Takes over what the kernel wrote into the first `received` records, without the truncated ones.
    /// Gives the bytes of what is left.
    func accept(_ received: Int, socket: UInt16) -> Int {
        var bytes = 0
        for index in 0..<received {
            let record = records[index]
            if record.truncated { continue }
            datagrams[filled] = IncomingDatagram(
                bytes: UnsafeMutableRawBufferPointer(start: record.bytes, count: record.length),
                path: Path(
                    remote: Endpoint(
                        address: IPv6Address(high: record.remote_high, low: record.remote_low),
                        port: record.remote_port, scope: record.remote_scope),
                    local: IPv6Address(high: record.local_high, low: record.local_low),
                    interface: record.interface, socket: socket))
            filled += 1
            bytes += record.length
        }
        return bytes
    }
}
