import Glibc
import INET256
import System
import TestSupport
import Testing
import Wire

@testable import DataPlane
@testable import Mesh
@testable import Portal
@testable import Transport

/// What a worker has touched of its memory: slots for packets of the portal (17 MB in all) and for datagrams (4 MB).
@Suite struct WorkerMemoryTests {
    private static let packets = 100

    /// Both pools take a page from the kernel when the first packet is put there, and no sooner.
    @Test func aNewWorkerHasTouchedNone() throws {
        let heap = try FreshHeap()
        let place = try Self.place()
        let (queue, batch) = (try Self.touchedByQueue(place), try Self.touchedByBatch(place))
        #expect(queue == 0 && batch == 0, "\(queue) and \(batch) bytes")
        withExtendedLifetime(heap) {}
    }

    @Test func aStreamsMemoryGoesBackInTheSilenceAfterIt() throws {
        let heap = try FreshHeap()
        defer { withExtendedLifetime(heap) {} }
        let place = try Self.place()
        let worker = place.worker
        let start = BootClock.now()
        _ = worker.rest(start + .seconds(60))
        place.device.send((0..<Self.packets).map { _ in [UInt8](repeating: 0x60, count: 8_000) })
        try worker.readPortal(start)
        #expect(!worker.rest(start + .seconds(3600)), "what waits is in that memory")
        try worker.sendQueued(place, start)
        while !worker.queue.isEmpty { try worker.sendQueued(place, start) }
        worker.batch.clear()
        Self.bytes.withUnsafeBytes { while worker.batch.put($0, path: Self.path) {} }
        #expect(try Self.touchedByQueue(place) > 1 << 19 && Self.touchedByBatch(place) > 1 << 20)
        let slots = (0..<worker.queue.pool.count).map { worker.queue.pool.address(of: Int32($0)) }
        let counters = worker.queueCounters
        #expect(counters.enqueued == UInt64(Self.packets))

        worker.beginTurn()
        let silent = worker.restDue
        #expect(!worker.rest(silent - .milliseconds(1)) && worker.rest(silent))
        #expect(try Self.touchedByQueue(place) == 0 && Self.touchedByBatch(place) == 0)
        #expect(try slots.allSatisfy { try Self.touched($0, PortalQueue.slotSize) == 0 }, "the old ones are gone")
        #expect(worker.queueCounters == counters && worker.restDue == .distantFuture)
        #expect(!worker.rest(silent + .seconds(3600)), "once in a silence")
    }

    /// Two megabytes for every port, of which most never have to wait.
    @Test func onlyAPortThatTakesNoMoreHasRoomForWhatWaits() throws {
        let port = CapturingPort()
        let line = PortLine(port, configured: port.facts.bound)
        let outbox = Outbox(bytes: 1 << 16, datagrams: 16)
        #expect(outbox.append([1], Self.path))
        try line.send(outbox, place: 0, chosen: { _ in 0 }, box: Nobody(), now: BootClock.now())
        #expect(line.waiting == nil)
        port.room = 0
        try line.send(outbox, place: 0, chosen: { _ in 0 }, box: Nobody(), now: BootClock.now())
        line.rest()
        #expect(line.waiting?.pending == 1, "what waits is kept")
        port.room = .max
        try line.resume(box: Nobody(), now: BootClock.now())
        line.rest()
        #expect(line.waiting == nil && port.sent.count == 2)
    }

    // MARK: What there is

    private static let bytes = [UInt8](repeating: 1, count: 60_000)
    private static let path = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 1), port: 1))

    private static func place() throws -> PortalPlace {
        // As the program does it.
        ResidentMemory.settle()
        return try PortalPlace(0, PortalWorld.keys(1)[0], offloads: [], now: BootClock.now()) { _ in }
    }

    private static func touchedByQueue(_ place: PortalPlace) throws -> Int {
        let worker = place.worker
        return try (0..<worker.queue.pool.count).reduce(0) { sum, slot in
            try sum + touched(worker.queue.pool.address(of: Int32(slot)), PortalQueue.slotSize)
        }
    }

    private static func touchedByBatch(_ place: PortalPlace) throws -> Int {
        let batch = place.worker.batch
        batch.clear()
        // Nothing is put into each: that touches none, and says where it is.
        while batch.put(UnsafeRawBufferPointer(start: nil, count: 0), path: path) {}
        defer { batch.clear() }
        return try (0..<batch.count).reduce(0) { sum, slot in
            try sum + touched(#require(batch[slot].bytes.baseAddress), batch.slotSize)
        }
    }

    /// Bytes of the pages from `start` on that the kernel has given the process memory for (proc(5), pagemap).
    private static func touched(_ start: UnsafeMutableRawPointer, _ count: Int) throws -> Int {
        let page = Int(getpagesize())
        let first = Int(bitPattern: start) / page
        let pages = (count + page - 1) / page
        let map = open("/proc/self/pagemap", O_RDONLY)
        try #require(map >= 0)
        defer { close(map) }
        var entries = [UInt64](repeating: 0, count: pages)
        let size = pages * MemoryLayout<UInt64>.size
        try #require(pread(map, &entries, size, off_t(first * MemoryLayout<UInt64>.size)) == size)
        return entries.count { $0 >> 63 == 1 } * page
    }
}

/// A heap in which no room is left for a block that is to be mapped by itself, as at the program's start: what other tests have touched and
/// left free is taken, as long as this lives. The heap of a thread is not trimmed at its end, so giving back does not do.
private final class FreshHeap {
    private var held: [UnsafeMutableRawPointer] = []

    init() throws {
        ResidentMemory.settle()
        ResidentMemory.giveBack()
        var size = 32 << 20
        while size >= ResidentMemory.mappedBlock {
            let block = try #require(malloc(size))
            held.append(block)
            if Self.isMapped(block) { size /= 2 }
        }
    }

    /// Whether a block is outside of the heap: the second bit of what glibc keeps before it (malloc.c, IS_MMAPPED).
    private static func isMapped(_ block: UnsafeMutableRawPointer) -> Bool {
        (block - MemoryLayout<Int>.size).load(as: Int.self) & 2 != 0
    }

    deinit { for block in held { free(block) } }
}

private struct Nobody: PathReports {
    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) {}
    func opened(_ path: Path, now: Instant) {}
    func closed(_ path: Path, now: Instant) {}
}
