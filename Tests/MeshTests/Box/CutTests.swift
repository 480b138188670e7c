import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Cuts of every form in a triangle, under traffic: the longest that either end hears nothing of the other.
@Suite struct CutTests {
    /// What happens to datagrams on the cable between 0 and 1.
    enum Cut: String, CaseIterable {
        case both, forth, back, largeOnly, hop
    }

    private static let goal: Interval = .seconds(2)

    /// Three boxes, 0 and 1 joined directly and through 2; traffic both ways every 20 ms.
    private func triangle(_ seed: UInt64, latency: Interval = .milliseconds(5)) -> Simulation {
        let simulation = Simulation(seed: seed)
        for _ in 0..<3 { simulation.addNode() }
        var quality = CableQuality.clean
        quality.latency = latency
        for (a, b) in [(0, 1), (1, 2), (0, 2)] { simulation.connect(a, b, quality) }
        simulation.run(for: .seconds(20))
        return simulation
    }

    /// Sends for a while and gives the longest pause at either end.
    private func longestPause(
        _ simulation: Simulation, for span: Interval, sending: [(Int, Int)] = [(0, 1), (1, 0)], bytes: Int = 300
    ) -> Interval {
        let start = simulation.now
        var last = [start, start]
        var longest = Interval.zero
        let receivers = Set(sending.map(\.1))
        while simulation.now - start < span {
            simulation.clearReceived()
            for (a, b) in sending {
                simulation.send([UInt8](repeating: 1, count: bytes), from: a, to: simulation.address(b))
            }
            simulation.run(for: .milliseconds(20))
            for node in receivers {
                if !simulation.received(node).isEmpty { last[node] = simulation.now }
                longest = max(longest, simulation.now - last[node])
            }
        }
        return longest
    }

    private func apply(_ cut: Cut, to simulation: Simulation) {
        simulation.tap = { from, to, datagram in
            let isDirect = from < 2 && to < 2
            switch cut {
            case .both: return isDirect ? nil : datagram
            case .forth: return isDirect && from == 0 ? nil : datagram
            case .back: return isDirect && from == 1 ? nil : datagram
            case .largeOnly: return isDirect && datagram.count > 1000 ? nil : datagram
            case .hop: return datagram
            }
        }
        if cut == .hop { simulation.setCable(0, 1, up: false) }
    }

    @Test(arguments: Cut.allCases, Seeds.several(3)) func aCutInATriangle(cut: Cut, seed: UInt64) {
        let simulation = triangle(seed)
        _ = longestPause(simulation, for: .seconds(2))
        apply(cut, to: simulation)
        let bytes = cut == .largeOnly ? 1200 : 300
        let pause = longestPause(simulation, for: .seconds(8), bytes: bytes)
        #expect(pause < Self.goal, "\(cut): nothing for \(pause.inSeconds) s, seed \(seed)")
        // It heals, and heals without a pause.
        simulation.tap = nil
        simulation.setCable(0, 1, up: true)
        let healing = longestPause(simulation, for: .seconds(12))
        #expect(healing < .seconds(1), "\(cut) healed: nothing for \(healing.inSeconds) s, seed \(seed)")
        #expect(simulation.session(0, 1)?.usesDirectPath == true && simulation.session(1, 0)?.usesDirectPath == true)
    }

    /// Only one end has something to say: the other does not help by asking.
    @Test(arguments: [Cut.both, .forth, .back], [[(0, 1)], [(1, 0)]]) func oneWayTraffic(
        cut: Cut, sending: [(Int, Int)]
    ) {
        let seed = Seeds.fresh()
        let simulation = triangle(seed)
        _ = longestPause(simulation, for: .seconds(2), sending: sending)
        apply(cut, to: simulation)
        let pause = longestPause(simulation, for: .seconds(15), sending: sending)
        #expect(pause < Self.goal, "\(cut): nothing for \(pause.inSeconds) s, seed \(seed)")
    }

