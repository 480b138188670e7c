import Glibc
import Testing
import Wire

@testable import System

@Suite struct HandoverRingTests {
    private static let path = Path(
        remote: Endpoint(address: IPv6Address(high: 7, low: 8), port: 9, scope: 10),
        local: IPv6Address(high: 1, low: 2),
        interface: 3, socket: 4)

    private func write(_ bytes: [UInt8], _ kind: UInt8 = 1, into ring: HandoverRing) -> Bool {
        bytes.withUnsafeBytes { ring.write($0, kind: kind, path: Self.path, trafficClass: 5) }
    }

    @Test func recordsComeOutAsTheyWentIn() throws {
        let ring = HandoverRing(bytes: 4096)
        #expect(ring.next() == nil && !ring.release())
        #expect(write([1, 2, 3], 7, into: ring))
        #expect(write([], 8, into: ring))
        let barrier = ring.written
        let first = try #require(ring.next())
        #expect(Array(first.bytes) == [1, 2, 3] && first.kind == 7 && first.trafficClass == 5)
        #expect(first.path == Self.path)
        let second = try #require(ring.next())
        #expect(second.bytes.isEmpty && second.kind == 8)
        #expect(ring.next() == nil)
        // Read is not released: the reader may still work on it.
        #expect(!ring.isReleased(through: barrier))
        #expect(ring.release() && !ring.release())
        #expect(ring.isReleased(through: barrier))
    }

    @Test func isBoundedUntilReleased() throws {
        let ring = HandoverRing(bytes: 4096)
        var fitted = 0
        while write([UInt8](repeating: UInt8(fitted), count: 400), into: ring) { fitted += 1 }
        #expect((7...10).contains(fitted))
        #expect(ring.refused == 1)
        let first = try #require(ring.next())
        #expect(!write([UInt8](repeating: 0, count: 400), into: ring), "what is read is not free yet")
        #expect(first.bytes.allSatisfy { $0 == 0 } && ring.release())
        #expect(!write([UInt8](repeating: 0, count: 4096), into: ring), "larger than the ring")
        for place in 1..<fitted {
            let record = try #require(ring.next())
            #expect(record.bytes.count == 400 && record.bytes.allSatisfy { $0 == UInt8(place) })
        }
    }

    /// Every length goes around the end, at every place.
    @Test func nothingIsAlteredAtTheEndOfTheMemory() throws {
        let ring = HandoverRing(bytes: 4096)
        for turn in 0..<5000 {
            let sent = [UInt8](repeating: UInt8(turn % 251), count: (turn * 37) % 700)
            try #require(write(sent, UInt8(turn % 6), into: ring), "turn \(turn)")
            let record = try #require(ring.next(), "turn \(turn)")
            #expect(Array(record.bytes) == sent && record.kind == UInt8(turn % 6))
            #expect(ring.release())
        }
    }

    @Test func twoThreadsLoseAndMixUpNothing() throws {
        let ring = HandoverRing(bytes: 1 << 14)
        let count = 50_000
        let writer = DetachedThread.start {
            var sent = 0
            while sent < count {
                let value = UInt64(sent)
                let length = 8 + sent % 300
                var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: sent), count: length)
                withUnsafeBytes(of: value) { bytes.replaceSubrange(0..<8, with: $0) }
                if bytes.withUnsafeBytes({ ring.write($0, kind: 2) }) { sent += 1 } else { sched_yield() }
            }
        }
        #expect(writer == 0)
        var expected: UInt64 = 0
        var faults = 0
        while expected < UInt64(count) {
            var taken = 0
            while taken < 10, let record = ring.next() {
                let isRight =
                    record.bytes.count == 8 + Int(expected) % 300
                    && record.bytes.loadUnaligned(as: UInt64.self) == expected
                    && record.bytes[8...].allSatisfy { $0 == UInt8(truncatingIfNeeded: expected) }
                if !isRight { faults += 1 }
                expected += 1
                taken += 1
            }
            if !ring.release() { sched_yield() }
        }
        #expect(faults == 0)
    }
}
