import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Lost, repeated and crossing handshake messages.
@Suite struct HandshakeRepetitionTests {
    /// When and what box 0 sends while nothing comes back.
    private func calls(_ bench: Bench, for span: Interval) -> [(at: Instant, bytes: [UInt8])] {
        var sent: [(Instant, [UInt8])] = []
        bench.run(for: span) { posted in
            sent.append((bench.now, posted.bytes))
            return false
        }
        return sent
    }

    @Test func repeatedByteForByteOnSchedule() throws {
        let bench = Bench {
            // A configured peer is asked more often than the schedule ends with.
            $0.limits.peerRetryCeiling = .seconds(60)
        }
        bench.introduce(0, to: 1)
        let sent = calls(bench, for: .seconds(89))
        try #require(sent.count > 15, bench.comment)
        #expect(sent.allSatisfy { $0.bytes == sent[0].bytes }, bench.comment)
        let schedule: [Interval] = [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(5)]
        for (place, pair) in zip(sent, sent.dropFirst()).enumerated() {
            let wait = schedule[min(place, schedule.count - 1)]
            let gap = pair.1.at - pair.0.at
            let comment: Comment = "repetition \(place) after \(gap.inSeconds) s, \(bench.comment)"
            #expect(gap >= wait && gap <= wait + wait / 4, comment)
        }
        // Jitter: not all of them at the very interval.
        #expect(Set(zip(sent, sent.dropFirst()).map { ($0.1.at - $0.0.at).nanoseconds }).count > 5, bench.comment)
    }

    @Test func aPeerIsAskedAtLeastEveryTwoSecondsAndAnewAfterNinety() {
        let bench = Bench()
        bench.introduce(0, to: 1)
        let sent = calls(bench, for: .seconds(200))
        for (first, second) in zip(sent, sent.dropFirst()) {
            #expect(second.at - first.at < .seconds(3), bench.comment)
        }
        let different = Set(sent.map(\.bytes))
        #expect(different.count == 3, "one attempt lasts 90 s, \(bench.comment)")
        #expect(bench.boxes[0].drops[.handshakeTimeout] == 2)
        #expect(bench.boxes[0].indices.inUse == 1, "an index of a dead attempt was kept, \(bench.comment)")
    }

