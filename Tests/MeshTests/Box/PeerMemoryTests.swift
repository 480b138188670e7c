import CLinux
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What a box keeps for each of its peers, as the allocator counts it.
@Suite(.serialized) struct PeerMemoryTests {
    /// The bytes that end with a box of `peers` active neighbours.
    private func heldWith(peers: Int) throws -> Int {
        let simulation = Simulation(seed: 11)
        let hub = simulation.addNode()
        let others = (0..<peers).map { _ in simulation.addNode() }
        for other in others { simulation.connect(hub, other) }
        simulation.run(for: .seconds(5))
        // Both ways, pieces too, and keys that were changed: everything that a session ever makes.
        for round in 0..<3 as Range<UInt8> {
            for other in others {
                _ = simulation.send([UInt8](repeating: round, count: 5_000), from: hub, to: simulation.address(other))
                _ = simulation.send([UInt8](repeating: round, count: 1_000), from: other, to: simulation.address(hub))
            }
            simulation.run(for: .seconds(130))
        }
        #expect(simulation.received(hub).count == 3 * peers)
        for other in others { #expect(simulation.received(other).count == 3) }
        #expect(try #require(simulation.box(hub)).status(now: simulation.now).links.count == peers)
        let before = clinux_allocated()
        simulation.killNode(hub)
        return Int(before) - Int(clinux_allocated())
    }

    @Test func aPeerCostsLessThan64Kilobytes() throws {
        let few = try heldWith(peers: 1)
        let many = try heldWith(peers: 33)
        let each = (many - few) / 32
        print("a peer costs \(each) bytes; a box with one \(few)")
        #expect(few > 100_000, "the box's own memory was not counted: \(few) bytes")
        #expect(each < 64 << 10, "\(each) bytes for each peer")
    }
}
