import Testing
import Wire

@testable import Portal

@Suite struct QueueFairnessTests {
    /// Two greedy flows share the bytes, whatever their packets' sizes; a sparse one waits at most for a quantum and a
    /// packet of each of them.
    @Test(arguments: [(64_000, 64_000), (64_000, 1300), (1300, 200)])
    func greedyFlowsShareAndASparseOneHardlyWaits(sizes: (Int, Int)) throws {
        let queue = TestQueue(seed: 1)
        let flows = queue.apart(3)
        let greedy = [(flows[0], sizes.0), (flows[1], sizes.1)]
        var sent = [0, 0]
        var waiting = [0, 0]
        var number = 0
        var sparseAt: Int?
        var longest = 0
        for round in 0..<20_000 {
            let now = Instant(nanoseconds: Int64(round) * 1000)
            for (index, (flow, size)) in greedy.enumerated() {
                while waiting[index] < 100 {
                    try #require(queue.put(NumberedPacket(flow: flow, number: number, size: size), now: now))
                    waiting[index] += 1
                    number += 1
                }
            }
            if round % 97 == 0, sparseAt == nil {
                try #require(queue.put(NumberedPacket(flow: flows[2], number: number), now: now))
                sparseAt = sent[0] + sent[1]
                number += 1
            }
            let packet = try #require(try queue.get(now: now))
            if let index = greedy.firstIndex(where: { $0.0 == packet.flow }) {
                sent[index] += packet.size
                waiting[index] -= 1
            } else {
                longest = max(longest, sent[0] + sent[1] - (try #require(sparseAt)))
                sparseAt = nil
            }
        }
        let turn = queue.queue.parameters.quantum + queueHeaderCount
        #expect(longest <= 2 * turn + sizes.0 + sizes.1, "the sparse flow waited for \(longest) bytes")
        // Headers of the driver count as bytes of the flow: up to a twentieth of a packet of 200.
        let share = Double(sent[0]) / Double(sent[0] + sent[1])
        #expect(share > 0.48 && share < 0.53, "shares: \(sent)")
        #expect(queue.counters.droppedLate == 0 && queue.counters.droppedForRoom == 0)
    }

    /// A flow that comes anew does not wait for those that have a queue; one that stays is served in turn.
    @Test func whoComesAnewHasTheNextTurn() throws {
        let queue = TestQueue(seed: 2)
        let flows = queue.apart(17)
        let sparse = flows[16]
        for flow in flows.dropLast() {
            for number in 0..<10 {
                try #require(queue.put(NumberedPacket(flow: flow, number: number, size: 20_000), now: .distantPast))
            }
        }
        // Each has had a turn and is old.
        for _ in 0..<16 { #expect(try queue.get(now: .distantPast)?.flow != sparse) }
        try #require(queue.put(NumberedPacket(flow: sparse, number: 0), now: .distantPast))
        #expect(try queue.get(now: .distantPast)?.flow == sparse)

        // It is empty and goes behind the old ones when somebody else is served, so that it cannot be new at every packet.
        let served = try #require(try queue.get(now: .distantPast)).flow
        try #require(queue.put(NumberedPacket(flow: sparse, number: 1), now: .distantPast))
        var others: Set = [served]
        while let packet = try queue.get(now: .distantPast), packet.flow != sparse {
            #expect(others.insert(packet.flow).inserted, "nobody has two turns before it")
        }
        #expect(others.count == 16)
        #expect(!queue.isEmpty)
    }

    /// A flood of small packets takes neither slots nor turns from a flow of few large ones.
    @Test(arguments: [NumberedPacket.smallest, 1300])
    func aFloodDoesNotStarveAnother(floodSize: Int) throws {
        let queue = TestQueue(seed: 3)
        let flows = queue.apart(2)
        var number = 0
        var given = 0
        var received: [Int] = []
        for round in 0..<20_000 {
            let now = Instant(nanoseconds: Int64(round) * 1000)
            // Three packets of the flood for each one that leaves.
            for _ in 0..<3 {
                if !queue.put(NumberedPacket(flow: flows[0], number: number, size: floodSize), now: now) {
                    #expect(queue.makeRoom())
                    try #require(queue.put(NumberedPacket(flow: flows[0], number: number, size: floodSize), now: now))
                }
                number += 1
            }
            // A super-packet now and then: less than its share, which is half of the bytes.
            if round % 400 == 0 {
                let packet = NumberedPacket(flow: flows[1], number: given, size: 14_000)
                if !queue.put(packet, now: now) {
                    #expect(queue.makeRoom())
                    try #require(queue.put(packet, now: now))
                }
                given += 1
            }
            if let packet = try queue.get(now: now), packet.flow == flows[1] { received.append(packet.number) }
        }
        #expect(received == Array(0..<given))
        #expect(queue.counters.droppedForRoom > 30_000)
    }

    /// The flow with the most slots loses its oldest packet; that with the most bytes among those with as many.
    @Test func roomIsMadeByTheFattest() throws {
        let slots = 16
        let queue = TestQueue(seed: 4, slots: slots)
        let flows = queue.apart(3)
        for number in 0..<4 {
            #expect(queue.put(NumberedPacket(flow: flows[0], number: number, size: 60_000), now: .distantPast))
        }
        for number in 0..<7 { #expect(queue.put(NumberedPacket(flow: flows[1], number: number), now: .distantPast)) }
        for number in 0..<5 {
            #expect(queue.put(NumberedPacket(flow: flows[2], number: number, size: 500), now: .distantPast))
        }
        #expect(queue.slot() == nil)
        // 4, 7, 5 slots: the second shrinks to 5, then the third, larger, is first of the two, then the second.
        for left in [[4, 6, 5], [4, 5, 5], [4, 5, 4], [4, 4, 4], [3, 4, 4], [3, 4, 3], [3, 3, 3]] {
            #expect(queue.makeRoom())
            #expect(flows.map { queue.waiting(flow: $0) } == left)
        }
        #expect(queue.counters.droppedForRoom == 7)
        // The newest of each are left, in order.
        var left: [Int: [Int]] = [:]
        while let packet = try queue.get(now: .distantPast) { left[packet.flow, default: []].append(packet.number) }
        #expect(left == [flows[0]: [1, 2, 3], flows[1]: [4, 5, 6], flows[2]: [2, 3, 4]])
        #expect(!queue.makeRoom(), "nothing waits")
    }

    /// Slots that the caller holds are not the queue's to give.
    @Test func thereIsNoRoomWhileAllIsAway() throws {
        let slots = 2
        let queue = TestQueue(seed: 5, slots: slots)
        for number in 0..<2 { #expect(queue.put(NumberedPacket(flow: 1, number: number), now: .distantPast)) }
        let first = try #require(queue.dequeue(now: .distantPast))
        let second = try #require(queue.dequeue(now: .distantPast))
        #expect(queue.isEmpty && queue.dequeue(now: .distantPast) == nil)
        #expect(queue.slot() == nil && !queue.makeRoom() && queue.slot() == nil)
        queue.release(first)
        let slot = try #require(queue.slot())
        #expect(slot.baseAddress == first.bytes.baseAddress, "what was used last is used first")
        #expect(queue.slot()?.baseAddress == slot.baseAddress, "the same until something is enqueued")
        queue.release(second)
        #expect(try queue.freeSlots() == 2)
    }
}
