internal import Synchronization
package import Wire

/// Datagrams and packets on their way from one thread to another: a bounded ring of bytes with one writer and one reader.
/// What is written is copied once; the reader works on it where it lies, for as long as it likes, and gives it back with
/// `release`. Nothing is allocated after `init`, and nobody waits.
///
///     written ----------+          +---------- released
///                       v          v
///     | free ........ [head][bytes][head][bytes][skip]|
///
/// Positions count bytes and never fall, so the writer can ask whether the reader is through with a certain record.
package final class HandoverRing: @unchecked Sendable {
    /// A record as the reader sees it; valid until `release`.
    package struct Record {
        /// Writable, so that it can be opened in place.
        package let bytes: UnsafeMutableRawBufferPointer
        /// The writer's word for what it is.
        package let kind: UInt8
        package let trafficClass: UInt8
        package let path: Path
    }

    private struct Head {
        var count: Int
        var path: Path
        var kind: UInt8
        var trafficClass: UInt8
    }

    private static let alignment = 16
    private static let headSize = (MemoryLayout<Head>.size + alignment - 1) / alignment * alignment
    /// Stands where the rest of the memory, before its end, is left out.
    private static let skip: UInt8 = 255
    private static let nowhere = Path(remote: Endpoint(address: .unspecified, port: 0))

    private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    /// The writer's own.
    package private(set) var written = 0
    /// How many records found no room.
    package private(set) var refused: UInt64 = 0
    /// The reader's own.
    private var read = 0

    /// `bytes`: a power of two.
    package init(bytes: Int) {
        precondition(bytes >= 1 << 12 && bytes.nonzeroBitCount == 1, "a ring has a power of two, 4 KB or more")
        capacity = bytes
        memory = .allocate(byteCount: bytes, alignment: 64)
    }

    deinit { memory.deallocate() }

    // MARK: The writer's side

    /// Copies a record in. False, and counted, when there is no room.
    package func write(
        _ bytes: UnsafeRawBufferPointer, kind: UInt8, path: Path? = nil, trafficClass: UInt8 = 0
    ) -> Bool {
        precondition(kind != Self.skip, "the ring's own mark")
        let size = Self.headSize + (bytes.count + Self.alignment - 1) / Self.alignment * Self.alignment
        let place = written & (capacity - 1)
        let rest = capacity - place
        // A record lies in one piece.
        let left = size <= rest ? 0 : rest
        guard written + left + size - tail.load(ordering: .acquiring) <= capacity else {
            refused += 1
            return false
        }
        if left >= Self.headSize {
            put(Head(count: 0, path: Self.nowhere, kind: Self.skip, trafficClass: 0), at: place)
        }
        let start = (written + left) & (capacity - 1)
        put(Head(count: bytes.count, path: path ?? Self.nowhere, kind: kind, trafficClass: trafficClass), at: start)
        if let base = bytes.baseAddress {
            (memory + start + Self.headSize).copyMemory(from: base, byteCount: bytes.count)
        }
        written += left + size
        head.store(written, ordering: .releasing)
        return true
    }

    /// Whether the reader is through with everything before this position.
    package func isReleased(through position: Int) -> Bool { tail.load(ordering: .acquiring) >= position }

    // MARK: The reader's side

    /// The next record; nil when there is none.
    package func next() -> Record? {
        let end = head.load(ordering: .acquiring)
        while read < end {
            let place = read & (capacity - 1)
            let rest = capacity - place
            guard rest >= Self.headSize else {
                read += rest
                continue
            }
            let head = (memory + place).assumingMemoryBound(to: Head.self).pointee
            guard head.kind != Self.skip else {
                read += rest
                continue
            }
            read += Self.headSize + (head.count + Self.alignment - 1) / Self.alignment * Self.alignment
            return Record(
                bytes: UnsafeMutableRawBufferPointer(start: memory + place + Self.headSize, count: head.count),
                kind: head.kind, trafficClass: head.trafficClass, path: head.path)
        }
        return nil
    }

    /// Gives back what `next` gave so far. False when that is nothing.
    package func release() -> Bool {
        guard tail.load(ordering: .relaxed) < read else { return false }
        tail.store(read, ordering: .releasing)
        return true
    }

    private func put(_ head: Head, at place: Int) {
        (memory + place).assumingMemoryBound(to: Head.self).initialize(to: head)
    }
}
