import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What boxes find out about their cables, and what they do with it.
@Suite struct PathSizeOfLinksTests {
    private func cable(_ mtu: Int) -> CableQuality {
        var quality = CableQuality.clean
        quality.mtu = mtu
        return quality
    }

    @Test(arguments: [1280, 1420, 1500, 9000]) func found(mtu: Int) throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed, quality: cable(mtu))
        simulation.run(for: .seconds(10))
        for (a, b) in [(0, 1), (1, 0)] {
            #expect(simulation.session(a, b)?.size.confirmed == mtu, "seed \(seed)")
            let expected = mtu - 48 - TransportLayout.overhead - 1
            #expect(simulation.box(a)?.messageCapacity(to: simulation.address(b), from: .main) == expected)
            let message = [UInt8](repeating: 1, count: expected)
            #expect(simulation.send(message, from: a, to: simulation.address(b)) == .sent)
        }
        simulation.run(for: .seconds(1))
        #expect(simulation.received(0).count == 1 && simulation.received(1).count == 1, "seed \(seed)")
    }

    /// Full-sized traffic over a cable that shrinks: how long nothing arrives.
    @Test func shrinkingIsNoticedUnderTraffic() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed, quality: cable(1500))
        simulation.run(for: .seconds(10))
        try #require(simulation.session(0, 1)?.size.confirmed == 1500)
        simulation.setQuality(0, 1, cable(1400))
        var lastArrival = simulation.now
        var longest = Interval.zero
        for _ in 0..<1000 {
            simulation.clearReceived()
            let capacity = simulation.box(0)?.messageCapacity(to: simulation.address(1), from: .main) ?? 100
            simulation.send([UInt8](repeating: 3, count: capacity), from: 0, to: simulation.address(1))
            simulation.run(for: .milliseconds(20))
            if !simulation.received(1).isEmpty {
                longest = max(longest, simulation.now - lastArrival)
                lastArrival = simulation.now
            }
        }
        longest = max(longest, simulation.now - lastArrival)
        #expect(longest < .seconds(4), "nothing arrived for \(longest.inSeconds) s, seed \(seed)")
        #expect(simulation.session(0, 1)?.size.confirmed == 1400, "seed \(seed)")
        #expect(simulation.session(0, 1)?.link.neighbour != nil, "the link itself was good all the time, seed \(seed)")
    }

    /// The same while small messages go both ways all the time, so that neither end hears nothing.
    @Test func shrinkingIsNoticedAmongSmallTraffic() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed, quality: cable(1500))
        simulation.run(for: .seconds(10))
        try #require(simulation.session(0, 1)?.size.confirmed == 1500)
        simulation.setQuality(0, 1, cable(1400))
        let changed = simulation.now
        var large = 0
        while large == 0, simulation.now - changed < .seconds(20) {
            simulation.clearReceived()
            let capacity = simulation.box(0)?.messageCapacity(to: simulation.address(1), from: .main) ?? 100
            simulation.send([UInt8](repeating: 3, count: capacity), from: 0, to: simulation.address(1))
            for (a, b) in [(0, 1), (1, 0)] { simulation.send([4], from: a, to: simulation.address(b)) }
            simulation.run(for: .milliseconds(20))
            #expect(!simulation.received(0).isEmpty, "small messages arrive, seed \(seed)")
            large = simulation.received(1).count { $0.message.count > 1 }
        }
        let pause = simulation.now - changed
        #expect(pause < .seconds(6), "nothing large arrived for \(pause.inSeconds) s, seed \(seed)")
    }

    private static func tooLarge(_ bytes: Int) -> SendRefusal {
        SendRefusal(.tooLarge, largest: bytes, datagrams: 1, bytes: bytes)
    }

    @Test func theKernelsWordIsTakenAtOnce() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.run(for: .seconds(10))
        let path = try #require(bench.session(0, 1)?.direct?.path)
        #expect(bench.session(0, 1)?.size.confirmed == 9000, "a bench carries everything")
        bench.boxes[0].refused(Self.tooLarge(1452), for: path, now: bench.now)
        #expect(bench.session(0, 1)?.size.confirmed == PathSize.base)
        let capacity = try #require(bench.boxes[0].messageCapacity(to: bench.address(1), from: .main))
        #expect(capacity == PathSize.base - 48 - TransportLayout.overhead - 1)
        // About another path it says nothing.
        bench.boxes[0].refused(Self.tooLarge(100), for: bench.path(to: bench.elsewhere(1)), now: bench.now)
        #expect(bench.isLinked(0, 1))
    }

    /// Relays lower the stamp, the far end reports it, and then nothing is cut on the way any more.
    @Test func relaysStampWhatTheirNextLinkCarries() throws {
        let seed = Seeds.fresh()
        let simulation = Simulation(seed: seed)
        for _ in 0..<4 { simulation.addNode() }
        for (place, mtu) in [9000, 1420, 1500].enumerated() { simulation.connect(place, place + 1, cable(mtu)) }
        simulation.run(for: .seconds(15))
        for (a, b) in [(0, 3), (3, 0)] {
            _ = simulation.exchange([1], from: a, to: b)
            _ = simulation.exchange([1], from: b, to: a)
            simulation.run(for: .seconds(4))
            let expected = 1420 - 48 - TransportLayout.overhead - RelayLayout.header
            #expect(simulation.session(a, b)?.relayed.capacity == expected, "seed \(seed)")
            let capacity = try #require(simulation.box(a)?.messageCapacity(to: simulation.address(b), from: .main))
            #expect(capacity == expected - TransportLayout.overhead - 1)
            // A message of that size crosses every link in one datagram.
            let relay = try #require(simulation.box(1))
            let before = simulation.sent
            let relayed = relay.counts.relayedFrames
            #expect(simulation.exchange([UInt8](repeating: 1, count: capacity), from: a, to: b).count == 1)
            #expect(relay.counts.relayedFrames > relayed && simulation.sent - before < 60)
        }
    }

    /// The far end cannot talk a box down to nothing.
    @Test func aFoolishRelaySizeIsBounded() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(3, seed: seed)
        _ = simulation.exchange([1], from: 0, to: 2)
        for foolish in [0, 1, 100, 65_535] as [UInt16] {
            simulation.session(0, 2)?.relayed.told(foolish)
            let message = numbered(1, count: 65_535)
            #expect(simulation.exchange(message, from: 0, to: 2) == [message], "\(foolish), seed \(seed)")
        }
    }
}
