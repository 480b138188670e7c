import Mesh
import MeshSim
import Testing

/// Each registered algorithm is tested for all that it promises, and so is one of the tests' own.
extension NetworkPromises {
    static let declared = RoutingAlgorithms.all.map { NetworkPromises($0) }

    static let ours = NetworkPromises(SourceRoute.self)
    static let asked = declared + [ours]

    static let relaying = asked.filter(\.relays)
    static let loopFree = asked.filter(\.isLoopFree)
    static let knowing = asked.filter(\.knowsWhoIsGone)
}

@Suite struct DeclaredPromisesTests {
    @Test func everyAlgorithmIsEntered() {
        #expect(NetworkPromises.declared.map(\.network) == ["beaconnet", "onehop"])
        // Nobody promises less than what is known of these two.
        for promises in NetworkPromises.declared { #expect(promises.isLoopFree && promises.knowsWhoIsGone) }
        #expect(NetworkPromises.declared.map(\.reach) == [nil, 1])
        #expect(!NetworkPromises.relaying.isEmpty && NetworkPromises.relaying.count < NetworkPromises.asked.count)
    }

    @Test func reachIsCountedInLinks() {
        let shape = Topology.chain(4)
        let near = NetworkPromises(
            OneHop.self, RoutingPromises(reach: 2, isLoopFree: false, knowsWhoIsGone: false))
        let far = NetworkPromises(
            OneHop.self, RoutingPromises(reach: nil, isLoopFree: false, knowsWhoIsGone: false))
        #expect(near.reached(in: shape) == [[1, 2], [0, 2, 3], [0, 1, 3], [1, 2]])
        #expect(far.reached(in: shape) == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
        #expect(near.relays && far.relays)
    }
}
