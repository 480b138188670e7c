import INET256
import Mesh
import MeshSim
import Testing
import Wire

/// Links and boxes die and come back: traffic finds the ways that are left within 2 s, and never a circle.
@Suite struct FailureTests {
    static func fabric(_ graph: Topology, seed: UInt64, _ quality: CableQuality = .uneven) -> Fabric<BeaconNet> {
        let fabric = Fabric(seed: seed, quality: quality) { BeaconNet(sequence: $0, now: $1) }
        fabric.build(graph)
        let reached = fabric.run(atMost: .seconds(6)) { fabric.unreached(shortest: true).isEmpty }
        #expect(reached != nil, "seed \(seed)")
        return fabric
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func ringLosesALink(seed: UInt64) {
        let fabric = Self.fabric(.ring(20), seed: seed)
        fabric.cut(0, 19)
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        #expect(healed != nil, "seed \(seed): \(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func lossyRingLosesALink(seed: UInt64) {
        let fabric = Self.fabric(.ring(10), seed: seed, .bad)
        fabric.cut(3, 4)
        let healed = fabric.run(atMost: .seconds(4)) { fabric.allReached }
        #expect(healed != nil, "seed \(seed): \(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func boxDies(seed: UInt64) {
        var graph = Topology.ring(16)
        graph.join(2, 11)
        let fabric = Self.fabric(graph, seed: seed)
        fabric.kill(5)
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        #expect(healed != nil, "seed \(seed): \(fabric.unreached().prefix(3))")
        // Nobody goes on believing in the dead one.
        let gone = fabric.run(atMost: .seconds(2)) {
            fabric.nodes.indices.allSatisfy {
                fabric.nodes[$0].algorithm.nextHop(to: fabric.address(5)) == nil || $0 == 5
            }
        }
        #expect(gone != nil, "seed \(seed)")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func partitionHeals(seed: UInt64) {
        let fabric = Self.fabric(.chain(12), seed: seed)
        fabric.cut(5, 6)
        fabric.run(for: .seconds(40))
        for (near, far) in [(0, 11), (5, 6), (11, 0), (6, 5)] {
            #expect(fabric.nodes[near].algorithm.nextHop(to: fabric.address(far)) == nil, "seed \(seed)")
        }
        fabric.connect(5, 6)
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        #expect(healed != nil, "seed \(seed): \(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
    }

    @Test(arguments: [(1, 0), (2, 0), (3, 3_600_000)] as [(UInt64, UInt64)])
    func boxRestarts(seed: UInt64, clockBack: UInt64) {
        let fabric = Self.fabric(.ring(8), seed: seed)
        fabric.kill(2)
        fabric.run(for: .seconds(1))
        fabric.restart(2, clockBack: clockBack)
        fabric.connect(1, 2)
        fabric.connect(2, 3)
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        #expect(healed != nil, "seed \(seed), clock back \(clockBack) ms: \(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty, "seed \(seed)")
    }

    /// A link that only one end knows to have been down and up again: the other end must start over as well.
    @Test func oneEndStartsOver() {
        let fabric = Self.fabric(.chain(4), seed: 1)
        let key = fabric.nodes[2].key.publicKey
        fabric.step(1) { $0.neighbourDown(fabric.id(2), now: fabric.now) }
        fabric.run(for: .seconds(3))
        fabric.step(1) { $0.neighbourUp(fabric.id(2), key: key, now: fabric.now) }
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        #expect(healed != nil, "\(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty)
    }

    /// Links go and come at random, faster than some are noticed. The invariant is the point; in the end all is well.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func storm(seed: UInt64) {
        let graph = Topology.random(12, extra: 8, seed: seed)
        let fabric = Self.fabric(graph, seed: seed, .bad)
        let random = SeededRandom(seed: seed &+ 1000)
        var down: [(Int, Int)] = []
        for _ in 0..<120 {
            if random.chance(permille: 500), !down.isEmpty {
                let edge = down.remove(at: Int(random.next() % UInt64(down.count)))
                fabric.connect(edge.0, edge.1)
            } else {
                let edge = graph.cables[Int(random.next() % UInt64(graph.cables.count))]
                if !down.contains(where: { $0 == edge }) {
                    fabric.cut(edge.0, edge.1)
                    down.append(edge)
                }
            }
            fabric.run(for: random.interval(.milliseconds(5)...Interval.milliseconds(400)))
        }
        for edge in down { fabric.connect(edge.0, edge.1) }
        let healed = fabric.run(atMost: .seconds(5)) { fabric.unreached(shortest: true).isEmpty }
        #expect(healed != nil, "seed \(seed): \(fabric.unreached().prefix(3))")
        #expect(fabric.loops.isEmpty, "seed \(seed): \(fabric.loops.prefix(3))")
        #expect(fabric.framesDelivered > 1000)
    }

    /// The beacons do not wait for their turn: repair is a matter of round trips.
    @Test func repairTakesRoundTrips() {
        let fabric = Self.fabric(.ring(12), seed: 7)
        fabric.run(for: .seconds(5))
        fabric.detection = .zero...Interval.zero
        fabric.cut(0, 11)
        let healed = fabric.run(atMost: .seconds(2)) { fabric.allReached }
        // A request goes at most around the ring and its answer back: 24 hops of 15 ms at most.
        #expect(healed.map { $0 <= .milliseconds(400) } == true, "\(String(describing: healed))")
    }
}
