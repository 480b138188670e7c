internal import DequeModule
internal import Wire

/// Frames that wait for a session's keys or route: bounded in frames, bytes and time.
struct PendingQueue {
    struct Entry {
        let frame: [UInt8]
        let queued: Instant
    }

    private var entries: Deque<Entry> = []
    private(set) var bytes = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var oldest: Instant { entries.first?.queued ?? .distantFuture }

    func hasRoom(for count: Int, _ limits: MeshLimits) -> Bool {
        entries.count < limits.pendingFrames && bytes + count <= limits.pendingBytes
    }

    /// Copies a frame given as its kind and body. The caller has asked `hasRoom`.
    mutating func append(kind: FrameKind, _ body: UnsafeRawBufferPointer, _ now: Instant) {
        var frame: [UInt8] = []
        frame.reserveCapacity(1 + body.count)
        frame.append(kind.rawValue)
        frame.append(contentsOf: body)
        bytes += frame.count
        entries.append(Entry(frame: frame, queued: now))
    }

    mutating func popFirst() -> Entry? {
        guard let entry = entries.popFirst() else { return nil }
        bytes -= entry.frame.count
        return entry
    }
}
