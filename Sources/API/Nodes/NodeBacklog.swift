internal import NIOCore

/// Deliveries that the connection has taken over, put together to writes of a fair size.
struct NodeBacklog {
    /// Bytes of one write. A single message may be a few times smaller or, as frames come whole, somewhat larger.
    static let writeSize = 256 << 10

    private let deliveries: NodeDeliveries
    private var taken: [[UInt8]] = []
    /// Where the frames of `taken` begin that are not written yet.
    private var next = 0

    init(_ deliveries: NodeDeliveries) { self.deliveries = deliveries }

    /// The bytes to write now; nil when nothing waits. They count until `deliveries` is told that they are written.
    mutating func write(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        if next == taken.count {
            taken = deliveries.take()
            next = 0
            if taken.isEmpty { return nil }
        }
        var end = next
        var count = 0
        while end < taken.count, count == 0 || count + taken[end].count <= Self.writeSize {
            count += taken[end].count
            end += 1
        }
        var bytes = allocator.buffer(capacity: count)
        for frames in taken[next..<end] { bytes.writeBytes(frames) }
        next = end
        return bytes
    }

    mutating func clear() { (taken, next) = ([], 0) }
}
