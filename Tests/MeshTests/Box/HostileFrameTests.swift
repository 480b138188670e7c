import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What somebody can do who has a session, or a link: any bytes at all, rightly sealed.
@Suite struct HostileFrameTests {
    private static let steps = 100_000

    private func isBounded(_ box: MeshBox) -> Bool {
        box.sessions.count <= box.limits.maximumSessions && box.answering.responses.count <= box.limits.maximumResponses
            && box.reassembler.count <= box.limits.reassemblies
            && box.reassembler.bytes <= (box.limits.reassemblies + 1) * Reassembler.frameCapacity
            && box.indices.inUse <= 4 * box.limits.maximumSessions + box.limits.maximumResponses
            && box.pendingBytes <= box.limits.pendingBytesInAll
            && box.news.events.count <= BoxNews.maximumEvents
            && box.links.places.count <= box.limits.maximumLinks
            && box.links.strangers.count <= box.limits.refusalsRemembered
    }

    private func bench(_ seed: UInt64) -> Bench {
        Bench(2, seed: seed) {
            $0.acceptsAnybody = true
            $0.limits.maximumSessions = 64
            $0.limits.reassemblies = 8
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
            // The keys must last for the whole attack.
            $0.limits.rekeyAfter = .seconds(100_000)
            $0.limits.rejectAfter = .seconds(200_000)
            // It begins again as often as it must, and each time as another run.
            $0.limits.callsOfSource = (1_000_000, .microseconds(1))
            $0.limits.runChangeSpacing = .zero
        }
    }

    private func begin(_ bench: Bench, _ stranger: Stranger, withLink: Bool) throws -> Bool {
        let home = bench.elsewhere(1)
        if withLink { return try bench.link(stranger, to: 0, from: home) }
        return try bench.connect(stranger, to: 0, from: home)
    }

    /// Makes one frame after another, gives them to box 0, and looks after it.
    private func attack(
        _ bench: Bench, _ stranger: Stranger, withLink: Bool, _ next: (Int) -> [UInt8]
    ) throws {
        let home = bench.elsewhere(1)
        for step in 0..<Self.steps {
            let frame = next(step)
            let box = bench.boxes[0]
            bench.give(stranger.seal(frame, now: bench.now), to: 0, from: home)
            if step % 50 == 0 {
                for posted in bench.take(0) where posted.path.remote == home { _ = stranger.open(posted.bytes) }
                _ = bench.boxes[0].takeEvents()
                bench.delivered.removeAll()
                bench.now = bench.now + .milliseconds(1)
                box.tick(now: bench.now)
            }
            if step % 1000 == 0, !isBounded(box) {
                Issue.record("step \(step): memory grows, \(bench.comment)")
                return
            }
            // A goodbye, or a hello without a link, ends what the test needs: begin again.
            let session = box.node(.main).flatMap { box.session($0, stranger.address) }
            let isReady = withLink ? session?.link.neighbour != nil : session?.current != nil
            if !isReady {
                guard try begin(bench, stranger, withLink: withLink) else {
                    Issue.record("step \(step): the box does not take the stranger back, \(bench.comment)")
                    return
                }
            }
        }
    }

