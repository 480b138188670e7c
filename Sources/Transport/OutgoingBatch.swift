internal import System
package import Wire

/// Memory for datagrams on their way out, made once: payloads one behind the other in an arena, and a record
/// for each. What the socket does not take stays, so the batch is also the bounded rest of a full socket.
///
/// In turns: `reserve`, write, `commit`, again and again; `flush` at the end of the burst. All records of a
/// batch go through the port it is flushed through.
package final class OutgoingBatch {
    private let arena: UnsafeMutableRawBufferPointer
    private let records: UnsafeMutableBufferPointer<OutgoingDatagram>
    /// Bytes of the arena in use.
    private var used = 0
    /// Records written, and how many of these are dealt with.
    private var written = 0
    private var done = 0

    /// Room for `datagrams` records, and `bytes` of payload in all.
    package init(datagrams: Int = 256, bytes: Int = 1 << 19) {
        precondition(datagrams > 0 && bytes > 0, "a batch needs room for a datagram")
        arena = .allocate(byteCount: bytes, alignment: 64)
        arena.initializeMemory(as: UInt8.self, repeating: 0)
        records = .allocate(capacity: datagrams)
        records.initialize(
            repeating: OutgoingDatagram(
                bytes: UnsafeRawBufferPointer(start: nil, count: 0),
                path: Path(remote: Endpoint(address: .unspecified, port: 0))))
    }

    deinit {
        arena.deallocate()
        records.deallocate()
    }

    /// Datagrams that wait to be sent.
    package var pending: Int { written - done }

    /// Memory for a datagram of at most `count` bytes, or nil when the batch is full: flush it, or drop the
    /// datagram and count it. Nothing is taken until `commit`; records dealt with are forgotten.
    package func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        if done == written { discard() }
        guard written < records.count, count >= 0, count <= arena.count - used else { return nil }
        return UnsafeMutableRawBufferPointer(rebasing: arena[used..<used + count])
    }

    /// Takes the first `count` bytes of what was reserved last as a datagram for `path`, or as several of `segment` bytes.
    package func commit(_ count: Int, to path: Path, segment: Int = 0, trafficClass: UInt8 = 0) {
        precondition(written < records.count && count >= 0 && count <= arena.count - used, "commit without reserve")
        records[written] = OutgoingDatagram(
            bytes: UnsafeRawBufferPointer(rebasing: arena[used..<used + count]), path: path, segment: segment,
            trafficClass: trafficClass)
        written += 1
        used += count
    }

    /// Sends what waits. The records that were dealt with, `completed`, can be read through the subscript
    /// until the next `reserve`.
    package func flush(through port: some DatagramPort) throws(TransportError) -> (completed: Range<Int>, SendProgress)
    {
        let first = done
        let progress = try port.send(UnsafeMutableBufferPointer(rebasing: records[done..<written]))
        done += progress.done
        return (first..<done, progress)
    }

    /// A record, to learn what became of it.
    package subscript(index: Int) -> OutgoingDatagram {
        precondition(index >= 0 && index < written, "no such record")
        return records[index]
    }

    /// Drops what waits. Gives how many datagrams that were.
    @discardableResult
    package func discard() -> Int {
        let dropped = pending
        used = 0
        written = 0
        done = 0
        return dropped
    }
}
