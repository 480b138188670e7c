import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What a box says of datagrams that did not come.
@Suite struct LossTests {
    /// What `b` misses of `a`.
    private func lost(_ simulation: Simulation, _ a: Int, _ b: Int) -> UInt64 {
        simulation.box(b)?.status(now: simulation.now).sessions.first { $0.remote == simulation.address(a) }?
            .lostDatagrams ?? 0
    }

    private func traffic(_ simulation: Simulation, _ count: Int, each step: () -> Void = {}) {
        for place in 0..<count {
            simulation.send(numbered(place), from: 0, to: simulation.address(1))
            simulation.send(numbered(place), from: 1, to: simulation.address(0))
            simulation.run(for: .milliseconds(2))
            step()
        }
    }

    /// A cable that loses nothing, so that probes of the path's size get through too.
    private static var wide: CableQuality {
        var quality = CableQuality.clean
        quality.mtu = 9100
        return quality
    }

    @Test(arguments: Seeds.several(3)) func isWhatTheCableLost(seed: UInt64) throws {
        let simulation = try Simulation.chain(2, seed: seed, quality: Self.wide)
        traffic(simulation, 100)
        var quality = CableQuality.poor
        quality.mtu = Self.wide.mtu
        quality.lossPermille = 100
        let before = simulation.lost
        simulation.setQuality(0, 1, quality)
        traffic(simulation, 3000)
        simulation.setQuality(0, 1, Self.wide)
        simulation.run(for: .seconds(1))
        // What is lost behind the last arrival shows with the next one, and all of it some seconds later.
        traffic(simulation, 10)
        simulation.run(for: .seconds(15))
        let counted = (lost(simulation, 0, 1), lost(simulation, 1, 0))
        #expect(counted.0 + counted.1 == UInt64(simulation.lost - before), "\(counted), seed \(seed)")
        #expect(counted.0 > 200 && counted.1 > 200, "\(counted), seed \(seed)")
    }

    @Test(arguments: Seeds.several(3)) func reorderingAndRepetitionAreNoLoss(seed: UInt64) throws {
        var quality = CableQuality.poor
        quality.lossPermille = 0
        quality.mtu = Self.wide.mtu
        let simulation = try Simulation.chain(2, seed: seed, quality: quality)
        traffic(simulation, 5000) {
            #expect(lost(simulation, 0, 1) == 0 && lost(simulation, 1, 0) == 0, "seed \(seed)")
        }
        simulation.run(for: .seconds(15))
        #expect(lost(simulation, 0, 1) == 0 && lost(simulation, 1, 0) == 0, "seed \(seed)")
    }

    /// Over new keys and another run of the far end.
    @Test func neverFalls() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed, quality: Self.wide)
        var quality = Self.wide
        quality.lossPermille = 100
        simulation.setQuality(0, 1, quality)
        var keys: Set<UInt32> = []
        var last: UInt64 = 0
        func watch(_ seconds: Int) {
            for place in 0..<seconds * 20 {
                simulation.send(numbered(place), from: 0, to: simulation.address(1))
                simulation.run(for: .milliseconds(50))
                let now = lost(simulation, 0, 1)
                #expect(now >= last, "seed \(seed)")
                last = now
                if let current = simulation.session(1, 0)?.current { keys.insert(current.localIndex) }
            }
        }
        watch(400)
        let before = last
        #expect(keys.count >= 3, "\(keys.count) keys, seed \(seed)")
        // 8,000 of which a tenth is lost.
        #expect(before > 400 && before < 1600, "\(before), seed \(seed)")
        simulation.killNode(0)
        simulation.startNode(0)
        watch(100)
        #expect(last > before + 50, "\(before), then \(last), seed \(seed)")
    }

    @Test func theWindowKnowsWhatIsMissing() {
        var window = ReplayWindow()
        #expect(window.missing(before: 0) == 0 && window.missing(before: 100) == 0)
        for counter: UInt64 in [0, 1, 3, 63, 64, 130] { _ = window.accept(counter) }
        for (mark, missing): (UInt64, UInt64) in [
            (0, 0), (2, 0), (3, 1), (4, 1), (63, 60), (65, 60), (131, 125), (999, 125),
        ] {
            #expect(window.missing(before: mark) == missing, "before \(mark)")
        }
        // A late one fills its gap, a repeated one nothing.
        let late = (window.accept(2), window.accept(2))
        #expect(late == (true, false))
        #expect(window.missing(before: 4) == 0)
        // Far ahead: all before the window is settled, whatever the mark.
        _ = window.accept(1_000_000)
        #expect(window.missing(before: 1_000_001) == 1_000_001 - 8)
        let start = window.next - UInt64(ReplayWindow.bits - 64)
        #expect(window.missing(before: 4) == start - 7)
        _ = window.accept(start)
        #expect(window.missing(before: start) == start - 7)
        #expect(window.missing(before: start + 1) == start - 7)
    }

    /// Against a plain list of what was accepted.
    @Test(arguments: Seeds.several(3)) func theWindowAgreesWithAList(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var window = ReplayWindow()
        var seen: Set<UInt64> = []
        var highest: UInt64 = 0
        for step in 0..<30_000 {
            highest += UInt64(random.next(below: 3))
            let counter = highest - min(highest, UInt64(random.next(below: 2000)))
            if window.accept(counter) { seen.insert(counter) }
            guard step % 1000 == 999 else { continue }
            let mark = window.next - min(window.next, UInt64(random.next(below: 8000)))
            let expected = mark - UInt64(seen.count { $0 < mark })
            #expect(window.missing(before: mark) == expected, "before \(mark), seed \(seed)")
        }
    }
}
