import INET256
import Testing
import Wire

@testable import Mesh

/// A session's other end names an endpoint that never answers, somebody else's perhaps: three times what came from there is
/// sent there at most, whatever the session does meanwhile.
@Suite struct MuteEndpointTests {
    private func bytes(_ posted: [Bench.Posted], to endpoint: Endpoint) -> Int {
        posted.filter { $0.path.remote == endpoint }.reduce(0) { $0 + $1.bytes.count }
    }

    /// A call that begins while the path is unproven goes on for 90 seconds, and the path is given up after two.
    @Test func aCallLeavesItWithTheSession() throws {
        let bench = Bench(1) { $0.acceptsAnybody = true }
        let stranger = Stranger(bench.random)
        let (home, mute) = (bench.elsewhere(1), bench.elsewhere(2))
        try #require(try bench.link(stranger, to: 0, from: home), bench.comment)
        let box = bench.boxes[0]
        let main = try #require(box.node(.main))
        let session = try #require(box.session(main, stranger.address))

        let moving = stranger.seal([FrameKind.message.rawValue] + [UInt8](repeating: 1, count: 200), now: bench.now)
        bench.give(moving, to: 0, from: mute)
        try #require(session.direct?.path.remote == mute, bench.comment)
        box.startDirectAttempt(session, bench.now)

        var sent = bytes(bench.take(0), to: mute)
        var called = 0
        for _ in 0..<300 {
            bench.now = bench.now + .milliseconds(250)
            bench.tick()
            let posted = bench.take(0)
            sent += bytes(posted, to: mute)
            called += posted.filter { $0.kind == .initiation && $0.path.remote == home }.count
        }
        #expect(sent <= DirectPath.amplification * moving.count, "\(sent) bytes for \(moving.count), \(bench.comment)")
        // And the call is not lost with it: it goes where the session went back to.
        #expect(called > 3, bench.comment)
    }
}
