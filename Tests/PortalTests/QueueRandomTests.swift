import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct QueueRandomTests {
    /// 100,000 random operations: flows keep their order, nothing is made up or given twice, the counts are right, and in
    /// the end every slot is back.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func nothingIsLostOrReordered(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let slots = seed == 4 ? 1 : 64
        let queue = TestQueue(seed: seed, slots: slots)
        var away: [(packet: QueuedPacket, bytes: [UInt8])] = []
        var sent: [Int: Int] = [:]
        var last: [Int: Int] = [:]
        var sizes: [Int: Int] = [:]
        var now = Instant(nanoseconds: 1_000_000_000)
        var refused = 0

        for step in 0..<100_000 {
            now = now + .microseconds(Int64.random(in: 0...3000, using: &random))
            switch Int.random(in: 0..<(step / 5000 % 2 == 0 ? 8 : 16), using: &random) {
            case 0..<5:
                guard queue.slot() != nil else {
                    refused += 1
                    #expect(queue.count + away.count == slots, "seed \(seed), step \(step)")
                    if Bool.random(using: &random) { #expect(queue.makeRoom() == (away.count < slots)) }
                    continue
                }
                let flow = Int.random(in: 1...12, using: &random)
                let number = sent[flow, default: 0]
                sent[flow] = number + 1
                let size = Bool.random(using: &random) ? Int.random(in: 100...3000, using: &random) : 60_000
                let packet = NumberedPacket(
                    flow: flow, number: number, size: size, ecn: flow % 2 == 0 ? ECN.capable0 : ECN.notCapable)
                #expect(queue.put(packet, now: now))
                sizes[flow * 1_000_000 + number] = size
            case 5..<9:
                guard let packet = queue.dequeue(now: now) else {
                    #expect(queue.isEmpty && queue.byteCount == 0, "seed \(seed), step \(step)")
                    continue
                }
                let known = try NumberedPacket(packet)
                try #require(known.number > last[known.flow, default: -1], "seed \(seed), step \(step)")
                try #require(sizes[known.flow * 1_000_000 + known.number] == known.size, "seed \(seed), step \(step)")
                last[known.flow] = known.number
                away.append((packet, Array(packet.packet.prefix(64))))
            case 9: _ = queue.makeRoom()
            default:
                guard !away.isEmpty else { continue }
                let entry = away.remove(at: Int.random(in: 0..<away.count, using: &random))
                // Nobody wrote there while it was ours.
                try #require(Array(entry.packet.packet.prefix(64)) == entry.bytes, "seed \(seed), step \(step)")
                queue.release(entry.packet)
            }
            if Int.random(in: 0..<4, using: &random) == 0, let entry = away.popLast() { queue.release(entry.packet) }
            let counters = queue.counters
            try #require(
                counters.enqueued == counters.dequeued + counters.droppedLate + counters.droppedForRoom
                    + UInt64(queue.count), "seed \(seed), step \(step)")
        }
        #expect(refused > 100, "the pool was empty at times")
        #expect(seed == 4 || queue.counters.droppedLate > 0 && queue.counters.marked > 0)
        for entry in away { queue.release(entry.packet) }
        while let packet = queue.dequeue(now: now) { queue.release(packet) }
        #expect(queue.isEmpty && queue.byteCount == 0)
        #expect(try queue.freeSlots() == slots)
        for index in 0..<FlowHash.buckets {
            let flow = queue.queue.flows[index]
            #expect(flow.next == QueueFlow.notListed && flow.bytes == 0 && flow.count == 0 && flow.head < 0)
        }
    }

    /// Bytes that are no packet go through like others, unmarked, in order.
    @Test func hostilePacketsAreCarriedAsTheyAre() throws {
        let queue = TestQueue(seed: 1)
        var random = SplitMix(seed: 0xbad)
        var sent: [[UInt8]] = []
        for round in 0..<20_000 {
            let now = milliseconds(Int64(round))
            if sent.count < 50 {
                var bytes = random.bytes(Int.random(in: 0...200, using: &random))
                if bytes.count > queueHeaderCount { bytes[queueHeaderCount] = 0x45 }
                try #require(queue.slot()).copyBytes(from: bytes)
                queue.enqueue(count: bytes.count, headerCount: min(queueHeaderCount, bytes.count), now: now)
                sent.append(bytes)
            }
            if Bool.random(using: &random), let packet = queue.dequeue(now: now) {
                let bytes = Array(packet.bytes)
                queue.release(packet)
                let place = try #require(sent.firstIndex(of: bytes))
                sent.removeFirst(place + 1)
            }
        }
        #expect(queue.counters.marked == 0)
        #expect(queue.counters.droppedLate > 0)
    }

    /// The longest packet and the longest header fit, in every slot, and no slot reaches into another.
    @Test func theLargestFit() throws {
        let slots = 40
        let queue = TestQueue(seed: 1, slots: slots)
        for number in 0..<40 {
            let slot = try #require(queue.slot())
            #expect(slot.count == 64 + IPv6Header.size + 65_535)
            slot.initializeMemory(as: UInt8.self, repeating: UInt8(number))
            queue.enqueue(count: slot.count, headerCount: 64, now: .distantPast)
        }
        #expect(queue.slot() == nil && queue.byteCount == 40 * PortalQueue.slotSize)
        for number in 0..<40 {
            let packet = try #require(queue.dequeue(now: .distantPast))
            #expect(packet.packet.count == PortalQueue.slotSize - 64)
            #expect(packet.bytes.allSatisfy { $0 == UInt8(number) })
            queue.release(packet)
        }
    }
}
