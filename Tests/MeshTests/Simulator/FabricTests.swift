import Mesh
import MeshSim
import Testing
import Wire

/// Many bare algorithms on one clock.
@Suite struct FabricTests {
    /// Ten thousand of them tick for ten seconds of virtual time, each by its own timer.
    @Test func tenThousandNodes() {
        let fabric = Fabric(seed: 1) { _, now in RunFaultTests.Restless(pause: .seconds(1), now: now) }
        fabric.checksLoops = false
        fabric.build(.random(10_000, extra: 0, seed: 1))
        fabric.run(for: .seconds(10))
        #expect(fabric.fault == nil)
        #expect(fabric.nodes.allSatisfy { $0.algorithm.ticks == 10 })
        #expect(fabric.nodes.map(\.sessions.count).reduce(0, +) == 2 * 9_999)
    }
}
