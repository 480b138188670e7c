import INET256
import Mesh
import MeshSim
import Testing
import Wire

/// Everybody reaches everybody, by shortest ways, and never in a circle.
@Suite struct ConvergenceTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let graph: @Sendable (UInt64) -> Topology
        var quality = CableQuality.uneven
        /// Time for all to reach all, and then for ways to be shortest.
        var span = Interval.seconds(2)
    }

    static let cases = [
        Case(testDescription: "chain of 2", graph: { _ in .chain(2) }, span: .seconds(1)),
        Case(testDescription: "chain of 5", graph: { _ in .chain(5) }, span: .seconds(1)),
        Case(testDescription: "chain of 20", graph: { _ in .chain(20) }),
        Case(testDescription: "ring of 10", graph: { _ in .ring(10) }, span: .seconds(1)),
        Case(testDescription: "ring of 50", graph: { _ in .ring(50) }),
        Case(testDescription: "random 30", graph: { .random(30, extra: 20, seed: $0) }),
        Case(testDescription: "chain of 5, lossy", graph: { _ in .chain(5) }, quality: .bad),
        Case(testDescription: "chain of 20, lossy", graph: { _ in .chain(20) }, quality: .bad, span: .seconds(6)),
        Case(testDescription: "ring of 10, lossy", graph: { _ in .ring(10) }, quality: .bad),
        Case(
            testDescription: "random 30, lossy", graph: { .random(30, extra: 20, seed: $0) }, quality: .bad,
            span: .seconds(4)),
    ]

    @Test(arguments: cases, [1, 2] as [UInt64])
    func converges(_ example: Case, seed: UInt64) {
        let fabric = Fabric(seed: seed, quality: example.quality) { BeaconNet(sequence: $0, now: $1) }
        fabric.build(example.graph(seed))
        let reached = fabric.run(atMost: example.span) { fabric.allReached }
        #expect(reached != nil, "seed \(seed): \(fabric.unreached().count) pairs, e.g. \(fabric.unreached().prefix(1))")
        let shortest = fabric.run(atMost: .seconds(5)) { fabric.unreached(shortest: true).isEmpty }
        #expect(shortest != nil, "seed \(seed)")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
        // Long enough for beacons to be renewed and for what was not renewed to run out.
        fabric.run(for: .seconds(example.graph(seed).nodes > 10 ? 25 : 200))
        #expect(fabric.allReached, "seed \(seed)")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
        #expect(fabric.refusals.isEmpty, "seed \(seed)")
    }
}
