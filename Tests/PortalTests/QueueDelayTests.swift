import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct QueueDelayTests {
    /// Every packet has the fate that the RFC's own program gives it, over arrivals that come and go and a rate of
    /// departure that changes, with none, some and all of the packets willing to be marked.
    @Test(arguments: 0..<12)
    func everyPacketFaresAsInTheRFC(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let slots = 2000
        let queue = TestQueue(seed: 9, slots: slots)
        var literal = LiteralCoDel()
        var now: Int64 = 5_000_000_000
        var number = 0
        var received: [Int] = []
        var expected: [Int] = []
        var load = 1.0
        for step in 0..<40_000 {
            if step % 1000 == 0 { load = Double.random(in: 0.2...1.6, using: &random) }
            now += Int64.random(in: 0..<1_000_000, using: &random)
            let arrivals = Double.random(in: 0..<1, using: &random) * 2 * load
            for _ in 0..<Int(arrivals.rounded()) {
                let size = Int.random(in: NumberedPacket.smallest...1490, using: &random)
                let isCapable = seed % 3 == 1 && Bool.random(using: &random) || seed % 3 == 2
                let packet = NumberedPacket(
                    flow: 1, number: number, size: size, ecn: isCapable ? ECN.capable0 : ECN.notCapable)
                guard queue.put(packet, now: Instant(nanoseconds: now)) else { continue }
                literal.enqueue(
                    .init(number: number, bytes: size + queueHeaderCount, tstamp: now, isCapable: isCapable))
                number += 1
            }
            let packet = try queue.get(now: Instant(nanoseconds: now))
            let other = literal.dequeue(now)
            try #require(packet?.number == other?.number, "seed \(seed), step \(step)")
            try #require(queue.count == literal.queue.count, "seed \(seed), step \(step)")
            if let packet { received.append(packet.number) }
            if let packet, let other, literal.marked.last == other.number { expected.append(packet.number) }
            #expect((packet?.ecn == ECN.congested) == (literal.marked.last == other?.number && other != nil))
        }
        #expect(Int(queue.counters.droppedLate) == literal.dropped.count)
        #expect(Int(queue.counters.marked) == literal.marked.count)
        #expect(expected == literal.marked)
        #expect(literal.dropped.count + literal.marked.count > 100, "the test has shown something")
        #expect((seed % 3 == 0) == literal.marked.isEmpty && (seed % 3 == 2) == literal.dropped.isEmpty)
    }

    /// One packet leaves at each millisecond, `arrivals` come. Gives the milliseconds at which one was dropped or marked.
    private func run(
        _ queue: TestQueue, _ span: Range<Int64>, arrivals: Int, ecn: UInt8 = ECN.notCapable
    ) throws -> [Int64] {
        var losses: [Int64] = []
        for at in span {
            for _ in 0..<arrivals {
                try #require(queue.put(NumberedPacket(flow: 1, number: 0, size: 1300, ecn: ecn), now: milliseconds(at)))
            }
            let before = queue.counters.droppedLate + queue.counters.marked
            _ = try queue.get(now: milliseconds(at))
            for _ in before..<queue.counters.droppedLate + queue.counters.marked { losses.append(at) }
        }
        return losses
    }

    private func wideQueue(behind packets: Int, ecn: UInt8 = ECN.notCapable) throws -> TestQueue {
        let slots = 1000
        let queue = TestQueue(seed: 11, slots: slots)
        for _ in 0..<packets {
            try #require(queue.put(NumberedPacket(flow: 1, number: 0, size: 1300, ecn: ecn), now: milliseconds(0)))
        }
        return queue
    }

    /// Nothing is lost for an interval; then the gaps are the interval over the roots of 1, 2, 3...
    @Test func dropsFollowTheSquareRoot() throws {
        let queue = try wideQueue(behind: 200)
        let losses = try run(queue, 0..<1000, arrivals: 1)
        // Above the target at 5 ms first, so late from 105 ms on.
        var at = 105.0
        var wanted: [Int64] = []
        while at < 1000 {
            wanted.append(Int64(at.rounded(.up)))
            at += 100 / Double(wanted.count).squareRoot()
        }
        #expect(losses.count == wanted.count)
        for (loss, want) in zip(losses, wanted) { #expect(abs(loss - want) <= 1, "\(losses)") }
        #expect(losses.count > 15)
        #expect(queue.counters.longestWait >= .milliseconds(190) && queue.counters.longestWait <= .milliseconds(210))
    }

    @Test func dropsEndWhenTheQueueHasDrained() throws {
        let queue = try wideQueue(behind: 200)
        #expect(!(try run(queue, 0..<500, arrivals: 1)).isEmpty)
        let late = try run(queue, 500..<900, arrivals: 0)
        #expect(queue.isEmpty)
        #expect(!late.isEmpty)
        let after = try run(queue, 900..<2000, arrivals: 1)
        #expect(after.isEmpty)
        #expect(queue.counters.enqueued == queue.counters.dequeued + queue.counters.droppedLate)
    }

    @Test func aShortBurstLosesNothing() throws {
        let queue = try wideQueue(behind: 90)
        #expect(try run(queue, 0..<90, arrivals: 0).isEmpty)
        #expect(queue.isEmpty)
    }

    @Test(arguments: [ECN.capable0, ECN.capable1])
    func whoUnderstandsIsMarked(ecn: UInt8) throws {
        let queue = try wideQueue(behind: 200, ecn: ecn)
        let marks = try run(queue, 0..<1000, arrivals: 1, ecn: ecn)
        #expect(marks.count > 15 && queue.counters.marked == UInt64(marks.count))
        #expect(queue.counters.droppedLate == 0)
        #expect(queue.counters.dequeued == 1000 && queue.count == 200)
    }

    /// Only the two bits of the mark change: of the traffic class and flow label beside them, and of all the rest, none.
    @Test func aMarkChangesNothingElse() throws {
        let queue = TestQueue(seed: 12)
        var random = SplitMix(seed: 12)
        var sent: [[UInt8]] = []
        var marked = 0
        for at in Int64(0)..<600 {
            for _ in 0..<(at == 0 ? 100 : 1) {
                var bytes = random.bytes(1200)
                bytes.withUnsafeMutableBytes { raw in
                    NumberedPacket(flow: 1, number: 0, size: 1190, ecn: ECN.capable0).write(
                        to: raw, headerCount: queueHeaderCount)
                }
                // Traffic class 0b1010_10 10, flow label 0xf1234.
                bytes.replaceSubrange(10..<14, with: [0x6a, 0xaf, 0x12, 0x34])
                let slot = try #require(queue.slot())
                slot.copyBytes(from: bytes)
                queue.enqueue(count: 1200, headerCount: 10, now: milliseconds(at))
                sent.append(bytes)
            }
            let packet = try #require(queue.dequeue(now: milliseconds(at)))
            let bytes = Array(packet.bytes)
            queue.release(packet)
            var wanted = sent.removeFirst()
            if bytes != wanted {
                marked += 1
                wanted[11] = 0xbf
                #expect(bytes == wanted)
            }
        }
        #expect(marked > 5 && queue.counters.marked == UInt64(marked))
    }

    /// However slow: what has one packet behind it, as large as any of its own, is never late.
    @Test(arguments: [100, 1300, 9000, 64_000])
    func twoPacketsAreNeverTooMany(size: Int) throws {
        let queue = TestQueue(seed: 13)
        for number in 0..<2 {
            try #require(queue.put(NumberedPacket(flow: 1, number: number, size: size), now: milliseconds(0)))
        }
        for number in 0..<100 {
            let now = milliseconds(Int64(number + 1) * 500)
            #expect(try queue.get(now: now)?.number == number)
            try #require(queue.put(NumberedPacket(flow: 1, number: number + 2, size: size), now: now))
        }
        #expect(queue.counters.droppedLate == 0)
    }
}
