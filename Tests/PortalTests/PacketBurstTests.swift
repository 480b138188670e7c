import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct PacketBurstTests {
    /// Fills a queue with packets to numbered destinations; the numbers of the packets as they are given out, by bursts.
    private static func bursts(
        of packets: [(destination: Int, size: Int)], bytes: Int
    ) throws -> [[(number: Int, destination: Int)]] {
        let queue = TestQueue(seed: 5)
        for (number, packet) in packets.enumerated() {
            // Several flows to each.
            var made = NumberedPacket(flow: number % 3, number: number, size: packet.size)
            made.destination = packet.destination
            try #require(queue.put(made, now: .distantPast))
        }
        var found: [[(number: Int, destination: Int)]] = []
        while !queue.isEmpty {
            var one: [(number: Int, destination: Int)] = []
            try queue.sendBurst(bytes: bytes, now: .distantPast) { packet in
                let known = try NumberedPacket(packet)
                one.append((known.number, known.destination))
            }
            found.append(one)
        }
        return found
    }

    /// Every packet once; a destination's in one piece and in the order of the queue; destinations in that of their first.
    @Test(arguments: 1...20)
    func destinationsStayTogetherAndInOrder(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let destinations = Int.random(in: 1...100, using: &random)
        let packets = (0..<200).map { _ in
            (
                destination: Int.random(in: 0..<destinations, using: &random),
                size: Int.random(in: 64...4000, using: &random)
            )
        }
        let plain = try Self.bursts(of: packets, bytes: 1)
        let order = plain.flatMap { $0 }
        #expect(order.count == packets.count && plain.allSatisfy { $0.count == 1 }, "one byte is one packet")

        let bytes = Int.random(in: 1...100_000, using: &random)
        var rest = order[...]
        for burst in try Self.bursts(of: packets, bytes: bytes) {
            // What the queue would have given out, sorted by destination with a sort that is stable.
            let expected = rest.prefix(burst.count)
            rest = rest.dropFirst(burst.count)
            var places: [Int: Int] = [:]
            for (place, packet) in expected.enumerated() where places[packet.destination] == nil {
                places[packet.destination] = place
            }
            let sorted = expected.enumerated().sorted {
                (places[$0.element.destination] ?? 0, $0.offset) < (places[$1.element.destination] ?? 0, $1.offset)
            }
            #expect(burst.map(\.number) == sorted.map(\.element.number), "seed \(seed)")
            let size = burst.reduce(0) { $0 + queueHeaderCount + packets[$1.number].size }
            let last = queueHeaderCount + packets[expected.last?.number ?? 0].size
            #expect(size - last < bytes, "seed \(seed): it ends with the packet that exceeds \(bytes) bytes")
        }
        #expect(rest.isEmpty)
    }

    /// What is no IPv6 packet comes out as well: the bridge counts it.
    @Test func malformedPacketsAreGivenOut() throws {
        let queue = TestQueue(seed: 5)
        for byte in 0..<10 {
            let slot = try #require(queue.slot())
            slot.initializeMemory(as: UInt8.self, repeating: 0)
            slot[0] = UInt8(byte)
            queue.enqueue(count: byte * 7, headerCount: 0, now: .distantPast)
        }
        var sizes: [Int] = []
        queue.sendBurst(bytes: .max, now: .distantPast) { sizes.append($0.bytes.count) }
        #expect(sizes.sorted() == (0..<10).map { $0 * 7 } && queue.isEmpty)
    }
}