    @Test(arguments: [false, true]) func randomFramesOfEveryKind(withLink: Bool) throws {
        let bench = bench(Seeds.fresh())
        let stranger = Stranger(bench.random)
        let random = bench.random
        let home = bench.elsewhere(1)
        try #require(try begin(bench, stranger, withLink: withLink))
        try attack(bench, stranger, withLink: withLink) { step in
            var frame = random.bytes(1 + random.length(upTo: 1400))
            // Goodbye is rare: each one costs a handshake.
            let kind = UInt8(random.next(below: 21))
            frame[0] = kind == FrameKind.goodbye.rawValue && step % 20 != 0 ? FrameKind.relay.rawValue : kind
            if frame[0] == FrameKind.relay.rawValue, frame.count > RelayLayout.header {
                // Mostly for somebody who is there.
                let target = bench.address(step % 3 == 0 ? 1 : 0).raw.bytes
                if step % 4 != 0 { frame.replaceSubrange(RelayLayout.destination..<RelayLayout.source, with: target) }
                if step % 2 == 0 { frame[RelayLayout.header] = UInt8(1 + random.next(below: 6)) }
            }
            return frame
        }
        // Each of these was met, or the test proves little.
        let drops = bench.boxes[0].drops
        for reason in [DropReason.unknownFrame, .malformedFrame, .fragmentMalformed] {
            #expect(drops[reason] > 100, "\(reason), \(bench.comment)")
        }
        #expect(drops[withLink ? .controlRefused : .controlNotALink] > 100, bench.comment)
        #expect(drops[withLink ? .relayNoRoute : .relayNotALink] > 100, bench.comment)
        // The stranger itself is still served.
        bench.delivered.removeAll()
        bench.give(stranger.seal([FrameKind.message.rawValue, 5], now: bench.now), to: 0, from: home)
        #expect(bench.delivered.map(\.message) == [[5]], bench.comment)
    }

    /// Frames of two honest boxes, opened, altered and sealed again: control frames of the network above all.
    @Test func flippedBitsInGenuineFrames() throws {
        let seed = Seeds.fresh()
        let bench = bench(seed)
        let random = bench.random
        // A second stranger with a link records what the box says to it.
        let honest = Stranger(random)
        try #require(try bench.link(honest, to: 0, from: bench.elsewhere(2)))
        var genuine: [[UInt8]] = []
        for step in 0..<40 {
            bench.now = bench.now + .milliseconds(500)
            bench.tick()
            let message = numbered(step, count: step * 100)
            message.withUnsafeBytes { _ = bench.boxes[0].send($0, from: .main, to: honest.address, now: bench.now) }
            for posted in bench.take(0) where posted.path.remote == bench.elsewhere(2) {
                if let frame = honest.open(posted.bytes) {
                    genuine.append(frame)
                    // Answers keep the link alive.
                    if frame[0] == FrameKind.ping.rawValue {
                        let pong = [FrameKind.pong.rawValue] + frame.dropFirst()
                        bench.give(honest.seal(pong, now: bench.now), to: 0, from: bench.elsewhere(2))
                    }
                }
            }
        }
        let kinds = Set(genuine.compactMap { FrameKind(rawValue: $0[0]) })
        try #require(kinds.isSuperset(of: [.control, .message, .fragment, .ping]), "\(kinds), seed \(seed)")
        let control = genuine.filter { $0[0] == FrameKind.control.rawValue }
        let stranger = Stranger(random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)))
        try attack(bench, stranger, withLink: true) { step in
            let from = step % 2 == 0 ? control : genuine
            let frame = from[Int(random.next(below: UInt32(from.count)))]
            var flipped = random.flipped(frame)
            if step % 5 == 0 { flipped = Array(flipped.prefix(1 + random.length(upTo: flipped.count))) }
            if flipped[0] == FrameKind.goodbye.rawValue { flipped[0] = FrameKind.control.rawValue }
            return flipped
        }
        #expect(bench.boxes[0].drops[.controlRefused] > 1000, bench.comment)
        #expect(bench.boxes[0].routes.network.statistics["known_origins"] < 1000, bench.comment)
    }

    /// Each kind of frame, cut to each length.
    @Test func everyLengthOfEveryKind() throws {
        let bench = bench(Seeds.fresh())
        let stranger = Stranger(bench.random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)))
        for kind in 0...15 as ClosedRange<UInt8> where kind != FrameKind.goodbye.rawValue {
            for count in 0...120 {
                for fill in [0, 0xff] as [UInt8] {
                    let frame = [kind] + [UInt8](repeating: fill, count: count)
                    bench.give(stranger.seal(frame, now: bench.now), to: 0, from: bench.elsewhere(1))
                }
            }
            bench.tick()
            for posted in bench.take(0) { _ = stranger.open(posted.bytes) }
        }
        #expect(isBounded(bench.boxes[0]))
        #expect(bench.session(0, 1) == nil || !bench.isEstablished(0, 1))
    }
}
