import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

@Suite struct RoutingAlgorithmsTests {
    @Test func everyNameHasItsAlgorithm() {
        #expect(RoutingAlgorithms.named("onehop") is OneHop.Type)
        #expect(RoutingAlgorithms.named("beaconnet") is BeaconNet.Type)
        #expect(RoutingAlgorithms.named("forest?") == nil)
        #expect(RoutingAlgorithms.standard is BeaconNet.Type)
        let names = RoutingAlgorithms.all.map { $0.name }
        #expect(Set(names).count == names.count)
        for algorithm in RoutingAlgorithms.all {
            #expect(!algorithm.summary.isEmpty)
            let options = algorithm.options.map(\.name)
            #expect(Set(options).count == options.count)
            for option in algorithm.options { #expect(option.admits(option.standard) && !option.help.isEmpty) }
        }
    }

    /// What is set reaches the algorithm.
    @Test func anAlgorithmIsMadeAsItIsSet() {
        var options = RoutingOptions()
        #expect(BeaconNet(RoutingStart(sequence: 1, now: .distantPast, options: options)).places == 4096)
        options[BeaconNet.maxNodes] = .number(10_000)
        #expect(BeaconNet(RoutingStart(sequence: 1, now: .distantPast, options: options)).places == 10_000)
    }

    @Test func nothingIsSetThatAnOptionDoesNotAdmit() {
        let many = RoutingOption("many", .number(1...9, standard: 4), help: "")
        let eager = RoutingOption("eager", .flag(standard: false), help: "")
        var options = RoutingOptions()
        for value in [RoutingValue.number(0), .number(10), .flag(true)] { options[many] = value }
        options[eager] = .number(1)
        #expect(options.isEmpty && options.number(many) == 4 && !options.flag(eager))
        options[many] = .number(9)
        options[eager] = .flag(true)
        #expect(options.number(many) == 9 && options.flag(eager))
        options[many] = .number(4)
        options[eager] = .flag(false)
        #expect(options == RoutingOptions(), "what nobody needs to say")
    }

    /// Every verb arrives at the algorithm behind.
    @Test(arguments: NetworkPromises.declared)
    func answers(promises: NetworkPromises) { answers(promises.algorithm) }

    private func answers<Algorithm: RoutingAlgorithm>(_: Algorithm.Type) {
        let fabric = Fabric(seed: 5) { Algorithm(RoutingStart(sequence: $0, now: $1)) }
        fabric.build(.chain(2))
        let hosted = PrivateKey(generatedFrom: fabric.random)
        fabric.step(1) { $0.addLocal(hosted, now: fabric.now) }
        let version = fabric.nodes[0].algorithm.version
        fabric.run(for: .seconds(30))
        let near = fabric.nodes[0].algorithm
        #expect(near.version > version)
        #expect(near.nextHop(to: hosted.address) == fabric.id(1))
        #expect(near.find(prefix: hosted.address, bits: 99) == hosted.address)
        #expect(near.publicKey(of: hosted.address) == hosted.publicKey)
        #expect(near.statistics["neighbours"] == 1 && near.statistics["reachable"] == 2)
        #expect(near.deadline > fabric.now && near.deadline < .distantFuture)
        fabric.step(0) { $0.wanted(Address(raw: .zero), now: fabric.now) }
        #expect(fabric.nodes[0].algorithm.statistics["requests_sent"] > near.statistics["requests_sent"])
        fabric.step(0) { algorithm in
            #expect(algorithm.fault([9], from: fabric.id(1), now: fabric.now) == .truncated)
        }
        fabric.step(1) { $0.removeLocal(hosted.address, now: fabric.now) }
        fabric.run(for: .seconds(1))
        #expect(fabric.nodes[0].algorithm.nextHop(to: hosted.address) == nil)
        fabric.step(0) { $0.neighbourDown(fabric.id(1), now: fabric.now) }
        #expect(fabric.nodes[0].algorithm.nextHop(to: fabric.address(1)) == nil)
    }
}
