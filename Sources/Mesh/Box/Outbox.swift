public import Wire

/// What a box wants sent: datagrams that lie one behind the other in one arena, in order. The driver sends them all and
/// empties the outbox after each burst; nothing is allocated in between.
public final class Outbox {
    public struct Datagram: Sendable {
        /// Where it starts in the arena, in bytes.
        public let offset: Int
        /// Its length in bytes.
        public let count: Int
        public let path: Path
    }

    /// The bytes of all datagrams.
    public let arena: UnsafeMutableRawBufferPointer
    /// In the order in which they are to be sent.
    public private(set) var datagrams: [Datagram] = []
    private var used = 0
    private let maximum: Int

    init(bytes: Int, datagrams: Int) {
        arena = .allocate(byteCount: bytes, alignment: 64)
        maximum = datagrams
        self.datagrams.reserveCapacity(datagrams)
    }

    deinit { arena.deallocate() }

    public var isEmpty: Bool { datagrams.isEmpty }

    /// More than half full: the driver flushes before it hands in more.
    public var wantsFlush: Bool { used > arena.count / 2 || datagrams.count > maximum / 2 }

    /// The datagram's bytes, good until `removeAll`.
    public func bytes(of datagram: Datagram) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: arena[datagram.offset..<datagram.offset + datagram.count])
    }

    /// Forgets everything; the arena is used from its start again.
    public func removeAll() {
        datagrams.removeAll(keepingCapacity: true)
        used = 0
    }

    /// Room for `count` bytes, or nil when the burst is full. Nothing is taken until `commit`.
    @inline(__always)
    func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
        guard used + count <= arena.count, datagrams.count < maximum else { return nil }
        return arena.baseAddress! + used
    }

    /// Takes the first `count` bytes of what was reserved last.
    @inline(__always)
    func commit(_ count: Int, _ path: Path) {
        datagrams.append(Datagram(offset: used, count: count, path: path))
        used += count
    }

    /// Copies a datagram in. False when the burst is full.
    func append(_ bytes: [UInt8], _ path: Path) -> Bool {
        guard let target = reserve(bytes.count) else { return false }
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        commit(bytes.count, path)
        return true
    }
}
