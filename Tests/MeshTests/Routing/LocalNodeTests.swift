import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Nodes that boxes host besides their own come, go and move.
@Suite struct LocalNodeTests {
    @Test func hostedNodesAreReachedAndForgotten() {
        let fabric = FailureTests.fabric(.chain(6), seed: 21)
        let hosted = PrivateKey(generatedFrom: fabric.random)
        fabric.step(5) { $0.addLocal(hosted, now: fabric.now) }
        let known = fabric.run(atMost: .seconds(1)) {
            (0..<5).allSatisfy { fabric.nodes[$0].algorithm.nextHop(to: hosted.address) == fabric.id($0 + 1) }
        }
        #expect(known != nil)
        let far = fabric.nodes[0].algorithm
        #expect(far.publicKey(of: hosted.address) == hosted.publicKey)
        #expect(far.find(prefix: hosted.address, bits: 60) == hosted.address)
        #expect(fabric.nodes[5].algorithm.nextHop(to: hosted.address) == nil)
        #expect(fabric.nodes[5].algorithm.find(prefix: hosted.address, bits: 256) == hosted.address)

        let asked = fabric.nodes.map(\.algorithm.counts.requestsSent).reduce(0, +)
        fabric.step(5) { $0.removeLocal(hosted.address, now: fabric.now) }
        let gone = fabric.run(atMost: .seconds(1)) {
            fabric.nodes.allSatisfy {
                $0.algorithm.nextHop(to: hosted.address) == nil
                    && $0.algorithm.find(prefix: hosted.address, bits: 60) == nil
            }
        }
        #expect(gone != nil)
        // It took itself back, so nobody looks for it.
        fabric.run(for: .seconds(2))
        #expect(fabric.nodes.map(\.algorithm.counts.requestsSent).reduce(0, +) == asked)
        // And after a while, when no beacon of it can still be about, nobody remembers.
        fabric.run(for: .seconds(300 + 60 + 10))
        for box in fabric.nodes { #expect(box.algorithm.publicKey(of: hosted.address) == nil) }
        #expect(fabric.nodes[0].algorithm.counts.knownOrigins == 5)
        #expect(fabric.loops.isEmpty)
    }

    @Test func aNodeMovesToAnotherBox() {
        let fabric = FailureTests.fabric(.chain(5), seed: 22)
        let hosted = PrivateKey(generatedFrom: fabric.random)
        fabric.step(0) { $0.addLocal(hosted, now: fabric.now) }
        fabric.run(for: .seconds(1))
        #expect(fabric.nodes[2].algorithm.nextHop(to: hosted.address) == fabric.id(1))
        fabric.step(0) { $0.removeLocal(hosted.address, now: fabric.now) }
        fabric.step(4) { $0.addLocal(hosted, now: fabric.now) }
        let moved = fabric.run(atMost: .seconds(1)) {
            (0..<4).allSatisfy { fabric.nodes[$0].algorithm.nextHop(to: hosted.address) == fabric.id($0 + 1) }
        }
        #expect(moved != nil)
    }

    @Test func oneKeyInTwoPlacesCostsABoundedNumberOfBeacons() {
        let fabric = FailureTests.fabric(.chain(4), seed: 23)
        let twin = PrivateKey(generatedFrom: fabric.random)
        fabric.step(0) { $0.addLocal(twin, now: fabric.now) }
        fabric.step(3) { $0.addLocal(twin, now: fabric.now) }
        let before = fabric.nodes[0].algorithm.locals[twin.address]?.beacon.sequence ?? 0
        fabric.run(for: .seconds(30))
        let after = fabric.nodes[0].algorithm.locals[twin.address]?.beacon.sequence ?? 0
        // Each outdoes the other: a burst, then about one a second each.
        #expect(after - before < 2 * (8 + 30 + 4), "\(after - before)")
        #expect(fabric.loops.isEmpty)
    }

    @Test func findTakesPrefixesOfAnyLength() {
        let fabric = FailureTests.fabric(.chain(8), seed: 24)
        let algorithm = fabric.nodes[3].algorithm
        for box in fabric.nodes.indices {
            let address = fabric.address(box)
            #expect(algorithm.find(prefix: address, bits: 256) == address)
            #expect(algorithm.find(prefix: address, bits: 64) == address)
            #expect(algorithm.find(prefix: address.masked(to: 64), bits: 64) == address)
            var other = address
            other.raw.words.3 ^= 1
            #expect(algorithm.find(prefix: other, bits: 256) == nil)
            #expect(algorithm.find(prefix: other, bits: 255) == address)
        }
        #expect(algorithm.find(prefix: Address(raw: .zero), bits: 0) != nil)
        #expect(algorithm.find(prefix: Address(raw: .zero), bits: 257) == nil)
        #expect(algorithm.find(prefix: Address(raw: .zero), bits: -1) == nil)
        let least = fabric.nodes.map(\.key.address).min()
        #expect(algorithm.find(prefix: Address(raw: .zero), bits: 0) == least)
    }

    @Test func versionGrowsWithEveryAnswerThatChanges() {
        let random = SeededRandom(seed: 25)
        let start = Instant(nanoseconds: 1_000_000_000)
        var speaker = Speaker(1, random)
        var listener = BeaconNet(sequence: 1, now: start)
        var version = listener.version
        func grew() -> Bool {
            defer { version = listener.version }
            return listener.version > version
        }
        let local = PrivateKey(generatedFrom: random)
        listener.addLocal(local, now: start)
        #expect(grew())
        listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start)
        #expect(grew())
        let far = FarNode(random)
        speaker.say(.beacon(far.beacon(1), metric: 1), to: &listener, now: start)
        #expect(grew())
        speaker.say(.beacon(far.beacon(2), metric: 1), to: &listener, now: start)
        #expect(!grew())
        speaker.say(.retraction(far.address), to: &listener, now: start)
        #expect(grew())
        listener.removeLocal(local.address, now: start)
        #expect(grew())
        listener.neighbourDown(speaker.id, now: start)
        #expect(grew())
        #expect(listener.nextHop(to: speaker.key.address) == nil)
    }

    /// Traffic for an unknown destination asks around, and a box that does know answers.
    @Test func wantedAsksAround() {
        let random = SeededRandom(seed: 26)
        let start = Instant(nanoseconds: 1_000_000_000)
        var a = Speaker(1, random)
        let b = Speaker(2, random)
        var listener = BeaconNet(sequence: 1, now: start)
        listener.neighbourUp(a.id, key: a.key.publicKey, now: start)
        listener.neighbourUp(b.id, key: b.key.publicKey, now: start)
        let far = FarNode(random)
        listener.wanted(far.address, now: start)
        listener.wanted(far.address, now: start + .milliseconds(500))
        let asked = listener.takeOutput().requests
        #expect(asked.count == 2 && asked.allSatisfy { $0.address == far.address && $0.sequence == 0 })
        a.say(.beacon(far.beacon(4), metric: 3), to: &listener, now: start + .milliseconds(600))
        #expect(listener.nextHop(to: far.address) == a.id)
        // Known now: nothing to ask.
        _ = listener.takeOutput()
        listener.wanted(far.address, now: start + .seconds(5))
        #expect(listener.takeOutput().requests.isEmpty)
        // And who asks us is answered.
        var c = Speaker(3, random)
        listener.neighbourUp(c.id, key: c.key.publicKey, now: start + .seconds(5))
        _ = listener.takeOutput()
        c.say(.request(far.address, 0), to: &listener, now: start + .seconds(5))
        #expect(listener.takeOutput().to(c.id).beacons.map(\.beacon.address) == [far.address])
    }
}
