import Testing
import Wire

@testable import Mesh

/// Packets that are sealed where they are written, over a direct path and through a relay.
@Suite struct LaneTests {
    private func fill(_ packet: UnsafeMutableRawPointer, _ count: Int, _ byte: UInt8) {
        packet.initializeMemory(as: UInt8.self, repeating: byte, count: count)
    }

    @Test func thereIsNoneWithoutKeys() throws {
        let bench = Bench()
        #expect(bench.boxes[0].lane(from: .main, to: bench.address(1), now: bench.now) == nil)
        #expect(bench.boxes[0].lane(from: .main, to: bench.address(0), now: bench.now) == nil)
    }

    @Test func aBurstIsOneRun() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.run(for: .seconds(10))
        let box = bench.boxes[0]
        let lane = try #require(box.lane(from: .main, to: bench.address(1), now: bench.now))
        #expect(lane.capacity == box.messageCapacity(to: bench.address(1), from: .main) && lane.isSettled)
        let sizes = [lane.capacity, lane.capacity, lane.capacity, 40, 40, lane.capacity]
        for (index, size) in sizes.enumerated() {
            let packet = try #require(box.sealer.room(lane))
            fill(packet, size, UInt8(index))
            #expect(box.sealer.dispatch(packet, count: size, isPartial: false, trafficClass: 0, lane))
        }
        // After a shorter one a new run begins; so does a longer one.
        #expect(box.outbox.runs.map(\.datagrams) == [4, 1, 1])
        #expect(box.outbox.datagramCount == 6)
        bench.exchange()
        #expect(
            bench.delivered.suffix(6).map(\.message)
                == sizes.enumerated().map { Array(repeating: UInt8($0), count: $1) })
    }

    @Test func aFullBurstIsCounted() throws {
        let bench = Bench { $0.limits.outboxDatagrams = 8 }
        try bench.join(0, 1)
        let box = bench.boxes[0]
        let lane = try #require(box.lane(from: .main, to: bench.address(1), now: bench.now))
        var sent = 0
        while let packet = box.sealer.room(lane) {
            fill(packet, 40, 1)
            #expect(box.sealer.dispatch(packet, count: 40, isPartial: false, trafficClass: 0, lane))
            sent += 1
        }
        #expect(sent == 8 && box.drops[.outboxFull] == 1)
    }

    @Test func marksOfCongestionCrossRelays() throws {
        let bench = Bench(3)
        try bench.join(0, 1)
        try bench.join(1, 2)
        bench.run(for: .seconds(5))
        bench.send([1], from: 0, to: 2)
        bench.run(for: .seconds(5))
        let (first, relay, last) = (bench.boxes[0], bench.boxes[1], bench.boxes[2])
        let lane = try #require(first.lane(from: .main, to: bench.address(2), now: bench.now), bench.comment)
        #expect(lane.capacity == first.messageCapacity(to: bench.address(2), from: .main))
        let packet = try #require(first.sealer.room(lane))
        fill(packet, lane.capacity, 7)
        let tos: UInt8 = 0xb8 | ECN.capable0
        #expect(first.sealer.dispatch(packet, count: lane.capacity, isPartial: true, trafficClass: tos, lane))
        #expect(first.outbox.runs.map(\.trafficClass) == [tos])
        let sent = try #require(bench.take(0).first)

        // A router in between marks it; the relay hands the mark on, and not the sender's DSCP.
        var bytes = sent.bytes
        _ = bytes.withUnsafeMutableBytes {
            relay.receive(
                $0, from: bench.path(to: bench.endpoint(0)), trafficClass: 0xb8 | ECN.congested, now: bench.now)
        }
        #expect(relay.outbox.runs.map(\.trafficClass) == [ECN.congested])
        bytes = try #require(bench.take(1).first).bytes
        try bytes.withUnsafeMutableBytes {
            let delivery = try #require(
                last.receive(
                    $0, from: bench.path(to: bench.endpoint(1)), trafficClass: ECN.congested, now: bench.now))
            #expect(delivery.isPartial && delivery.ecn == ECN.congested)
            #expect(delivery.message.elementsEqual(Array(repeating: 7, count: lane.capacity)))
        }
        // What is sent otherwise has no mark.
        bench.send([2], from: 0, to: 2)
        #expect(first.outbox.runs.map(\.trafficClass) == [0])
    }
}
