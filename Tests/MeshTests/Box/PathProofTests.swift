import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// An endpoint is proven by its own echo, and by nothing that somebody else saw.
@Suite struct PathProofTests {
    /// Message 1 in the name of a victim's endpoint, and the same from the attacker's: the answer is seen there, and message 3
    /// comes in the victim's name again.
    @Test func messageOneFromTwoEndpoints() throws {
        let bench = Bench(1) { $0.acceptsAnybody = true }
        let stranger = Stranger(bench.random)
        let (victim, own) = (bench.elsewhere(1), bench.elsewhere(2))
        let call = stranger.call(bench.address(0))
        bench.give(call, to: 0, from: victim)
        bench.give(call, to: 0, from: own)
        let answers = bench.take(0)
        let seen = try #require(answers.first { $0.path.remote == own })
        bench.give(try stranger.finish(seen.bytes, now: bench.now), to: 0, from: victim)
        let session = try #require(bench.boxes[0].allSessions.first { $0.remote == stranger.address })
        #expect(session.direct?.validated == false && !session.directAlive, bench.comment)
        // What goes to the victim is bounded by what came in its name.
        var toVictim = answers.filter { $0.path.remote == victim }.reduce(0) { $0 + $1.bytes.count }
        for _ in 0..<100 {
            [UInt8](repeating: 1, count: 1000).withUnsafeBytes {
                _ = bench.boxes[0].send($0, from: .main, to: stranger.address, now: bench.now)
            }
            bench.now = bench.now + .milliseconds(100)
            bench.tick()
            toVictim += bench.take(0).reduce(0) { $0 + ($1.path.remote == victim ? $1.bytes.count : 0) }
        }
        let came = call.count + FinishLayout.count
        #expect(toVictim <= 3 * came + ResponseLayout.count, "\(toVictim) bytes for \(came), \(bench.comment)")
    }

    /// Message 2 from an endpoint that was never called.
    @Test func messageTwoFromElsewhere() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.boxes[1].setAcceptsAnybody(true, now: bench.now)
        bench.send([1], from: 0, to: 1)
        for posted in bench.take(0) { bench.deliver(posted) }
        let answer = try #require(bench.take(1).first { $0.kind == .response })
        bench.give(answer.bytes, to: 0, from: bench.elsewhere(5))
        #expect(bench.session(0, 1)?.direct?.validated == false, bench.comment)
        #expect(bench.session(0, 1)?.directAlive == false, bench.comment)
    }

    /// Several endpoints were called with the same message: the answer in the name of one of them proves nothing before the echo.
    @Test func severalEndpointsAreChallenged() throws {
        let bench = Bench()
        bench.boxes[0].setPeer(
            PeerSettings(address: bench.address(1), endpoints: [bench.elsewhere(3), bench.endpoint(1)]), now: bench.now)
        bench.introduce(1, to: 0)
        var challenged = false
        bench.run(for: .seconds(1)) { posted in
            if bench.session(0, 1)?.direct?.validated == false { challenged = true }
            return true
        }
        #expect(bench.isLinked(0, 1) && bench.session(0, 1)?.direct?.validated == true, bench.comment)
        #expect(challenged || bench.session(0, 1)?.direct?.path.remote == bench.endpoint(1))
    }
}
