import Glibc
import Mesh
import Testing
import Wire

@testable import MeshSim

/// Runs as lists of events: drawn at random, shortened when they fail, and kept.
@Suite struct RunTests {
    static let shape: Topology = {
        var shape = Topology.ring(5)
        shape.join(1, 3)
        return shape
    }()
    private static let promises = NetworkPromises.declared[0]

    /// The shortest list that fails needs three steps, far apart.
    @Test func aListIsShortened() {
        var tries = 0
        let short = shortened(Array(0..<1000)) { steps in
            tries += 1
            return Set(steps).isSuperset(of: [17, 400, 803])
        }
        #expect(short == [17, 400, 803])
        #expect(tries < 200, "\(tries)")
        // What fails whatever is in it needs nothing.
        #expect(shortened([1, 2, 3]) { _ in true } == [])
        #expect(shortened([Int]()) { _ in true } == [])
        // A step that can go only when another has gone.
        let pairs = shortened([1, 2, 3, 4, 5]) { steps in
            steps.contains(5) && (!steps.contains(1) || steps.contains(4))
        }
        #expect(pairs == [5])
    }

    @Test func stepsAreMadeSimpler() {
        let short = shortened([40, 7, 99], simpler: { [$0 / 2, $0 - 1].filter { $0 > 0 } }) { steps in
            steps.contains { $0 >= 13 } && steps.count >= 2
        }
        #expect(short.sorted() == [1, 13])
    }

    @Test func theSameRunIsTheSame() {
        func fingerprint(_ seed: UInt64) -> UInt64 {
            var last: UInt64 = 0
            let run = SimulatedRun.random(seed: seed, in: Self.shape, count: 30)
            _ = run.fault(Self.promises) { simulation in
                last = simulation.fingerprint
                return nil
            }
            return last
        }
        #expect(fingerprint(5) == fingerprint(5) && fingerprint(5) != fingerprint(6))
    }

    /// A claim that does not hold: that box 2 never moves while the cable beside it is cut.
    @Test func aRunThatFailsBecomesAShortCase() throws {
        let claim = { (simulation: Simulation) -> String? in
            let home = UInt64(3)
            return simulation.endpoint(2).address.low != home && !simulation.isConnected(1, 2) ? "moved" : nil
        }
        // Only this is asked for, which is quick.
        let nothing = NetworkPromises(
            BeaconNet.self, RoutingPromises(reach: 0, isLoopFree: false, knowsWhoIsGone: false))
        let run = try #require(
            (1...500).lazy.map { SimulatedRun.random(seed: $0, in: Self.shape, count: 30) }.first { run in
                run.events.contains(.move(2)) && run.events.contains(.cut(1, 2))
                    && run.fault(nothing, check: claim) != nil
            })
        let short = run.shortened { $0.fault(nothing, check: claim) != nil }
        #expect(Set(short.events.map(\.source)) == [".move(2)", ".cut(1, 2)"], "\(short.source)")
        #expect(short.seed == run.seed && short.cables == run.cables)
        #expect(short.fault(nothing, check: claim)?.hasPrefix("moved, in event 1: ") == true)
    }

    @Test func aRunIsPrintedAsSwift() {
        let run = SimulatedRun(
            seed: 7, nodes: 3,
            cables: [CableKey(0, 1), CableKey(1, 2)],
            events: [
                .cut(0, 1),
                .wait(milliseconds: 300),
                .heal(0, 1),
                .line(1, 2, .poor),
                .kill(2),
                .stop(1),
                .start(2, clockOff: -3600),
                .move(0),
                .send(from: 0, to: 2, bytes: 1500),
            ])
        // Word for word what stands above.
        let source = """
            SimulatedRun(
                seed: 7, nodes: 3,
                cables: [CableKey(0, 1), CableKey(1, 2)],
                events: [
                    .cut(0, 1),
                    .wait(milliseconds: 300),
                    .heal(0, 1),
                    .line(1, 2, .poor),
                    .kill(2),
                    .stop(1),
                    .start(2, clockOff: -3600),
                    .move(0),
                    .send(from: 0, to: 2, bytes: 1500),
                ])
            """
        #expect(run.source == source)
        #expect(run.fault(Self.promises) == nil)
    }

    /// Whatever happens: what must hold does. A run that fails is printed short, to be put among those below. Always the same
    /// runs, so that a change is what makes one fail; `MESH_TEST_SEED=N` draws others.
    @Test(arguments: NetworkPromises.declared, getenv("MESH_TEST_SEED") == nil ? [1, 2, 3, 4, 5, 6] : Seeds.several(3))
    func anyRun(promises: NetworkPromises, seed: UInt64) {
        let run = SimulatedRun.random(seed: seed, in: Self.shape, count: 60)
        guard let fault = run.fault(promises) else { return }
        let short = run.shortened { $0.fault(promises) != nil }
        Issue.record("\(promises): \(fault). Short: \(short.fault(promises) ?? "")\n\(short.source)")
    }

    /// Runs that failed once, or that were worth keeping.
    static let kept = [
        // A box that comes back with a clock that is behind, where its neighbours have another way to believe in.
        SimulatedRun(
            seed: 1, nodes: 4,
            cables: [CableKey(0, 1), CableKey(1, 2), CableKey(2, 3), CableKey(0, 3)],
            events: [
                .wait(milliseconds: 5000), .kill(1), .wait(milliseconds: 100), .start(1, clockOff: -3600),
                .cut(1, 2), .send(from: 2, to: 1, bytes: 20_000), .wait(milliseconds: 5000), .move(1),
                .send(from: 1, to: 3, bytes: 4), .wait(milliseconds: 1000),
            ]),
        // A message that waits for its way comes among those by which the player asks who is there.
        SimulatedRun(
            seed: 686_964_385, nodes: 5,
            cables: [
                CableKey(0, 1), CableKey(1, 2), CableKey(2, 3), CableKey(3, 4), CableKey(0, 4), CableKey(1, 3),
            ],
            events: [.send(from: 3, to: 0, bytes: 4)]),
        // Two who know each other only through others, of whom one begins anew: the first message under the old keys is lost.
        SimulatedRun(
            seed: 5000, nodes: 5,
            cables: [
                CableKey(0, 1), CableKey(1, 2), CableKey(2, 3), CableKey(3, 4), CableKey(0, 4), CableKey(1, 3),
            ],
            events: [.send(from: 4, to: 1, bytes: 4), .wait(milliseconds: 100), .stop(4)]),
        // Both ends of a cable move at once, and neither knows where the other is.
        SimulatedRun(
            seed: 2002, nodes: 2, cables: [CableKey(0, 1)], events: [.wait(milliseconds: 3000), .move(1), .move(0)]),
        // Both ends of a cable begin anew at once, while what they sent before is still under way.
        SimulatedRun(
            seed: 2, nodes: 2, cables: [CableKey(0, 1)],
            events: [
                .wait(milliseconds: 3000), .line(0, 1, .bad), .send(from: 0, to: 1, bytes: 20_000), .kill(0), .stop(1),
                .start(0, clockOff: 0), .start(1, clockOff: 0), .send(from: 1, to: 0, bytes: 100),
                .wait(milliseconds: 3000),
            ]),
    ]

    @Test(arguments: kept, NetworkPromises.declared)
    func keptRuns(run: SimulatedRun, promises: NetworkPromises) {
        let fault = run.fault(promises)
        #expect(fault == nil, "\(fault ?? "")")
    }
}
