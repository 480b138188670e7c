import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

@Suite struct OneHopTests {
    @Test(arguments: [1, 2] as [UInt64])
    func reachesNeighboursAndWhatTheyHostOnly(seed: UInt64) {
        let fabric = Fabric(seed: seed, quality: .bad) { OneHop(sequence: $0, now: $1) }
        fabric.build(.chain(4))
        let hosted = PrivateKey(generatedFrom: fabric.random)
        fabric.step(1) { $0.addLocal(hosted, now: fabric.now) }
        let known = fabric.run(atMost: .seconds(2)) {
            [0, 2].allSatisfy { fabric.nodes[$0].algorithm.nextHop(to: hosted.address) == fabric.id(1) }
        }
        #expect(known != nil, "seed \(seed)")
        fabric.run(for: .seconds(60))
        for (from, to) in [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)] {
            #expect(fabric.walk(from: from, to: fabric.address(to)) == .arrived(hops: 1), "seed \(seed)")
        }
        for (from, to) in [(0, 2), (0, 3), (1, 3), (3, 0)] {
            #expect(fabric.nodes[from].algorithm.nextHop(to: fabric.address(to)) == nil, "seed \(seed)")
        }
        #expect(fabric.nodes[3].algorithm.nextHop(to: hosted.address) == nil, "seed \(seed)")
        #expect(fabric.nodes[0].algorithm.find(prefix: hosted.address, bits: 50) == hosted.address, "seed \(seed)")
        fabric.step(1) { $0.removeLocal(hosted.address, now: fabric.now) }
        let gone = fabric.run(atMost: .seconds(2)) {
            fabric.nodes.allSatisfy { $0.algorithm.nextHop(to: hosted.address) == nil }
        }
        #expect(gone != nil, "seed \(seed)")
    }

    @Test func recordsMeanNothingToBeaconNet() {
        let random = SeededRandom(seed: 3)
        let start = Instant(nanoseconds: 1_000_000_000)
        var speaker = Speaker(1, random)
        let node = FarNode(random)
        let record = node.beacon(1, purpose: "inet256/onehop")
        var beaconNet = BeaconNet(sequence: 1, now: start)
        beaconNet.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start)
        #expect(speaker.say(.beacon(record, metric: 0), to: &beaconNet, now: start) == .forged)
        var oneHop = OneHop(sequence: 1, now: start)
        oneHop.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start)
        #expect(oneHop.fault(speaker.updates([.beacon(record, metric: 0)]), from: speaker.id, now: start) == nil)
        #expect(oneHop.nextHop(to: node.address) == speaker.id)
        // Heard of through somebody else is too far.
        let far = FarNode(random).beacon(1, purpose: "inet256/onehop")
        _ = oneHop.fault(speaker.updates([.beacon(far, metric: 1)]), from: speaker.id, now: start)
        #expect(oneHop.nextHop(to: far.address) == nil)
    }
}
