import Mesh
import MeshSim
import Testing
import Wire

/// What every routing algorithm must do, alone: without boxes, over links as bad as any.
@Suite struct BareConformanceTests {
    static let shapes: [Topology] = [.chain(5), .ring(10), .random(20, extra: 15, seed: 3)]

    private func fabric<Algorithm: RoutingAlgorithm>(
        _: Algorithm.Type, _ shape: Topology, seed: UInt64
    ) -> Fabric<Algorithm> {
        let fabric = Fabric(seed: seed, quality: .bad) { Algorithm(RoutingStart(sequence: $0, now: $1)) }
        fabric.build(shape)
        return fabric
    }

    private func knows<Algorithm>(_ fabric: Fabric<Algorithm>, _ node: Int, _ other: Int) -> Bool {
        fabric.nodes[node].algorithm.nextHop(to: fabric.address(other)) != nil
    }

    @Test(arguments: NetworkPromises.asked, shapes)
    func reachesWhatItPromises(promises: NetworkPromises, shape: Topology) {
        reaches(promises.algorithm, promises, shape)
    }

    private func reaches<Algorithm: RoutingAlgorithm>(
        _ algorithm: Algorithm.Type, _ promises: NetworkPromises, _ shape: Topology
    ) {
        let seed = Seeds.fresh()
        let fabric = fabric(algorithm, shape, seed: seed)
        let reached = promises.reached(in: shape)
        let found = fabric.run(atMost: .seconds(20)) {
            reached.enumerated().allSatisfy { node, others in others.allSatisfy { knows(fabric, node, $0) } }
        }
        #expect(found != nil, "seed \(seed)")
        for (node, others) in reached.enumerated() {
            for other in 0..<shape.nodes where other != node {
                #expect(knows(fabric, node, other) == others.contains(other), "\(node) and \(other), seed \(seed)")
            }
        }
        #expect(fabric.refusals.isEmpty, "seed \(seed)")
        if promises.isLoopFree { #expect(fabric.loops.isEmpty, "seed \(seed)") }
    }

    @Test(arguments: NetworkPromises.knowing)
    func forgetsWhoIsGone(promises: NetworkPromises) throws {
        try forgets(promises.algorithm, promises)
    }

    private func forgets<Algorithm: RoutingAlgorithm>(
        _ algorithm: Algorithm.Type, _ promises: NetworkPromises
    ) throws {
        let seed = Seeds.fresh()
        let fabric = fabric(algorithm, .ring(6), seed: seed)
        let known = fabric.run(atMost: .seconds(20)) { knows(fabric, 1, 2) && knows(fabric, 3, 2) }
        try #require(known != nil, "seed \(seed)")
        fabric.kill(2)
        let forgotten = fabric.run(atMost: .seconds(10)) { ![0, 1, 3, 4, 5].contains { knows(fabric, $0, 2) } }
        #expect(forgotten != nil, "seed \(seed)")
        if promises.isLoopFree { #expect(fabric.loops.isEmpty, "seed \(seed)") }
        // And who comes back is found, though it forgot all and its clock is wrong.
        fabric.restart(2, clockBack: 3_600_000)
        for other in [1, 3] { fabric.connect(2, other) }
        let back = fabric.run(atMost: .seconds(10)) {
            knows(fabric, 1, 2) && knows(fabric, 3, 2) && knows(fabric, 2, 1)
        }
        #expect(back != nil, "seed \(seed)")
    }
}
