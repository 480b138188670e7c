import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A message is delivered unaltered, at most once, from who it says, or not at all.
@Suite struct DeliveryTests {
    @Test(arguments: [1280, 1500]) func sizesDirectlyAndThroughTwoRelays(mtu: Int) throws {
        let seed = Seeds.fresh()
        var quality = CableQuality.clean
        quality.mtu = mtu
        let simulation = try Simulation.chain(4, seed: seed, quality: quality)
        let random = MeshSim.SeededRandom(seed: seed)
        for (from, to) in [(0, 1), (0, 3), (3, 0)] {
            for count in [0, 1, 2, 1000, 65_534, 65_535] {
                let message = random.bytes(count)
                let arrived = simulation.exchange(message, from: from, to: to)
                #expect(arrived.count == 1 && arrived.first == message, "\(count) bytes \(from) to \(to), seed \(seed)")
                #expect(simulation.received(to).first?.from == simulation.address(from))
            }
            let outcome = simulation.send(random.bytes(65_536), from: from, to: simulation.address(to))
            #expect(outcome == .dropped(.messageTooLarge))
            simulation.run(for: .seconds(1))
            #expect(simulation.drops(from)[.messageTooLarge] >= 1)
        }
    }

    /// Links of different sizes in one path: relays cut what does not fit the next link.
    @Test func sizesThroughLinksOfDifferentSize() throws {
        let seed = Seeds.fresh()
        let simulation = Simulation(seed: seed)
        for _ in 0..<4 { simulation.addNode() }
        for (place, mtu) in [9000, 1280, 1500].enumerated() {
            var quality = CableQuality.clean
            quality.mtu = mtu
            simulation.connect(place, place + 1, quality)
        }
        simulation.run(for: .seconds(10))
        let random = MeshSim.SeededRandom(seed: seed)
        for count in [65_535, 1, 8800, 1400, 1232, 0, 30_000] {
            for (from, to) in [(0, 3), (3, 0)] {
                let message = random.bytes(count)
                #expect(
                    simulation.exchange(message, from: from, to: to) == [message],
                    "\(count) bytes \(from) to \(to), seed \(seed)")
            }
        }
    }

    @Test(arguments: [1280, 1500]) func everySizeAroundTheEdges(mtu: Int) throws {
        let seed = Seeds.fresh()
        var quality = CableQuality.clean
        quality.mtu = mtu
        let simulation = try Simulation.chain(3, seed: seed, quality: quality)
        simulation.run(for: .seconds(5))
        for to in [1, 2] {
            _ = simulation.exchange([0], from: 0, to: to)
            let capacity = try #require(simulation.box(0)?.messageCapacity(to: simulation.address(to), from: .main))
            #expect(capacity > 1000 && capacity < mtu)
            var sizes = Array(stride(from: 0, to: 4000, by: 13))
            for pieces in 1...4 { sizes += (pieces * capacity - 40)...(pieces * capacity + 4) }
            simulation.clearReceived()
            for size in sizes {
                let outcome = simulation.send(numbered(size, count: size), from: 0, to: simulation.address(to))
                #expect(outcome == (size <= capacity ? .sent : .fragmented(limit: capacity)), "\(size) bytes")
                simulation.run(for: .milliseconds(2))
            }
            simulation.run(for: .seconds(1))
            let arrived = simulation.received(to).map(\.message)
            #expect(arrived == sizes.map { numbered($0, count: $0) }, "seed \(seed)")
        }
    }

    @Test(arguments: Seeds.several(3)) func duplicatesOnTheWayArriveOnce(seed: UInt64) throws {
        var quality = CableQuality.clean
        quality.duplicationPermille = 200
        quality.reorderPermille = 100
        quality.jitter = .milliseconds(3)
        let simulation = try Simulation.chain(3, seed: seed, quality: quality)
        simulation.run(for: .seconds(2))
        for to in [1, 2] {
            _ = simulation.exchange([], from: 0, to: to)
            simulation.clearReceived()
            for place in 0..<2000 {
                // Some in pieces: their repetitions must not make a second whole.
                let message = numbered(place, count: place % 10 == 0 ? 3000 : 50)
                simulation.send(message, from: 0, to: simulation.address(to))
                simulation.run(for: .milliseconds(1))
            }
            simulation.run(for: .seconds(1))
            let arrived = simulation.received(to).map { number(of: $0.message) }
            #expect(arrived.count == Set(arrived).count, "delivered twice, seed \(seed)")
            #expect(Set(arrived) == Set(0..<2000), "lost though nothing loses, seed \(seed)")
            #expect(simulation.drops(to)[.replayed] > 200, "nothing was repeated, seed \(seed)")
        }
    }

    /// Everything that ever went to a box, sent to it again by somebody else.
    @Test func recordedTrafficPlayedAgain() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed)
        var recorded: [[UInt8]] = []
        simulation.tap = { _, to, datagram in
            if to == 1 { recorded.append(datagram) }
            return datagram
        }
        for place in 0..<200 { _ = simulation.exchange(numbered(place), from: 0, to: 1) }
        simulation.tap = nil
        simulation.clearReceived()
        try #require(recorded.count > 200)
        let counted = simulation.drops(1).total
        let somewhere = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 0xbad), port: 1)
        for datagram in recorded {
            simulation.inject(datagram, into: 1, from: simulation.endpoint(0))
            simulation.inject(datagram, into: 1, from: somewhere)
        }
        simulation.run(for: .seconds(1))
        #expect(simulation.received(1).isEmpty, "seed \(seed)")
        // Repeated messages 1 and 3 are no faults: the answers to them may have been lost.
        let answered = [DatagramKind.initiation.rawValue, DatagramKind.finish.rawValue]
        let faults = recorded.count { !answered.contains($0[0]) }
        #expect(simulation.drops(1).total >= counted + 2 * UInt64(faults), "seed \(seed)")
        #expect(simulation.session(1, 0)?.direct?.path.remote == simulation.endpoint(0), "seed \(seed)")
        #expect(simulation.exchange([5], from: 0, to: 1) == [[5]])
    }

    @Test func reorderingWithinTheWindowAndBeyond() throws {
        let bench = Bench()
        try bench.join(0, 1)
        var sealed: [Bench.Posted] = []
        for place in 0..<9000 {
            bench.send(numbered(place), from: 0, to: 1)
            if place % 500 == 499 { sealed += bench.take(0) }
        }
        try #require(sealed.count == 9000)
        // Backwards: the newest first.
        for posted in sealed.reversed() { bench.deliver(posted) }
        let arrived = bench.delivered.map { number(of: $0.message) }
        let reach = ReplayWindow.bits - 64
        #expect(arrived == Array((9000 - reach..<9000).reversed()), bench.comment)
        #expect(bench.boxes[1].drops[.replayed] == UInt64(9000 - reach))
    }
}