    /// After minutes of silence, and on a long line.
    @Test(arguments: [Cut.both, .forth, .back], [5, 150]) func afterSilence(cut: Cut, latency: Int) {
        let seed = Seeds.fresh()
        let simulation = triangle(seed, latency: .milliseconds(Int64(latency)))
        simulation.run(for: .seconds(60))
        apply(cut, to: simulation)
        let pause = longestPause(simulation, for: .seconds(15))
        let more = Interval.milliseconds(Int64(latency) * 8)
        #expect(pause < Self.goal + more, "\(cut): nothing for \(pause.inSeconds) s, seed \(seed)")
    }

    /// A relay that hangs, and one whose far link is cut, where another relay has both.
    @Test(arguments: [true, false]) func aHopInBetween(hangs: Bool) {
        let seed = Seeds.fresh()
        let simulation = Simulation(seed: seed)
        for _ in 0..<4 { simulation.addNode() }
        for (a, b) in [(0, 2), (2, 1), (0, 3), (3, 1)] { simulation.connect(a, b) }
        simulation.run(for: .seconds(20))
        _ = longestPause(simulation, for: .seconds(2))
        guard let relay = simulation.box(0)?.nextHop(to: simulation.address(1)) else {
            Issue.record("no way, seed \(seed)")
            return
        }
        let place = simulation.address(2) == relay ? 2 : 3
        simulation.tap = { from, to, datagram in
            let isLost = hangs ? from == place || to == place : Set([from, to]) == Set([place, 1])
            return isLost ? nil : datagram
        }
        let pause = longestPause(simulation, for: .seconds(15))
        #expect(pause < Self.goal, "nothing for \(pause.inSeconds) s, seed \(seed)")
    }

    /// What the kernel refuses to send is news, acted on at once.
    @Test func theKernelHasNoRoute() {
        let seed = Seeds.fresh()
        let simulation = triangle(seed)
        _ = longestPause(simulation, for: .seconds(2))
        simulation.refusesToSend = { from, to in from == 0 && to == 1 ? .unreachable : nil }
        let pause = longestPause(simulation, for: .seconds(10))
        #expect(pause < .milliseconds(600), "nothing for \(pause.inSeconds) s, seed \(seed)")
    }

    /// Answers that wait in a queue that has filled are late, not lost: the path is kept.
    @Test func aFilledQueueIsNoDeath() {
        let seed = Seeds.fresh()
        let simulation = triangle(seed)
        _ = longestPause(simulation, for: .seconds(2))
        _ = simulation.box(0)?.takeEvents()
        // Latency grows to a second and a half within four.
        for step in 1...15 {
            var quality = CableQuality.clean
            quality.latency = .milliseconds(Int64(step) * 100)
            simulation.setQuality(0, 1, quality)
            _ = longestPause(simulation, for: .milliseconds(260))
        }
        _ = longestPause(simulation, for: .seconds(10))
        let downs = simulation.box(0)?.takeEvents().count { if case .linkDown = $0 { true } else { false } }
        #expect(downs == 0, "\(downs ?? -1) times given up, seed \(seed)")
    }

    /// A good link that loses one in ten is kept.
    @Test(arguments: Seeds.several(3)) func lossIsNoDeath(seed: UInt64) {
        let simulation = triangle(seed)
        var quality = CableQuality.clean
        quality.lossPermille = 100
        simulation.setQuality(0, 1, quality)
        _ = longestPause(simulation, for: .seconds(20))
        _ = simulation.box(0)?.takeEvents()
        _ = longestPause(simulation, for: .seconds(120), sending: [(0, 1)])
        let downs = simulation.box(0)?.takeEvents().count { if case .linkDown = $0 { true } else { false } } ?? -1
        #expect((0...1).contains(downs), "\(downs) times given up in two minutes, seed \(seed)")
    }
}
