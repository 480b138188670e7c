import INET256
import Testing
import Wire

@testable import Mesh

@Suite struct UpdateQueueTests {
    let start = Instant(nanoseconds: 1_000_000_000)

    func address(_ value: UInt64) -> Address { Address(raw: Bytes32(words: (value, 0, 0, 0))) }

    /// Takes all that waits into one frame.
    func flush(_ queue: inout UpdateQueue, now: Instant) -> [UpdateQueue.Item] {
        var told: [UpdateQueue.Item] = []
        while let item = queue.peek() {
            queue.pop()
            told.append(item)
        }
        if !told.isEmpty { queue.sent(told, now: now) }
        return told
    }

    @Test func whatChangesTwiceIsToldOnce() {
        var queue = UpdateQueue(limits: BeaconNetLimits())
        queue.tell(.route(address(1)))
        queue.tell(.route(address(2)))
        queue.tell(.route(address(1)))
        #expect(flush(&queue, now: start) == [.route(address(1)), .route(address(2))])
        #expect(!queue.canSend && queue.count == 2)
        queue.acknowledged(1, now: start)
        #expect(queue.count == 0 && queue.deadline == .distantFuture)
    }

    @Test func whatChangesUnderWayIsToldAgain() {
        var queue = UpdateQueue(limits: BeaconNetLimits())
        queue.tell(.route(address(1)))
        _ = flush(&queue, now: start)
        queue.tell(.route(address(1)))
        // This acknowledges what is out of date.
        queue.acknowledged(1, now: start + .milliseconds(10))
        #expect(queue.count == 1)
        #expect(flush(&queue, now: start) == [.route(address(1))])
        queue.acknowledged(2, now: start + .milliseconds(20))
        #expect(queue.count == 0)
    }

    @Test func lossesAreToldAgainUntilAcknowledged() {
        var queue = UpdateQueue(limits: BeaconNetLimits())
        queue.tell(.route(address(1)))
        queue.ask(address(2), BeaconRequest(sequence: 4, hops: 7))
        var now = start
        for round in 0..<3 {
            #expect(flush(&queue, now: now).count == 2, "round \(round)")
            let early = queue.tick(now: queue.deadline - Interval(nanoseconds: 1))
            now = queue.deadline
            let lost = queue.tick(now: now)
            #expect(early == 0 && lost == 1, "round \(round)")
        }
        #expect(queue.request(for: address(2)) == BeaconRequest(sequence: 4, hops: 7))
        _ = flush(&queue, now: now)
        // Of a frame given up nothing counts any more; of the last one all does.
        queue.acknowledged(1, now: now)
        #expect(queue.count == 2)
        queue.acknowledged(4, now: now)
        #expect(queue.count == 0 && queue.request(for: address(2)) == nil)
    }

    @Test func requestsMerge() {
        var queue = UpdateQueue(limits: BeaconNetLimits())
        queue.ask(address(1), BeaconRequest(sequence: 4, hops: 7))
        queue.ask(address(1), BeaconRequest(sequence: 5, hops: 3))
        #expect(queue.request(for: address(1)) == BeaconRequest(sequence: 5, hops: 7))
        #expect(flush(&queue, now: start) == [.request(address(1))])
        // Under way in the same words: not again. In stronger words: again.
        queue.ask(address(1), BeaconRequest(sequence: 5, hops: 7))
        #expect(flush(&queue, now: start) == [])
        queue.ask(address(1), BeaconRequest(sequence: 6, hops: 7))
        #expect(flush(&queue, now: start) == [.request(address(1))])
    }

    @Test func tooMuchPendingBecomesAPassOverTheTable() {
        var limits = BeaconNetLimits()
        limits.pendingUpdates = 10
        var queue = UpdateQueue(limits: limits)
        for value in 0..<10 { queue.tell(.route(address(UInt64(value)))) }
        #expect(queue.tablePass == nil && queue.count == 10)
        queue.tell(.route(address(10)))
        #expect(queue.tablePass == .zero && queue.passTellsLost && queue.count == 0)
        // What the pass has yet to reach waits for it, what it has passed does not.
        queue.passed(to: address(5).raw)
        queue.tell(.route(address(7)))
        queue.tell(.route(address(3)))
        #expect(flush(&queue, now: start) == [.route(address(3))])
    }

    @Test func theWindowHolds() {
        var limits = BeaconNetLimits()
        limits.window = 3
        var queue = UpdateQueue(limits: limits)
        for value in 1...5 as ClosedRange<UInt64> {
            queue.tell(.route(address(value)))
            #expect(queue.canSend == (value <= 3))
            if queue.canSend { _ = flush(&queue, now: start) }
        }
        queue.acknowledged(2, now: start)
        #expect(queue.canSend)
    }

    @Test func aSilentNeighbourIsAskedRarely() {
        var queue = UpdateQueue(limits: BeaconNetLimits())
        var now = start
        var frames = 0
        while now < start + .seconds(60) {
            queue.tell(.route(address(UInt64(frames))))
            if queue.canSend {
                if flush(&queue, now: now).isEmpty { queue.sent([.route(address(0))], now: now) }
                frames += 1
            }
            now = max(now + .milliseconds(1), queue.deadline)
            _ = queue.tick(now: now)
        }
        #expect((15...25).contains(frames), "\(frames)")
        queue.heard()
        queue.ask(address(1), BeaconRequest(sequence: 1, hops: 1))
        #expect(queue.request(for: address(1)) != nil)
    }

    @Test func timerFollowsTheRoundTrip() {
        var timer = RetransmissionTimer()
        #expect(timer.timeout == .milliseconds(250))
        for _ in 0..<50 { timer.measured(.milliseconds(80)) }
        #expect(timer.timeout >= .milliseconds(80) && timer.timeout < .milliseconds(100))
        timer.backOff()
        timer.backOff()
        #expect(timer.timeout >= .milliseconds(320) && !timer.isSuspicious)
        for _ in 0..<20 { timer.backOff() }
        #expect(timer.timeout == .seconds(4) && timer.isSuspicious)
        timer.heard()
        #expect(timer.timeout < .milliseconds(100) && !timer.isSuspicious)
        for _ in 0..<100 { timer.measured(.microseconds(50)) }
        #expect(timer.timeout == .milliseconds(30))
    }

    @Test func bucketsHoldABurstAndARate() {
        var bucket = TokenBucket(burst: 5, every: .milliseconds(100))
        #expect((0..<10).filter { _ in bucket.take(now: start) }.count == 5)
        #expect(bucket.nextToken == start + .milliseconds(100))
        let later = start + .seconds(1)
        #expect((0..<10).filter { _ in bucket.take(now: later) }.count == 5)
        let taken = (0..<1000).filter { bucket.take(now: later + .milliseconds(10 * Int64($0))) }.count
        #expect((99...101).contains(taken), "\(taken)")
    }

    @Test func theMemoryOfRequestsIsBounded() {
        var memory = RequestMemory(capacity: 4, span: .milliseconds(500))
        func admits(_ value: UInt64, _ sequence: UInt64, _ milliseconds: Int64) -> Bool {
            memory.admit(address(value), sequence: sequence, now: start + .milliseconds(milliseconds))
        }
        #expect(admits(1, 3, 0))
        #expect(!admits(1, 3, 499))
        #expect(admits(1, 4, 0))
        #expect(admits(1, 4, 500))
        for value in 2...4 as ClosedRange<UInt64> { #expect(admits(value, 1, 500)) }
        #expect(!admits(5, 1, 600))
        #expect(admits(5, 1, 1100))
    }
}
