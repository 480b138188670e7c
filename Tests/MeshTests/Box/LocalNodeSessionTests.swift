import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Several nodes in one box, each with its own key.
@Suite struct LocalNodeSessionTests {
    private func send(
        _ bench: Bench, _ message: [UInt8], _ box: Int, _ node: NodeID, to address: Address
    ) -> SendOutcome {
        message.withUnsafeBytes { bench.boxes[box].send($0, from: node, to: address, now: bench.now) }
    }

    @Test func eachSpeaksWithItsOwnKey() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let keys = (0..<4).map { _ in PrivateKey(generatedFrom: bench.random) }
        let here = try keys[0..<2].map { try bench.boxes[0].open($0, now: bench.now) }
        let there = try keys[2..<4].map { try bench.boxes[1].open($0, now: bench.now) }
        bench.run(for: .seconds(2))
        for (source, from) in here.enumerated() {
            for (target, to) in there.enumerated() {
                let message = [UInt8(source), UInt8(target)]
                _ = send(bench, message, 0, from, to: keys[2 + target].address)
                bench.run(for: .seconds(1))
                let expected = Bench.Delivered(box: 1, node: to, source: keys[source].address, message: message)
                #expect(bench.delivered.last == expected, bench.comment)
                _ = send(bench, message + [9], 1, to, to: keys[source].address)
                bench.run(for: .seconds(1))
                let back = Bench.Delivered(box: 0, node: from, source: keys[2 + target].address, message: message + [9])
                #expect(bench.delivered.last == back, bench.comment)
            }
        }
        #expect(bench.delivered.count == 8, bench.comment)
        #expect(bench.boxes[0].status(now: bench.now).nodes.count == 3)
    }

    @Test func loopbackBetweenThem() throws {
        let bench = Bench(1)
        let key = PrivateKey(generatedFrom: bench.random)
        let node = try bench.boxes[0].open(key, now: bench.now)
        #expect(send(bench, [1], 0, .main, to: key.address) == .loopback(node))
        #expect(send(bench, [1], 0, node, to: bench.address(0)) == .loopback(.main))
        #expect(send(bench, [1], 0, node, to: key.address) == .loopback(node))
        #expect(bench.boxes[0].find(prefix: key.address, bits: 256) == key.address)
        #expect(bench.boxes[0].publicKey(of: key.address) == key.publicKey)
        let large = [UInt8](repeating: 0, count: 65_536)
        #expect(send(bench, large, 0, node, to: key.address) == .dropped(.messageTooLarge))
    }

    @Test func openTwiceAndTooMany() throws {
        let bench = Bench(1) { $0.limits.maximumLocalNodes = 3 }
        let key = PrivateKey(generatedFrom: bench.random)
        _ = try bench.boxes[0].open(key, now: bench.now)
        #expect(throws: MeshBox.NodeError.alreadyOpen) { try bench.boxes[0].open(key, now: bench.now) }
        #expect(throws: MeshBox.NodeError.alreadyOpen) { try bench.boxes[0].open(bench.keys[0], now: bench.now) }
        let other = try bench.boxes[0].open(PrivateKey(generatedFrom: bench.random), now: bench.now)
        #expect(throws: MeshBox.NodeError.tooMany(limit: 3)) {
            try bench.boxes[0].open(PrivateKey(generatedFrom: bench.random), now: bench.now)
        }
        bench.boxes[0].close(other, now: bench.now)
        #expect(throws: Never.self) { try bench.boxes[0].open(PrivateKey(generatedFrom: bench.random), now: bench.now) }
    }

    @Test func closeEndsTheirSessions() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let key = PrivateKey(generatedFrom: bench.random)
        let node = try bench.boxes[0].open(key, now: bench.now)
        bench.run(for: .seconds(1))
        bench.send([0], from: 0, to: 1)
        _ = send(bench, [1], 0, node, to: bench.address(1))
        bench.run(for: .seconds(1))
        try #require(bench.delivered.count == 2)
        let used = bench.boxes[0].indices.inUse
        bench.boxes[0].close(node, now: bench.now)
        #expect(bench.boxes[0].allSessions.allSatisfy { $0.local.isMain })
        #expect(bench.boxes[0].indices.inUse < used)
        #expect(bench.boxes[0].nodes.hints == 1, "a closed node's hint is kept, \(bench.comment)")
        bench.exchange()
        // The far end was told; to it the node is gone.
        #expect(!bench.boxes[1].allSessions.contains { $0.remote == key.address && $0.current != nil }, bench.comment)
        #expect(send(bench, [2], 0, node, to: bench.address(1)) == .dropped(.nodeClosed))
        bench.run(for: .seconds(2))
        #expect(bench.boxes[1].find(prefix: key.address, bits: 256) == nil, bench.comment)
        // The main node's session is untouched.
        bench.send([3], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.last?.message == [3] && bench.isLinked(0, 1), bench.comment)
    }

    /// Somebody who answers a node's handshake late, when the node is gone.
    @Test func halfOpenHandshakesOfAClosedNode() throws {
        let bench = Bench(1)
        let key = PrivateKey(generatedFrom: bench.random)
        let node = try bench.boxes[0].open(key, now: bench.now)
        let stranger = Stranger(bench.random)
        bench.give(stranger.call(key.address), to: 0, from: bench.elsewhere(1))
        let answer = try #require(bench.take(0).first { $0.kind == .response })
        bench.boxes[0].close(node, now: bench.now)
        #expect(bench.boxes[0].answering.responses.isEmpty && bench.boxes[0].indices.inUse == 0)
        bench.give(try stranger.finish(answer.bytes, now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeUnexpected] == 1 && bench.boxes[0].allSessions.isEmpty)
        bench.give(stranger.call(key.address), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeUnknownAddress] == 1)
    }

    @Test func aNodeThatMovesIntoThisBox() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let key = PrivateKey(generatedFrom: bench.random)
        let old = try bench.boxes[1].open(key, now: bench.now)
        bench.run(for: .seconds(1))
        _ = send(bench, [1], 0, .main, to: key.address)
        bench.run(for: .seconds(1))
        try #require(bench.delivered.last?.node == old)
        let new = try bench.boxes[0].open(key, now: bench.now)
        let outcome = send(bench, [2], 0, .main, to: key.address)
        #expect(outcome == .loopback(new), "it goes to where the node was, \(bench.comment)")
    }

    @Test func manyOpenedAndClosedLeaveNothing() throws {
        let bench = Bench(1)
        for _ in 0..<200 {
            let node = try bench.boxes[0].open(PrivateKey(generatedFrom: bench.random), now: bench.now)
            bench.boxes[0].close(node, now: bench.now)
        }
        let box = bench.boxes[0]
        #expect(box.nodes.places.count <= 2 && box.nodes.count == 1 && box.nodes.hints == 1)
        #expect(box.sessions.isEmpty && box.indices.inUse == 0)
    }
}
