import Glibc
import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Long runs of virtual time on wires of several kinds: nothing runs away, nothing falls silent, and at the end all is well. The
/// simulation itself ends a test in which a deadline does not move, or in which a box ticks too often.
@Suite struct LongRunTests {
    /// Hours of virtual time: two, or what INET256_VIRTUAL_HOURS says. In an optimised build a day takes some seconds
    /// (scripts/soak-virtual).
    private static let hours = getenv("INET256_VIRTUAL_HOURS").flatMap { Int64(String(cString: $0)) } ?? 2
    private static let span: Interval = .seconds(3600 * hours)

    private func wire(_ mtu: Int, interface: Int? = nil, lossPermille: UInt32 = 0) -> CableQuality {
        var quality = CableQuality.clean
        quality.mtu = mtu
        quality.interfaceMTU = interface
        quality.lossPermille = lossPermille
        return quality
    }

    private func expectCalm(_ simulation: Simulation, ticks: Int = 100) {
        for node in 0..<simulation.count {
            #expect(simulation.mostTicks(node) <= ticks, "\(simulation.mostTicks(node)) ticks in a second")
            #expect(simulation.box(node)?.status(now: simulation.now).stuckDeadlines == 0)
        }
    }

    /// Nothing but what the boxes do by themselves. On an Ethernet that says so when a datagram is too large, on one that does
    /// not, and on a path between that carries less.
    @Test(arguments: [(1500, 1500), (1500, nil), (1420, 1500), (9000, nil), (1280, 1500)] as [(Int, Int?)])
    func idle(mtu: Int, interface: Int?) throws {
        let simulation = try Simulation.chain(2, seed: Seeds.fresh(), quality: wire(mtu, interface: interface))
        simulation.run(for: .seconds(60))
        let before = simulation.sent
        simulation.run(for: Self.span)
        let perSecond = Double(simulation.sent - before) / Self.span.inSeconds / 2
        #expect(perSecond < 2, "\(perSecond) datagrams a second and side, seed \(simulation.seed)")
        #expect(simulation.session(0, 1)?.size.confirmed == mtu, "seed \(simulation.seed)")
        #expect(simulation.exchange([1], from: 0, to: 1) == [[1]], "seed \(simulation.seed)")
        expectCalm(simulation)
    }

    /// One datagram in five is lost, size probes like all others.
    @Test func idleAndLossy() throws {
        let simulation = try Simulation.chain(
            2, seed: Seeds.fresh(), quality: wire(1500, interface: 1500, lossPermille: 200))
        simulation.run(for: Self.span)
        expectCalm(simulation)
        simulation.setQuality(0, 1, wire(1500, interface: 1500))
        simulation.run(for: .seconds(700))
        #expect(simulation.session(0, 1)?.size.confirmed == 1500, "seed \(simulation.seed)")
        #expect(simulation.exchange([1], from: 0, to: 1) == [[1]], "seed \(simulation.seed)")
    }

    /// The path shrinks, and shrinks again when everything that the first time had set going is long over: never a black hole.
    @Test(arguments: [nil, 1500] as [Int?]) func shrinksAgainAndAgain(interface: Int?) throws {
        let simulation = try Simulation.chain(2, seed: Seeds.fresh(), quality: wire(1500, interface: interface))
        simulation.run(for: .seconds(60))
        for (mtu, pause) in [
            (1492, Int64(61)), (1400, 700), (1300, 600 * Self.hours), (1000, 62), (576, 3000 * Self.hours),
        ] {
            simulation.setQuality(0, 1, wire(mtu, interface: interface))
            // Nothing is sent: the confirmation of an idle path finds out.
            simulation.run(for: PathSize.confirmEvery + .seconds(5))
            #expect(simulation.session(0, 1)?.size.confirmed ?? 0 <= mtu, "\(mtu), seed \(simulation.seed)")
            let message = numbered(1, count: 4000)
            #expect(simulation.exchange(message, from: 0, to: 1) == [message], "\(mtu), seed \(simulation.seed)")
            simulation.run(for: .seconds(pause))
        }
        expectCalm(simulation)
    }

    /// Traffic all the time, small and large.
    @Test func busy() throws {
        let simulation = try Simulation.chain(2, seed: Seeds.fresh(), quality: wire(1500, interface: 1500))
        let rounds = Int(Self.span.inSeconds) / 4
        for second in 0..<rounds {
            for (a, b) in [(0, 1), (1, 0)] {
                let count = second % 7 == 0 ? 30_000 : 300
                simulation.send([UInt8](repeating: 3, count: count), from: a, to: simulation.address(b))
            }
            simulation.run(for: .seconds(4))
        }
        #expect(simulation.received(1).count > rounds - 10, "seed \(simulation.seed)")
        #expect(simulation.session(0, 1)?.size.confirmed == 1500, "seed \(simulation.seed)")
        expectCalm(simulation)
    }

    /// A ring of five, cut here and there.
    @Test func aRingWithCuts() throws {
        let simulation = Simulation(seed: Seeds.fresh())
        for _ in 0..<5 { simulation.addNode() }
        for place in 0..<5 { simulation.connect(place, (place + 1) % 5, wire(1500, interface: 1500)) }
        for hour in 0..<Int(Self.hours) {
            let place = hour % 5
            simulation.setCable(place, (place + 1) % 5, up: false)
            simulation.run(for: .seconds(1700))
            #expect(simulation.exchange([1], from: 0, to: 2).count == 1, "hour \(hour), seed \(simulation.seed)")
            simulation.setCable(place, (place + 1) % 5, up: true)
            simulation.run(for: .seconds(1900))
        }
        #expect(simulation.exchange([1], from: 0, to: 2).count == 1, "seed \(simulation.seed)")
        expectCalm(simulation)
    }

    /// What the kernel refused was never sent, and no counter says so.
    @Test func refusedDatagramsAreNotCountedAsSent() throws {
        let simulation = try Simulation.chain(2, seed: Seeds.fresh(), quality: wire(1500, interface: 1500))
        simulation.run(for: .seconds(20))
        let status = simulation.box(0)?.status(now: simulation.now).sessions.first
        #expect(status?.sentDatagrams ?? 0 > 0)
        let refused = PathSize.ladder.filter { $0 > 1500 }.count
        #expect(refused > 0)
        let far = simulation.box(1)?.status(now: simulation.now).sessions.first
        // The handshake's own messages are no datagrams of the session; nothing else is lost here.
        #expect(status?.sentDatagrams == far?.receivedDatagrams, "seed \(simulation.seed)")
        #expect(status?.sentBytes == far?.receivedBytes, "seed \(simulation.seed)")
    }
}
