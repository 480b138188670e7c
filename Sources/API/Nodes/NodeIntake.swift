internal import NIOCore

/// Puts the pieces that reads give together again: holds the beginning of a frame whose rest has not come.
struct NodeIntake {
    private var unread = ByteBuffer()

    /// What there is to look at, now that `bytes` have come; the rest of it is to be kept.
    mutating func join(_ bytes: ByteBuffer) -> (all: ByteBuffer, isFresh: Bool) {
        guard unread.readableBytes > 0 else { return (bytes, true) }
        var all = ByteBuffer()
        swap(&all, &unread)
        all.writeImmutableBuffer(bytes)
        return (all, false)
    }

    /// Keeps what is left. It is copied out of the read's buffer once, with room for its whole frame, so that neither a
    /// large buffer is held for a few bytes nor every further byte copies what is there.
    mutating func keep(_ rest: ByteBuffer, mustCopy: Bool, _ allocator: ByteBufferAllocator) {
        guard rest.readableBytes > 0 else { return }
        guard mustCopy else {
            unread = rest
            return
        }
        let length = rest.getInteger(at: rest.readerIndex, as: UInt32.self).map(Int.init) ?? 0
        unread = allocator.buffer(capacity: max(rest.readableBytes, APIFrame.lengthCount + length))
        unread.writeImmutableBuffer(rest)
    }

    mutating func clear() { unread = ByteBuffer() }
}
