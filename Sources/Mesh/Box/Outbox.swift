package import Wire

/// What a box wants sent: datagrams that lie one behind the other in one arena, in order. The driver sends them all and
/// empties the outbox after each burst; nothing is allocated in between.
///
/// Neighbours of one size on one path make up a run, which a driver may hand to the kernel as a whole.
package final class Outbox {
    /// One datagram or several of the same path, one behind the other.
    package struct Run: Sendable {
        /// Where it starts in the arena, in bytes.
        package let offset: Int
        /// The length of all its datagrams together, in bytes.
        package internal(set) var count: Int
        /// The length of each datagram; the last may be shorter.
        package let segment: Int
        package let path: Path
        /// DSCP and ECN for its packets (RFC 2474, RFC 3168).
        package let trafficClass: UInt8

        package var datagrams: Int { (count + segment - 1) / segment }
    }

    package struct Datagram: Sendable {
        /// Where it starts in the arena, in bytes.
        package let offset: Int
        /// Its length in bytes.
        package let count: Int
        package let path: Path
    }

    /// The bytes of all datagrams.
    package let arena: UnsafeMutableRawBufferPointer
    /// In the order in which they are to be sent.
    package private(set) var runs: [Run] = []
    /// How many datagrams there are.
    package private(set) var datagramCount = 0
    /// What datagrams get that are committed from now on.
    var trafficClass: UInt8 = 0
    private var used = 0
    private let maximum: Int
    private var aside: UnsafeMutableRawBufferPointer?

    /// What the kernel takes at once (UDP_SEGMENT): so many datagrams, and an IP packet's worth of bytes.
    fileprivate static let segmentsPerRun = 64
    fileprivate static let bytesPerRun = 65_000

    private static let cached = 128 << 10

    init(bytes: Int, datagrams: Int) {
        arena = .allocate(byteCount: bytes, alignment: 64)
        maximum = datagrams
        runs.reserveCapacity(datagrams)
    }

    deinit {
        arena.deallocate()
        aside?.deallocate()
    }

    package var isEmpty: Bool { runs.isEmpty }

    /// The driver flushes before it hands in more: half full, or more than stays in the processor's cache until it is sent.
    package var wantsFlush: Bool { used > min(arena.count / 2, Self.cached) || datagramCount > maximum / 2 }

    /// The run's bytes, good until `removeAll`.
    @inline(__always)
    package func bytes(of run: Run) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: arena[run.offset..<run.offset + run.count])
    }

    /// The datagrams one by one.
    package var datagrams: [Datagram] {
        runs.flatMap { run in
            stride(from: 0, to: run.count, by: run.segment).map { start in
                Datagram(
                    offset: run.offset + start, count: min(run.segment, run.count - start), path: run.path)
            }
        }
    }

    /// The datagram's bytes, good until `removeAll`.
    package func bytes(of datagram: Datagram) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: arena[datagram.offset..<datagram.offset + datagram.count])
    }

    /// Forgets everything; the arena is used from its start again.
    package func removeAll() {
        runs.removeAll(keepingCapacity: true)
        datagramCount = 0
        used = 0
    }

    /// Room for `count` bytes, or nil when the burst is full. Nothing is taken until `commit`.
    @inline(__always)
    func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
        guard used + count <= arena.count, datagramCount < maximum else { return nil }
        return arena.baseAddress! + used
    }

    /// Takes the first `count` bytes, at least one, of what was reserved last.
    @inline(__always)
    func commit(_ count: Int, _ path: Path) {
        let last = runs.count - 1
        if last >= 0, runs[last].takes(count, path, trafficClass) {
            runs[last].count += count
        } else {
            runs.append(Run(offset: used, count: count, segment: count, path: path, trafficClass: trafficClass))
        }
        datagramCount += 1
        used += count
    }

    /// Where a frame that will be cut into pieces is put together first; nil where it is too large for any.
    func room(aside count: Int) -> UnsafeMutableRawPointer? {
        guard count <= Reassembler.frameCapacity else { return nil }
        if aside == nil { aside = .allocate(byteCount: Reassembler.frameCapacity, alignment: 16) }
        return aside?.baseAddress
    }

    /// Copies a datagram in. False when the burst is full.
    func append(_ bytes: [UInt8], _ path: Path) -> Bool {
        guard let target = reserve(bytes.count) else { return false }
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        commit(bytes.count, path)
        return true
    }
}

extension Outbox.Run {
    /// Whether a datagram of `next` bytes may join: after a shorter one nothing does.
    @inline(__always)
    fileprivate func takes(_ next: Int, _ path: Path, _ trafficClass: UInt8) -> Bool {
        next <= segment && count + next <= Outbox.bytesPerRun && count % segment == 0
            && count < segment * Outbox.segmentsPerRun && trafficClass == self.trafficClass
            && path == self.path
    }
}
