import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box that changes its endpoint, and those who would like a session to think so.
@Suite struct RoamingTests {
    @Test(arguments: Seeds.several(4)) func movedBoxesAreReachedWithinTwoSeconds(seed: UInt64) throws {
        var quality = CableQuality.clean
        quality.lossPermille = 20
        let simulation = try Simulation.chain(2, seed: seed, quality: quality)
        simulation.run(for: .seconds(3))
        for move in 0..<5 {
            let mover = move % 2
            simulation.move(mover)
            simulation.clearReceived()
            let start = simulation.now
            // Only towards the one that moved: its own traffic does not help.
            while simulation.received(mover).isEmpty, simulation.now - start < .seconds(10) {
                simulation.send([1], from: 1 - mover, to: simulation.address(mover))
                simulation.run(for: .milliseconds(20))
            }
            #expect(simulation.now - start < .seconds(2), "move \(move), seed \(seed)")
            simulation.run(for: .seconds(3))
            let path = simulation.session(1 - mover, mover)?.direct
            #expect(path?.path.remote == simulation.endpoint(mover) && path?.validated == true, "seed \(seed)")
        }
    }

    /// The traffic of the one that moved tells by itself, without word from its kernel.
    @Test func trafficFromANewEndpointMovesThePath() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let new = bench.elsewhere(7)
        bench.send([1], from: 0, to: 1)
        for posted in bench.take(0) { bench.give(posted.bytes, to: 1, from: new) }
        bench.tick()
        let asked = bench.take(1).filter { $0.path.remote == new }
        #expect(!asked.isEmpty && bench.session(1, 0)?.direct?.validated == false, bench.comment)
        for posted in asked { bench.give(posted.bytes, to: 0, from: bench.endpoint(1)) }
        for posted in bench.take(0) { bench.give(posted.bytes, to: 1, from: new) }
        #expect(bench.session(1, 0)?.direct?.validated == true, bench.comment)
        #expect(bench.boxes[1].takeEvents().contains { if case .moved(_, new) = $0 { true } else { false } })
    }

    @Test func forgeriesAndRepetitionsMoveNothing() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.send([1], from: 0, to: 1)
        let posted = try #require(bench.take(0).last)
        for place in posted.bytes.indices {
            bench.give(posted.bytes.altered(at: place), to: 1, from: bench.elsewhere(1))
        }
        bench.deliver(posted)
        bench.give(posted.bytes, to: 1, from: bench.elsewhere(1))
        // Older than the newest, but not seen yet.
        bench.send([2], from: 0, to: 1)
        let older = try #require(bench.take(0).last)
        bench.send([3], from: 0, to: 1)
        bench.exchange()
        bench.give(older.bytes, to: 1, from: bench.elsewhere(1))
        #expect(bench.delivered.map(\.message) == [[1], [3], [2]], bench.comment)
        #expect(bench.session(1, 0)?.direct?.path.remote == bench.endpoint(0), bench.comment)
        #expect(bench.session(1, 0)?.direct?.validated == true)
    }

    /// Somebody on the way sends a genuine datagram on from an endpoint of a victim, faster than it goes by itself.
    @Test func aStolenDatagramLeadsNoTrafficAstrayForLong() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.run(for: .seconds(5))
        let victim = bench.elsewhere(9)
        bench.send([1], from: 0, to: 1)
        let stolen = try #require(bench.take(0).last)
        bench.give(stolen.bytes, to: 1, from: victim)
        var toVictim = 0
        var returned = false
        let start = bench.now
        // Box 0 is silent; box 1 sends all the time.
        while bench.now - start < .seconds(3) {
            bench.send([UInt8](repeating: 2, count: 1000), from: 1, to: 0)
            bench.tick()
            for posted in bench.take(1) {
                if posted.path.remote == victim { toVictim += posted.bytes.count }
                if posted.path.remote == bench.endpoint(0), bench.now - start > .seconds(2) { returned = true }
            }
            bench.now = bench.now + .milliseconds(50)
        }
        #expect(toVictim <= 3 * stolen.bytes.count, "\(toVictim) bytes to the victim, \(bench.comment)")
        #expect(returned && bench.session(1, 0)?.direct?.path.remote == bench.endpoint(0), bench.comment)
        #expect(bench.session(1, 0)?.direct?.validated == true)
    }

    /// The same while both talk: the next genuine datagram brings the path back, with nothing to prove.
    @Test func aStolenDatagramAmidTraffic() throws {
        let bench = Bench()
        try bench.join(0, 1)
        var toVictim = 0
        var fromVictim = 0
        for round in 0..<100 {
            bench.send(numbered(round), from: 0, to: 1)
            let posted = bench.take(0)
            if round % 10 == 5, let stolen = posted.last {
                bench.give(stolen.bytes, to: 1, from: bench.elsewhere(9))
                fromVictim += stolen.bytes.count
            }
            posted.forEach(bench.deliver)
            bench.send(numbered(round, count: 1000), from: 1, to: 0)
            bench.tick()
            for answer in bench.take(1) {
                if answer.path.remote == bench.elsewhere(9) { toVictim += answer.bytes.count }
                bench.deliver(answer)
            }
            bench.now = bench.now + .milliseconds(10)
        }
        #expect(toVictim <= 3 * fromVictim, bench.comment)
        let back = bench.delivered.count { $0.box == 0 }
        #expect(back >= 80, "\(back) of 100 messages came back, \(bench.comment)")
    }

    /// All that a box sends to an endpoint that did not prove to receive, answers to challenges and probes included.
    @Test func theAmplificationLimitCountsEverything() throws {
        let bench = Bench(1) { $0.acceptsAnybody = true }
        let stranger = Stranger(bench.random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
        let new = bench.elsewhere(2)
        var frames: [[UInt8]] = [
            [FrameKind.keepalive.rawValue],
            [FrameKind.challenge.rawValue] + bench.random.bytes(8),
            [FrameKind.sizeProbe.rawValue] + bench.random.bytes(4),
            [FrameKind.ping.rawValue] + bench.random.bytes(8),
            stranger.hello(run: 2),
        ]
        frames += frames
        var received = 0
        var sent = 0
        for frame in frames {
            let datagram = stranger.seal(frame, now: bench.now)
            received += datagram.count
            bench.give(datagram, to: 0, from: new)
            let message = [UInt8](repeating: 1, count: 900)
            message.withUnsafeBytes {
                for _ in 0..<20 {
                    _ = bench.boxes[0].send($0, from: .main, to: stranger.address, now: bench.now)
                }
            }
            bench.now = bench.now + .milliseconds(100)
            bench.tick()
            sent += bench.take(0).filter { $0.path.remote == new }.reduce(0) { $0 + $1.bytes.count }
            #expect(sent <= 3 * received, "\(sent) bytes out for \(received) in, \(bench.comment)")
        }
        #expect(sent > 0)
    }
}
