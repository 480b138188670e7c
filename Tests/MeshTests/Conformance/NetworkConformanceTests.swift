import INET256
import Mesh
import MeshSim
import Testing
import Wire

/// What every routing algorithm that reaches more than its neighbours must do, in the simulator, with the boxes of production.
@Suite struct NetworkConformanceTests {
    static let networks = ["beaconnet"]
    static let shapes: [Topology] = [
        .chain(2), .chain(5), .chain(20), .ring(10), .ring(50), .random(100, extra: 60, seed: 7),
    ]

    @Test(arguments: networks, shapes)
    func everyNodeReachesEveryOther(network: String, shape: Topology) {
        let simulation = shape.build(seed: 11, network: network)
        let all = Array(0..<shape.nodes)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(60)), "routes everywhere, seed 11")
        for source in all {
            let open = simulation.unanswered(from: [source], to: all, patience: .seconds(10))
            #expect(open.isEmpty, "no answer for \(open)")
        }
    }

    @Test(arguments: networks)
    func aBadLineStillCarries(network: String) {
        let simulation = Topology.chain(5).build(seed: 12, network: network, .poor)
        let all = Array(0..<5)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(60)))
        // Messages may be lost on such a line, but not all of ten.
        for target in 1..<5 {
            for number in 0..<10 {
                simulation.send([UInt8(number)], from: 0, to: simulation.address(target))
                simulation.run(for: .milliseconds(500))
            }
            let messages = simulation.received(target).map(\.message)
            #expect(messages.count >= 4, "node \(target) got \(messages.count) of 10 over \(target) bad lines")
            #expect(Set(messages).count == messages.count, "at most once")
        }
    }

    @Test(arguments: networks)
    func aDeadLinkIsGoneAround(network: String) {
        let simulation = Topology.ring(10).build(seed: 13, network: network)
        let all = Array(0..<10)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [1, 2], patience: .seconds(5)).isEmpty)
        simulation.setCable(0, 1, up: false)
        // Traffic makes the loss noticed at once; nothing else is told.
        let recovered = simulation.secondsUntilReached(from: 0, to: 1, within: .seconds(20))
        #expect(recovered != nil, "around the ring")
        if let recovered { #expect(recovered.inSeconds < 10, "took \(recovered.inSeconds) s") }
    }

    @Test(arguments: networks)
    func aDeadNodeIsGoneAround(network: String) {
        let simulation = Topology.ring(10).build(seed: 14, network: network)
        #expect(simulation.run(until: { simulation.allFound(Array(0..<10)) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [2], patience: .seconds(5)).isEmpty)
        simulation.killNode(1)
        let recovered = simulation.secondsUntilReached(from: 0, to: 2, within: .seconds(20))
        #expect(recovered != nil, "the other way round")
        if let recovered { #expect(recovered.inSeconds < 10, "took \(recovered.inSeconds) s") }
    }

    @Test(arguments: networks)
    func aNodeThatComesBackIsReached(network: String) {
        let simulation = Topology.chain(3).build(seed: 15, network: network)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2]) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [2], patience: .seconds(5)).isEmpty)
        simulation.killNode(1)
        simulation.run(for: .seconds(2))
        simulation.startNode(1)
        let recovered = simulation.secondsUntilReached(from: 0, to: 2, within: .seconds(20))
        if let recovered {
            #expect(recovered.inSeconds < 3, "took \(recovered.inSeconds) s")
        } else {
            Issue.record("not reached again")
        }
    }

    @Test(arguments: networks)
    func aPartitionHeals(network: String) {
        let simulation = Topology.ring(10).build(seed: 16, network: network)
        let all = Array(0..<10)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(30)))
        simulation.setCable(0, 9, up: false)
        simulation.setCable(4, 5, up: false)
        simulation.run(for: .seconds(30))
        // Inside each half traffic goes on; across there is none.
        #expect(simulation.unanswered(from: [0], to: [1, 2, 3, 4], patience: .seconds(5)).isEmpty)
        #expect(simulation.unanswered(from: [0], to: [5], patience: .seconds(4)).count == 1)
        simulation.setCable(0, 9, up: true)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(30)), "whole again")
        #expect(simulation.unanswered(from: [0, 4], to: all, patience: .seconds(10)).isEmpty)
    }

    @Test(arguments: networks, [Topology.ring(10), .random(20, extra: 15, seed: 3)])
    func packetsNeverGoRound(network: String, shape: Topology) {
        let simulation = shape.build(seed: 17, network: network, .poor)
        var loops: [String] = []
        simulation.afterEachStep = {
            if let loop = simulation.findLoop(), loops.count < 3 { loops.append(loop) }
        }
        simulation.run(for: .seconds(4))
        // Links and nodes die and return while routes are still moving.
        let random = SeededRandom(seed: 99)
        for _ in 0..<6 {
            let (a, b) = shape.cables[Int(random.next(below: UInt32(shape.cables.count)))]
            simulation.setCable(a, b, up: false)
            simulation.run(for: .milliseconds(Int64(random.next(below: 4000))))
            let victim = Int(random.next(below: UInt32(shape.nodes)))
            simulation.killNode(victim)
            simulation.run(for: .milliseconds(Int64(random.next(below: 3000))))
            simulation.startNode(victim)
            simulation.setCable(a, b, up: true)
            simulation.run(for: .milliseconds(Int64(random.next(below: 2000))))
        }
        #expect(loops.isEmpty, "\(loops)")
    }

    @Test func neighboursOnlyInOneHop() {
        let simulation = Topology.chain(3).build(seed: 18, network: "onehop")
        let linked = { simulation.allFound([0, 1]) && simulation.allFound([1, 2]) }
        #expect(simulation.run(until: linked, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [1], patience: .seconds(5)).isEmpty)
        #expect(simulation.unanswered(from: [0], to: [2], patience: .seconds(5)).count == 1, "two hops away")
    }

    @Test func sameSeedSameRun() {
        func run(_ seed: UInt64) -> UInt64 {
            let simulation = Topology.random(12, extra: 6, seed: 5).build(seed: seed, network: "beaconnet", .poor)
            simulation.run(for: .seconds(5))
            simulation.send(Array("hello".utf8), from: 0, to: simulation.address(7))
            simulation.setCable(0, 1, up: false)
            simulation.run(for: .seconds(10))
            return simulation.fingerprint
        }
        let first = run(21)
        #expect(run(21) == first)
        #expect(run(22) != first)
    }
}
