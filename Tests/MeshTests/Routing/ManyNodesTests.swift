import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Thousands of nodes of one box that close at once are gone everywhere at once.
@Suite struct ManyNodesTests {
    /// - Parameter places: what the other boxes have room for; nil for as many as there are.
    @Test(arguments: [nil, 4096] as [Int?]) func closedAtOnce(places: Int?) throws {
        var limits = BeaconNetLimits()
        let count = 5000
        limits = BeaconNetLimits(origins: places ?? 8192)
        let fabric = Fabric(seed: 8) { [limits] in BeaconNet(sequence: $0, now: $1, limits: limits) }
        fabric.build(.chain(3))
        let nodes = (0..<count).map { _ in PrivateKey(generatedFrom: fabric.random) }
        fabric.step(0) { for node in nodes { $0.addLocal(node, now: fabric.now) } }
        func reachable(_ box: Int) -> Int { nodes.count { fabric.nodes[box].algorithm.nextHop(to: $0.address) != nil } }
        // Without a configured limit 3,584 places may be one neighbour's.
        let room = places == nil ? count : 3500
        fabric.run(for: .seconds(30))
        for box in 1...2 { try #require(reachable(box) >= room, "\(reachable(box)) of \(count) known to box \(box)") }
        let asked = fabric.nodes.map(\.algorithm.counts.requestsSent).reduce(0, +)

        fabric.step(0) { for node in nodes { $0.removeLocal(node.address, now: fabric.now) } }
        fabric.run(for: .seconds(2))
        for box in 1...2 { #expect(reachable(box) == 0, "box \(box)") }
        // By their own word: nobody looks for them.
        fabric.run(for: .seconds(5))
        #expect(fabric.nodes.map(\.algorithm.counts.requestsSent).reduce(0, +) == asked)
        // Nor does what they leave behind keep others out.
        let late = PrivateKey(generatedFrom: fabric.random)
        fabric.step(2) { $0.addLocal(late, now: fabric.now) }
        fabric.run(for: .seconds(1))
        #expect(fabric.nodes[0].algorithm.nextHop(to: late.address) == fabric.id(1))
        #expect(fabric.loops.isEmpty)
    }
}
