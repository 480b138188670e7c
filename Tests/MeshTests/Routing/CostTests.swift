import INET256
import Mesh
import MeshSim
import Testing
import Wire

/// Links that cost more than others, and change.
@Suite struct CostTests {
    private func fabric(_ seed: UInt64, _ wires: [(Int, Int)], boxes: Int) -> Fabric<BeaconNet> {
        let fabric = Fabric(seed: seed) { BeaconNet(sequence: $0, now: $1) }
        for _ in 0..<boxes { _ = fabric.addNode() }
        for (a, b) in wires { fabric.connect(a, b) }
        fabric.run(for: .seconds(5))
        return fabric
    }

    private func weigh(_ fabric: Fabric<BeaconNet>, _ a: Int, _ b: Int, _ cost: UInt8) {
        for (box, other) in [(a, b), (b, a)] {
            fabric.step(box) { $0.weigh(fabric.id(other), cost: cost, now: fabric.now) }
        }
    }

    private func hop(_ fabric: Fabric<BeaconNet>, _ from: Int, _ to: Int) -> Int? {
        fabric.nodes[from].algorithm.nextHop(to: fabric.address(to)).map { Int($0.rawValue) }
    }

    /// A way around is taken within round trips, not beacon periods, and left again when the link is good.
    @Test func aBadLinkIsGoneAround() {
        let fabric = fabric(1, [(0, 1), (1, 2), (0, 2)], boxes: 3)
        #expect(hop(fabric, 0, 1) == 1)
        weigh(fabric, 0, 1, 3)
        let around = fabric.run(atMost: .seconds(3)) { hop(fabric, 0, 1) == 2 && hop(fabric, 1, 0) == 2 }
        #expect(around != nil, "still straight")
        weigh(fabric, 0, 1, 1)
        #expect(hop(fabric, 0, 1) == 1 && hop(fabric, 1, 0) == 0)
        #expect(fabric.loops.isEmpty)
    }

    /// What is dear is still better than nothing, and than something dearer.
    @Test func whatIsDearIsBetterThanNothing() {
        let fabric = fabric(2, [(0, 1), (1, 2), (2, 3), (0, 3)], boxes: 4)
        weigh(fabric, 0, 1, 3)
        fabric.run(for: .seconds(3))
        // Three good links are as dear: the way in use stays.
        #expect(hop(fabric, 0, 1) == 1)
        weigh(fabric, 0, 1, 5)
        let around = fabric.run(atMost: .seconds(3)) { hop(fabric, 0, 1) == 3 }
        #expect(around != nil)
        fabric.cut(2, 3)
        let back = fabric.run(atMost: .seconds(5)) { hop(fabric, 0, 1) == 1 }
        #expect(back != nil)
        #expect(fabric.loops.isEmpty)
    }

    /// However costs change, at each end by itself: nothing ever goes around, and in the end everybody reaches everybody.
    @Test(arguments: Seeds.several(3)) func changingCostsMakeNoLoops(seed: UInt64) {
        let fabric = Fabric(seed: seed, quality: .bad) { BeaconNet(sequence: $0, now: $1) }
        let graph = Topology.random(12, extra: 10, seed: seed)
        fabric.build(graph)
        fabric.run(for: .seconds(5))
        let random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let (a, b) = graph.cables[Int(random.next() % UInt64(graph.cables.count))]
            let (box, other) = random.next() % 2 == 0 ? (a, b) : (b, a)
            // The extremes too: no sum may run over.
            let cost = [1, 3, 5, 64, 255][Int(random.next() % 5)] as UInt8
            fabric.step(box) { $0.weigh(fabric.id(other), cost: cost, now: fabric.now) }
            fabric.run(for: .milliseconds(100))
        }
        for (a, b) in graph.cables { weigh(fabric, a, b, 1) }
        let reached = fabric.run(atMost: .seconds(60)) { fabric.allReached }
        #expect(reached != nil, "seed \(seed): \(fabric.unreached().count) pairs")
        #expect(fabric.loops.isEmpty, "seed \(seed): \(fabric.loops.prefix(2))")
    }
}
