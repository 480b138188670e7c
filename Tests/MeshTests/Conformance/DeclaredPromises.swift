import Mesh
import MeshSim
import Testing

/// What each registered algorithm promises. A new one is entered here, and is tested for all that it does.
extension NetworkPromises {
    static let declared = [
        NetworkPromises(network: "beaconnet", reach: nil, isLoopFree: true, knowsWhoIsGone: true),
        NetworkPromises(network: "onehop", reach: 1, isLoopFree: true, knowsWhoIsGone: true),
    ]

    static let relaying = declared.filter(\.relays)
    static let loopFree = declared.filter(\.isLoopFree)
    static let knowing = declared.filter(\.knowsWhoIsGone)
}

@Suite struct DeclaredPromisesTests {
    @Test func everyAlgorithmIsEntered() {
        #expect(NetworkPromises.declared.map(\.network).sorted() == AnyNetwork.all.map(\.name).sorted())
        #expect(!NetworkPromises.relaying.isEmpty && NetworkPromises.relaying.count < NetworkPromises.declared.count)
    }

    @Test func reachIsCountedInLinks() {
        let shape = Topology.chain(4)
        let near = NetworkPromises(network: "", reach: 2, isLoopFree: false, knowsWhoIsGone: false)
        let far = NetworkPromises(network: "", reach: nil, isLoopFree: false, knowsWhoIsGone: false)
        #expect(near.reached(in: shape) == [[1, 2], [0, 2, 3], [0, 1, 3], [1, 2]])
        #expect(far.reached(in: shape) == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
        #expect(near.relays && far.relays)
    }
}
