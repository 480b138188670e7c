import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Links that lose much: measured, shown, and gone around where there is a clean way, without routes that flap.
@Suite struct LossyLinkTests {
    private func lossy(_ permille: UInt32) -> CableQuality {
        var quality = CableQuality.clean
        quality.lossPermille = permille
        return quality
    }

    private func mesh(_ count: Int, _ cables: [(Int, Int)]) -> Simulation {
        let simulation = Simulation(seed: Seeds.fresh())
        for _ in 0..<count { simulation.addNode() }
        for (a, b) in cables { simulation.connect(a, b) }
        simulation.run(for: .seconds(20))
        return simulation
    }

    /// Messages both ways every 20 ms; how many of a thousand do not arrive.
    private func lost(_ simulation: Simulation, between a: Int, _ b: Int, for span: Interval) -> Int {
        let end = simulation.now + span
        var sent = 0
        var arrived = 0
        while simulation.now < end {
            simulation.clearReceived()
            for (from, to) in [(a, b), (b, a)] {
                simulation.send([1], from: from, to: simulation.address(to))
                sent += 1
            }
            simulation.run(for: .milliseconds(20))
            arrived += simulation.received(a).count + simulation.received(b).count
        }
        return (sent - min(sent, arrived)) * 1000 / sent
    }

    /// How often the way between two boxes changes, looked at every second.
    private func changes(_ simulation: Simulation, _ a: Int, _ b: Int, seconds: Int) -> Int {
        var last = simulation.box(a)?.nextHop(to: simulation.address(b))
        var count = 0
        for _ in 0..<seconds {
            _ = lost(simulation, between: a, b, for: .seconds(1))
            let way = simulation.box(a)?.nextHop(to: simulation.address(b))
            if way != last { count += 1 }
            last = way
        }
        return count
    }

    private static let triangle = [(0, 1), (1, 2), (0, 2)]

