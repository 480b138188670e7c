import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Numbers and lengths that a stranger chooses after a genuine handshake: they are bounded, and end nothing.
@Suite struct StrangersNumbersTests {
    /// Counters near the end of the number line, under several keys: what counts as lost does not overflow.
    @Test(arguments: [UInt64(1) << 27, 1 << 28, 1 << 32, 1 << 60, 1 << 62, 1 << 63, UInt64.max - 8193, .max])
    func countersFarAhead(counter: UInt64) throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        for round in 0..<4 {
            try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
            for step: UInt64 in 0..<3 {
                stranger.keypair?.shared.skip(to: counter &- 3 &+ step)
                bench.give(stranger.seal([0], now: bench.now), to: 0, from: bench.elsewhere(1))
                bench.run(for: .seconds(7))
            }
            let sessions = bench.boxes[0].status(now: bench.now).sessions
            #expect(sessions.allSatisfy { $0.lostDatagrams <= 4 << 32 }, "round \(round), \(bench.comment)")
        }
        // The keys are still good for a genuine one.
        try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
        bench.give(stranger.seal([FrameKind.message.rawValue, 5], now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.delivered.last?.message == [5], bench.comment)
    }

    /// A counter at or beyond what its cipher seals is refused before it is opened; one too far ahead does not move the window.
    @Test func countersBeyondTheLimit() throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
        for counter in [UInt64.max - (1 << 13), UInt64.max] {
            stranger.keypair?.shared.skip(to: counter)
            bench.give(stranger.seal([0], now: bench.now), to: 0, from: bench.elsewhere(1))
        }
        #expect(bench.boxes[0].drops[.counterBeyondLimit] == 2, bench.comment)
        stranger.keypair?.shared.skip(to: ReplayWindow.farthest * 2)
        bench.give(stranger.seal([FrameKind.message.rawValue, 1], now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.delivered.isEmpty && bench.boxes[0].drops[.replayed] == 1, bench.comment)
        stranger.keypair?.shared.skip(to: 2)
        bench.give(stranger.seal([FrameKind.message.rawValue, 2], now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.delivered.last?.message == [2], bench.comment)
    }

    /// Datagrams of every length that overtake message 3: through relays they may be longer than any that UDP carries.
    @Test(arguments: [33, 1500, 9000, 9001, 65_507, 65_535, 65_536, 65_537, 65_600, 65_636])
    func overtakenOfAnyLength(count: Int) throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        let source = bench.elsewhere(1)
        bench.give(stranger.call(bench.address(0)), to: 0, from: source)
        let response = try #require(bench.take(0).first { $0.kind == .response })
        let finish = try stranger.finish(response.bytes, now: bench.now)
        let body = count - TransportLayout.overhead - 1
        var early = stranger.seal([FrameKind.message.rawValue] + [UInt8](repeating: 0x41, count: body), now: bench.now)
        try #require(early.count == count)
        early.withUnsafeMutableBytes { bytes in
            _ = bench.boxes[0].receive(bytes, from: bench.path(to: source), now: bench.now)
        }
        let isHeld = count <= Overtaken.largest
        #expect(bench.boxes[0].answering.overtaken.count == (isHeld ? 1 : 0), bench.comment)
        bench.give(finish, to: 0, from: source)
        #expect(bench.delivered.map(\.message.count) == (isHeld ? [body] : []), bench.comment)
        #expect(bench.boxes[0].drops[.transportBeforeFinish] == (isHeld ? 0 : 1), bench.comment)
    }

    /// The specification's limit holds for what comes in as well.
    @Test func messagesOverTheLimit() throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
        for (count, arrives) in [(65_535, true), (65_536, false), (65_636, false)] {
            for kind in [FrameKind.message, .partialPacket, .ping] {
                bench.delivered.removeAll()
                let before = bench.boxes[0].drops[.malformedFrame]
                let frame = [kind.rawValue] + [UInt8](repeating: 7, count: count)
                bench.give(stranger.seal(frame, now: bench.now), to: 0, from: bench.elsewhere(1))
                #expect(bench.delivered.isEmpty == (!arrives || kind == .ping), "\(count) \(kind), \(bench.comment)")
                #expect(bench.boxes[0].drops[.malformedFrame] - before == (arrives ? 0 : 1), "\(count) \(kind)")
                _ = bench.take(0)
            }
        }
    }
}
