import INET256
import Mesh
import MeshSim
import Testing
import Wire

/// What every routing algorithm must do that promises it, in the simulator, with the boxes of production.
@Suite struct NetworkConformanceTests {
    static let shapes: [Topology] = [
        .chain(2), .chain(5), .chain(20), .ring(10), .ring(50), .random(100, extra: 60, seed: 7),
    ]

    @Test(arguments: NetworkPromises.declared, shapes)
    func everyNodeReachesWhoItMust(promises: NetworkPromises, shape: Topology) {
        let simulation = shape.build(seed: 11, promises.algorithm)
        let reached = promises.reached(in: shape)
        let found = simulation.run(
            until: {
                reached.enumerated().allSatisfy { node, others in others.allSatisfy { simulation.knows(node, $0) } }
            }, within: .seconds(60))
        #expect(found, "routes everywhere, seed 11")
        for (source, others) in reached.enumerated() {
            let open = simulation.unanswered(from: [source], to: others, patience: .seconds(10))
            #expect(open.isEmpty, "no answer for \(open)")
            let beyond = (0..<shape.nodes).filter { $0 != source && !others.contains($0) }
            #expect(!beyond.contains { simulation.knows(source, $0) }, "beyond its reach, from \(source)")
        }
        // Nor do messages get there.
        guard let last = (0..<shape.nodes).last, last > 0, !reached[0].contains(last) else { return }
        #expect(simulation.unanswered(from: [0], to: [last], patience: .seconds(5)).count == 1)
    }

    /// Not in the largest shapes: everybody tells everybody everything.
    @Test(arguments: shapes.filter { $0.nodes <= 10 })
    func everyNodeReachesWhoItMustByHeaders(shape: Topology) {
        everyNodeReachesWhoItMust(promises: .ours, shape: shape)
    }

    @Test(arguments: NetworkPromises.asked)
    func aBadLineStillCarries(promises: NetworkPromises) {
        let shape = Topology.chain(5)
        let simulation = shape.build(seed: 12, promises.algorithm, .poor)
        let targets = promises.reached(in: shape)[0]
        #expect(simulation.run(until: { targets.allSatisfy { simulation.knows(0, $0) } }, within: .seconds(60)))
        simulation.run(for: .seconds(5))
        // Messages may be lost on such a line, but not all of ten.
        for target in targets {
            for number in 0..<10 {
                simulation.send([UInt8(number)], from: 0, to: simulation.address(target))
                simulation.run(for: .milliseconds(500))
            }
            let messages = simulation.received(target).map(\.message)
            #expect(messages.count >= 4, "node \(target) got \(messages.count) of 10 over \(target) bad lines")
            #expect(Set(messages).count == messages.count, "at most once")
        }
    }

    @Test(arguments: NetworkPromises.relaying)
    func aDeadLinkIsGoneAround(promises: NetworkPromises) {
        let simulation = Topology.ring(10).build(seed: 13, promises.algorithm)
        let all = Array(0..<10)
        #expect(simulation.run(until: { simulation.allFound(all) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [1, 2], patience: .seconds(5)).isEmpty)
        simulation.setCable(0, 1, up: false)
        // Traffic makes the loss noticed at once; nothing else is told.
        let recovered = simulation.secondsUntilReached(from: 0, to: 1, within: .seconds(20))
        #expect(recovered != nil, "around the ring")
        if let recovered { #expect(recovered.inSeconds < 10, "took \(recovered.inSeconds) s") }
    }

    @Test(arguments: NetworkPromises.relaying)
    func aDeadNodeIsGoneAround(promises: NetworkPromises) {
        let simulation = Topology.ring(10).build(seed: 14, promises.algorithm)
        #expect(simulation.run(until: { simulation.allFound(Array(0..<10)) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0], to: [2], patience: .seconds(5)).isEmpty)
        simulation.killNode(1)
        let recovered = simulation.secondsUntilReached(from: 0, to: 2, within: .seconds(20))
        #expect(recovered != nil, "the other way round")
        if let recovered { #expect(recovered.inSeconds < 10, "took \(recovered.inSeconds) s") }
    }

    @Test(arguments: NetworkPromises.relaying)
    func aNodeThatComesBackIsReached(promises: NetworkPromises) {
        let simulation = Topology.chain(3).build(seed: 15, promises.algorithm)
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

    @Test(arguments: NetworkPromises.relaying)
    func aPartitionHeals(promises: NetworkPromises) {
        let simulation = Topology.ring(10).build(seed: 16, promises.algorithm)
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

    @Test(arguments: NetworkPromises.loopFree, [Topology.ring(10), .random(20, extra: 15, seed: 3)])
    func packetsNeverGoRound(promises: NetworkPromises, shape: Topology) {
        let simulation = shape.build(seed: 17, promises.algorithm, .poor)
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

    /// Who is gone has no next hop any more, and who asks for it hears that there is none.
    @Test(arguments: NetworkPromises.knowing)
    func whoIsGoneIsForgotten(promises: NetworkPromises) {
        let simulation = Topology.ring(6).build(seed: 18, promises.algorithm)
        #expect(simulation.run(until: { simulation.knows(1, 2) && simulation.knows(3, 2) }, within: .seconds(30)))
        simulation.run(for: .seconds(5))
        simulation.killNode(2)
        let isForgotten = { ![0, 1, 3, 4, 5].contains { simulation.knows($0, 2) } }
        #expect(simulation.run(until: isForgotten, within: .seconds(60)))
    }

    @Test(arguments: NetworkPromises.asked)
    func sameSeedSameRun(promises: NetworkPromises) {
        func run(_ seed: UInt64) -> UInt64 {
            let simulation = Topology.random(12, extra: 6, seed: 5).build(seed: seed, promises.algorithm, .poor)
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

extension Simulation {
    fileprivate func knows(_ node: Int, _ other: Int) -> Bool { box(node)?.nextHop(to: address(other)) != nil }
}
