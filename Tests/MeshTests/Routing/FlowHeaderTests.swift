import INET256
import Testing
import Wire

@testable import Mesh
@testable import MeshSim

/// Room for algorithms that keep something in each packet: a header that each box on the way reads and rewrites, several next hops,
/// numbers of their own. By one that routes by nothing else (`SourceRoute`), in boxes as they are.
@Suite struct FlowHeaderTests {
    /// 0 to 4 by 1 and then by either of two:  0 - 1 < 2, 3 > 4.
    private static let diamond = Topology(name: "diamond", nodes: 5, cables: [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)])

    private func build(
        _ shape: Topology, frozenAfter: Int = 0, hasHeaders: Bool = true, seed: UInt64 = 7
    ) -> Simulation {
        var settings = Simulation.smallBoxes(SourceRoute.self)
        settings.routing[SourceRoute.frozenAfter] = .number(frozenAfter)
        settings.routing[SourceRoute.headers] = .flag(hasHeaders)
        return shape.build(seed: seed, settings)
    }

    private func rewritten(_ simulation: Simulation, _ node: Int) -> Int64 {
        simulation.box(node)?.status(now: simulation.now).network["ways_rewritten"] ?? -1
    }

    private func relayed(_ simulation: Simulation) -> [UInt64] {
        (0..<simulation.count).map { simulation.box($0)?.counts.relayedFrames ?? 0 }
    }

    @Test func packetsGoTheWayThatTheirHeaderSays() {
        let simulation = build(Self.diamond)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3, 4]) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0, 4], to: [0, 1, 2, 3, 4], patience: .seconds(10)).isEmpty)
        // Large ones go in pieces.
        simulation.clearReceived()
        let large = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        simulation.send(large, from: 0, to: simulation.address(4))
        #expect(simulation.run(until: { simulation.received(4).map(\.message) == [large] }, within: .seconds(5)))
        for node in 0..<5 { #expect(rewritten(simulation, node) == 0, "nobody had to find a way of its own") }
        let relays = relayed(simulation)
        #expect(relays[1] > 0 && relays[2] + relays[3] > 0 && relays[0] == 0 && relays[4] == 0, "\(relays)")
        let names = simulation.box(0)?.status(now: simulation.now).network.values.map(\.name)
        #expect(names == ["neighbours", "boxes_heard_of", "ways_rewritten"])
    }

    /// The second box sees that its link is gone, and nobody else hears of it: headers go on saying the old way.
    @Test func aBoxOnTheWayTakesAnotherNextHop() throws {
        let simulation = build(Self.diamond, frozenAfter: 20_000)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3, 4]) }, within: .seconds(15)))
        #expect(simulation.unanswered(from: [0], to: [4], patience: .seconds(5)).isEmpty)
        simulation.run(for: .seconds(25))
        let before = relayed(simulation)
        #expect(simulation.unanswered(from: [0], to: [4], patience: .seconds(5)).isEmpty)
        let after = relayed(simulation)
        let used = try #require([2, 3].first { after[$0] > before[$0] })
        simulation.setCable(1, used, up: false)
        let recovered = try #require(simulation.secondsUntilReached(from: 0, to: 4, within: .seconds(10)))
        #expect(recovered < .seconds(4), "\(recovered.inSeconds) s")
        #expect(rewritten(simulation, 1) > 0)
        #expect(relayed(simulation)[5 - used] > after[5 - used], "by the other one")
        // Who sent it still knows nothing.
        #expect(rewritten(simulation, 0) == 0)
    }

    /// Of two next hops the first one whose link is up, at once.
    @Test func whoSendsTakesAnotherNextHop() throws {
        let simulation = build(.ring(4), frozenAfter: 20_000)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3]) }, within: .seconds(15)))
        simulation.run(for: .seconds(25))
        #expect(simulation.unanswered(from: [0], to: [2], patience: .seconds(5)).isEmpty)
        let first = try #require(simulation.box(0)?.nextHop(to: simulation.address(2)))
        let number = try #require([1, 3].first { simulation.address($0) == first })
        simulation.setCable(0, number, up: false)
        #expect(simulation.secondsUntilReached(from: 0, to: 2, within: .seconds(10)) != nil)
        #expect(simulation.box(0)?.nextHop(to: simulation.address(2)) == simulation.address(4 - number))
    }

    /// Several next hops without a header. Where the only one that is left leads back, a packet ends there.
    @Test func withoutHeadersNothingGoesBack() throws {
        let simulation = build(.ring(4), frozenAfter: 20_000, hasHeaders: false)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3]) }, within: .seconds(15)))
        simulation.run(for: .seconds(25))
        #expect(simulation.unanswered(from: [0, 1, 2, 3], to: [0, 1, 2, 3], patience: .seconds(5)).isEmpty)
        let first = try #require(simulation.box(0)?.nextHop(to: simulation.address(2)))
        let relay = try #require([1, 3].first { simulation.address($0) == first })
        // The relay finds out, and its other way leads back to where the packets come from, who does not hear of it.
        simulation.setCable(relay, 2, up: false)
        simulation.run(for: .seconds(10))
        let before = relayed(simulation)
        let lost = simulation.box(relay)?.drops[.relayNoRoute] ?? 0
        for number in 0..<5 as Range<UInt8> { simulation.send([number], from: 0, to: simulation.address(2)) }
        simulation.run(for: .milliseconds(200))
        #expect(relayed(simulation) == before)
        #expect(simulation.box(relay)?.drops[.relayNoRoute] ?? 0 >= lost + 5)
    }

    /// The lane of a burst: packets are written where they are sealed, behind a header that was written once.
    @Test func aLaneHasItsHeader() throws {
        let simulation = build(.chain(4))
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3]) }, within: .seconds(15)))
        #expect(simulation.unanswered(from: [0], to: [3], patience: .seconds(5)).isEmpty)
        simulation.run(for: .seconds(5))
        simulation.clearReceived()
        let box = try #require(simulation.box(0))
        let lane = try #require(box.lane(to: simulation.address(3), now: simulation.now))
        #expect(lane.relay?.head.flow.count == 30 && lane.lead == Lane.relayed + 30)
        let packets = (0..<3 as Range<UInt8>).map { number in
            [UInt8](repeating: number, count: number == 2 ? lane.capacity : 100)
        }
        for packet in packets {
            let room = try #require(box.sealer.room(lane))
            packet.withUnsafeBytes { room.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            #expect(box.sealer.dispatch(room, count: packet.count, isPartial: false, trafficClass: 0, lane))
        }
        box.report(now: simulation.now)
        simulation.settle(0)
        let arrived = simulation.run(until: { simulation.received(3).count == 3 }, within: .seconds(2))
        #expect(arrived && simulation.received(3).map(\.message) == packets)
    }

    /// What a neighbour makes of a header leads nowhere, or somewhere; it harms nobody.
    @Test func hostileHeaders() throws {
        let seed = Seeds.fresh()
        let random = SeededRandom(seed: seed)
        let simulation = build(Self.diamond, seed: seed)
        try #require(simulation.run(until: { simulation.allFound([0, 1, 2, 3, 4]) }, within: .seconds(30)))
        let hostile = try #require(simulation.box(0))
        let main = try #require(hostile.node(.main))
        let link = try #require(hostile.session(main, simulation.address(1)))
        let target = simulation.address(4)
        for round in 0..<3000 {
            var frame = [UInt8](repeating: 0, count: RelayLayout.header) + random.bytes(30 + random.below(60))
            frame.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                RelayFrame.writeHead(to: base, target, main.address, stamp: 1200)
            }
            // Ports that are not there, ways of no length, ways behind their end, and frames that end in their header.
            if round % 3 == 0 { frame[RelayLayout.header] = UInt8(random.below(4)) }
            if round % 3 == 0 { frame[RelayLayout.header + 1] = UInt8(random.below(40)) }
            if round % 5 == 0 { frame = Array(frame.prefix(RelayLayout.header + random.below(32))) }
            _ = hostile.emit(link, frameCount: frame.count, simulation.now) { room in
                frame.withUnsafeBytes { room.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            }
            if round % 50 == 0 {
                simulation.settle(0)
                simulation.run(for: .milliseconds(20))
            }
        }
        simulation.settle(0)
        simulation.run(for: .seconds(2))
        let drops = (0..<5).reduce(into: [DropReason: UInt64]()) { sum, node in
            for reason in DropReason.allCases { sum[reason, default: 0] += simulation.box(node)?.drops[reason] ?? 0 }
        }
        #expect(drops[.malformedFrame, default: 0] > 100, "cut short, seed \(seed)")
        #expect(drops[.relayHopLimit, default: 0] + drops[.relayNoRoute, default: 0] + relayed(simulation)[1] > 1000)
        // The others are served as ever.
        #expect(simulation.unanswered(from: [2, 3], to: [0, 1, 4], patience: .seconds(10)).isEmpty, "seed \(seed)")
    }

    // MARK: Frames

    @Test(arguments: [0, 1, 30, FlowHeader.most])
    func aRelayFrameHasItsHeader(count: Int) throws {
        let destination = Address(raw: Bytes32(words: (1, 2, 3, 4)))
        let source = Address(raw: Bytes32(words: (5, 6, 7, 8)))
        var flow = FlowHeader(count: count)
        flow.fill { bytes in for place in bytes.indices { bytes[place] = UInt8(100 + place) } }
        let head = RelayHead(destination: destination, source: source, stamp: 900, flow: flow)
        #expect(head.count == RelayLayout.header + count)
        let datagram: [UInt8] = [1, 2, 3]
        var bytes = [UInt8](repeating: 0xa5, count: head.count) + datagram
        bytes.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { head.write(to: $0) } }
        #expect(bytes.suffix(3) == [1, 2, 3], "nothing behind it is written")
        try bytes.withUnsafeMutableBytes { bytes in
            guard case .relay(let frame) = try Frame(bytes, flowBytes: count) else {
                Issue.record("no relay frame")
                return
            }
            #expect(Array(frame.flow) == (0..<count).map { UInt8(100 + $0) })
            #expect(Array(frame.datagram) == datagram && frame.source == source && frame.destination == destination)
            frame.pass(over: 100)
            #expect(Array(frame.flow) == (0..<count).map { UInt8(100 + $0) } && frame.stamp == 100)
        }
        // Every shorter length is none, as long as nothing of a datagram is left.
        for length in 0...head.count {
            var short = Array(bytes.prefix(length))
            short.withUnsafeMutableBytes { #expect((try? Frame($0, flowBytes: count)) == nil, "\(length) bytes") }
        }
    }

    @Test func nextHopsAreBounded() {
        var hops = NextHops()
        #expect(hops.first == nil && hops.count == 0 && hops == NextHops(nil))
        for number in 7..<20 as Range<UInt32> { hops.append(NeighbourID(rawValue: number)) }
        #expect(hops.count == NextHops.most)
        #expect((0..<hops.count).map { hops[$0].rawValue } == [7, 8, 9, 10])
        #expect(NextHops(NeighbourID(rawValue: 3)).first == NeighbourID(rawValue: 3))
    }

    /// Today's algorithms answer one and have no header: the wire is as it was.
    @Test(arguments: NetworkPromises.declared)
    func whoNeedsNoHeaderHasNone(promises: NetworkPromises) {
        let network = promises.algorithm.init(RoutingStart(sequence: 1, now: .distantPast))
        #expect(network.flowHeaderBytes == 0)
        #expect(
            network.nextHops(to: Address(raw: .zero), flow: UnsafeRawBufferPointer(start: nil, count: 0)).count == 0)
    }
}