    @Test func aRepeatedMessage1IsAnsweredWithTheSameBytesWithoutWork() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.tick()
        let call = try #require(bench.take(0).first)
        bench.deliver(call)
        let answer = try #require(bench.take(1).first)
        #expect(bench.boxes[1].answering.workThisTurn == 1)
        for _ in 0..<20 {
            bench.deliver(call)
            #expect(bench.boxes[1].answering.workThisTurn == 0, bench.comment)
            #expect(bench.take(1).map(\.bytes) == [answer.bytes], bench.comment)
        }
        #expect(bench.boxes[1].answering.responses.count == 1)
        // Once message 3 came, an old message 1 begins something of its own that leads nowhere.
        bench.deliver(answer)
        bench.exchange()
        try #require(bench.isEstablished(1, 0))
        let keys = bench.session(1, 0)?.current
        bench.deliver(call)
        bench.exchange()
        #expect(bench.session(1, 0)?.current === keys, bench.comment)
    }

    @Test(arguments: [DatagramKind.initiation, .response, .finish], [1, 3, 7])
    func loss(of kind: DatagramKind, times: Int) {
        let bench = Bench()
        bench.introduce(0, to: 1)
        var left = times
        var seen: Set<[UInt8]> = []
        bench.run(for: .seconds(14)) { posted in
            guard posted.kind == kind, posted.bytes.count >= FinishLayout.count, left > 0 else { return true }
            left -= 1
            seen.insert(posted.bytes)
            return false
        }
        #expect(left == 0)
        #expect(seen.count == 1, "a repetition differs, \(bench.comment)")
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0), bench.comment)
        #expect(bench.session(0, 1)?.keys.direct == nil && bench.session(0, 1)?.current?.confirmed == true)
        bench.send([9], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[9]], bench.comment)
    }

    @Test func theFirstSealedDatagramOfTheCalleeMayBeLost() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        var lost = 0
        bench.run(for: .milliseconds(200)) { posted in
            guard posted.from == 1, posted.kind == .transport else { return true }
            lost += 1
            return false
        }
        try #require(lost > 0 && bench.session(0, 1)?.keys.direct != nil)
        var finishes = 0
        bench.run(for: .seconds(2)) { posted in
            if posted.kind == .finish { finishes += 1 }
            return true
        }
        #expect(finishes <= 1, "message 3 is repeated until it is confirmed and then no more, \(bench.comment)")
        #expect(bench.session(0, 1)?.keys.direct == nil)
    }

    @Test func message3ThatNeverArrivesIsGivenUpWhenTheCalleeForgotIt() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(14)) { $0.kind != .finish && $0.kind != .transport }
        #expect(!bench.isEstablished(1, 0))
        try #require(bench.session(0, 1)?.keys.direct != nil)
        // The callee waited for 15 s. Then the way is free again.
        bench.run(for: .milliseconds(1500)) { $0.kind != .finish && $0.kind != .transport && $0.kind != .initiation }
        try #require(bench.boxes[1].answering.responses.isEmpty)
        bench.run(for: .seconds(5))
        #expect(bench.isEstablished(1, 0), "a new handshake begins at once, \(bench.comment)")
        bench.send([7], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[7]], bench.comment)
        #expect(bench.boxes[0].indices.inUse <= 2 && bench.boxes[1].indices.inUse <= 2, bench.comment)
    }

    @Test(arguments: Seeds.several(12)) func simultaneousOpensConverge(seed: UInt64) throws {
        let bench = Bench(2, seed: seed)
        bench.introduce(0, to: 1)
        bench.introduce(1, to: 0)
        bench.tick()
        // Every round carries both directions at once, so the two handshakes cross at each step.
        bench.exchange()
        bench.run(for: .seconds(1))
        let first = try #require(bench.session(0, 1)?.current)
        let second = try #require(bench.session(1, 0)?.current)
        #expect(first.remoteIndex == second.localIndex && second.remoteIndex == first.localIndex, bench.comment)
        let smaller = bench.address(0) < bench.address(1) ? first : second
        #expect(smaller.initiator, "the session begun by the smaller address is used, \(bench.comment)")
        for (a, b) in [(0, 1), (1, 0)] {
            #expect(bench.session(a, b)?.keys.direct == nil, "an attempt never ends, \(bench.comment)")
            #expect(bench.boxes[a].indices.inUse == 2, bench.comment)
            #expect(bench.boxes[a].drops[.handshakeUnexpected] == 0, bench.comment)
        }
        #expect(bench.isLinked(0, 1), bench.comment)
        bench.send([1], from: 0, to: 1)
        bench.send([2], from: 1, to: 0)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[1], [2]], bench.comment)
    }

    /// The same over a bad cable, where messages of both handshakes are lost, repeated and reordered.
    @Test(arguments: Seeds.several(20)) func simultaneousOpensOverABadCable(seed: UInt64) {
        let simulation = Simulation(seed: seed)
        simulation.addNode()
        simulation.addNode()
        var quality = CableQuality.poor
        quality.lossPermille = 250
        quality.reorderPermille = 200
        quality.duplicationPermille = 200
        simulation.connect(0, 1, quality)
        simulation.run(for: .seconds(20))
        simulation.setQuality(0, 1, .clean)
        simulation.run(for: .seconds(20))
        simulation.send([1], from: 0, to: simulation.address(1))
        simulation.send([2], from: 1, to: simulation.address(0))
        simulation.run(for: .seconds(1))
        #expect(simulation.received(1).map(\.message) == [[1]], "seed \(seed)")
        #expect(simulation.received(0).map(\.message) == [[2]], "seed \(seed)")
        for node in 0...1 {
            #expect(simulation.box(node)?.allSessions.allSatisfy { $0.keys.direct == nil } == true, "seed \(seed)")
        }
    }
}