    /// A direct link that loses a fifth each way, and two clean ones around it.
    @Test(arguments: Seeds.several(4)) func aCleanWayAround(seed: UInt64) throws {
        let simulation = mesh(3, Self.triangle)
        simulation.setQuality(0, 1, lossy(200))
        let first = lost(simulation, between: 0, 1, for: .seconds(20))
        let after = lost(simulation, between: 0, 1, for: .seconds(60))
        #expect(after < 20, "\(after) of 1,000 lost, \(first) before, seed \(simulation.seed)")
        let link = try #require(
            simulation.box(0)?.status(now: simulation.now).links.first { $0.address == simulation.address(1) })
        #expect(link.state == .up, "it is a link all the same")
        #expect(
            link.missedPermille ?? 0 > LinkCost.bad / 2 && link.cost > 1 && link.isAvoided, "seed \(simulation.seed)")
        // It stays so, and it is taken again when it is good for a while.
        #expect(changes(simulation, 0, 1, seconds: 120) == 0, "the way flaps, seed \(simulation.seed)")
        simulation.setQuality(0, 1, .clean)
        #expect(changes(simulation, 0, 1, seconds: 120) == 1, "seed \(simulation.seed)")
        #expect(simulation.box(0)?.nextHop(to: simulation.address(1)) == simulation.address(1))
        #expect(lost(simulation, between: 0, 1, for: .seconds(5)) == 0)
    }

    /// A bad link on the way of others.
    @Test func aBadLinkOnTheWay() {
        let simulation = mesh(4, [(0, 1), (1, 2), (1, 3), (3, 2)])
        simulation.setQuality(1, 2, lossy(200))
        _ = lost(simulation, between: 0, 2, for: .seconds(20))
        let after = lost(simulation, between: 0, 2, for: .seconds(60))
        #expect(after < 20, "\(after) of 1,000 lost, seed \(simulation.seed)")
    }

    /// Where there is no other way, a bad one is kept.
    @Test func noOtherWay() {
        let simulation = mesh(2, [(0, 1)])
        simulation.setQuality(0, 1, lossy(200))
        _ = lost(simulation, between: 0, 1, for: .seconds(20))
        let after = lost(simulation, between: 0, 1, for: .seconds(60))
        #expect((100...320).contains(after), "\(after) of 1,000 lost, seed \(simulation.seed)")
    }

    /// A little loss is no reason: the direct link stays the way.
    @Test(arguments: [UInt32(5), 10, 20]) func aLittleLossIsNoReason(permille: UInt32) {
        let simulation = mesh(3, Self.triangle)
        simulation.setQuality(0, 1, lossy(permille))
        #expect(changes(simulation, 0, 1, seconds: 300) == 0, "seed \(simulation.seed)")
        #expect(simulation.box(0)?.nextHop(to: simulation.address(1)) == simulation.address(1))
    }

    /// Worse at once, better when it has lasted.
    @Test func theCostHasHysteresis() {
        var cost = LinkCost()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        let hold = LinkCost.hold + .seconds(1)
        let course: [(permille: Int, after: Interval, changes: Bool, cost: UInt8)] = [
            (179, .zero, false, 1), (180, .zero, true, LinkCost.badCost), (400, .zero, true, LinkCost.veryBadCost),
            (200, .seconds(1), false, LinkCost.veryBadCost), (0, .seconds(1), false, LinkCost.veryBadCost),
            (100, hold, false, LinkCost.veryBadCost), (49, hold, true, 1), (0, hold, false, 1),
        ]
        for step in course {
            let changed = cost.note(missedPermille: step.permille, start + step.after)
            #expect(changed == step.changes && cost.cost == step.cost, "\(step)")
        }
    }

    // MARK: Endpoints

    /// Two endpoints of one peer, of which the one in use loses a third: the other is turned to, and kept.
    @Test func anotherEndpoint() throws {
        let bench = Bench()
        let other = [bench.elsewhere(1), bench.elsewhere(2)]
        for (a, b) in [(0, 1), (1, 0)] {
            bench.boxes[a].setPeer(
                PeerSettings(address: bench.address(b), endpoints: [bench.endpoint(b), other[b]]), now: bench.now)
        }
        var isBad = false
        var moved = 0
        func run(for span: Interval) -> (sent: Int, arrived: Int) {
            let end = bench.now + span
            var (sent, arrived) = (0, 0)
            while bench.now < end {
                bench.delivered.removeAll()
                for (a, b) in [(0, 1), (1, 0)] {
                    bench.send([1], from: a, to: b)
                    sent += 1
                }
                let step = bench.now + .milliseconds(20)
                repeat {
                    bench.tick()
                    var posted = (0...1).flatMap { bench.take($0) }
                    while !posted.isEmpty {
                        for datagram in posted {
                            let to = 1 - datagram.from
                            if datagram.path.remote == other[to] {
                                bench.give(datagram.bytes, to: to, from: other[datagram.from])
                            } else if datagram.path.remote == bench.endpoint(to),
                                !isBad || !bench.random.chance(permille: 330)
                            {
                                bench.give(datagram.bytes, to: to, from: bench.endpoint(datagram.from))
                            }
                        }
                        posted = (0...1).flatMap { bench.take($0) }
                    }
                    bench.now = min(step, bench.now + .milliseconds(10))
                } while bench.now < step
                arrived += bench.delivered.count
            }
            moved += bench.boxes[0].takeEvents().count { if case .moved = $0 { true } else { false } }
            return (sent, arrived)
        }
        _ = run(for: .seconds(10))
        try #require(bench.isLinked(0, 1), bench.comment)
        try #require(bench.session(0, 1)?.direct?.path.remote == bench.endpoint(1), bench.comment)
        isBad = true
        _ = run(for: .seconds(30))
        moved = 0
        let after = run(for: .seconds(60))
        #expect(after.arrived * 1000 >= after.sent * 980, "\(after), \(bench.comment)")
        #expect(bench.session(0, 1)?.direct?.path.remote == other[1], bench.comment)
        #expect(moved == 0, "\(moved) times moved, \(bench.comment)")
    }
}
