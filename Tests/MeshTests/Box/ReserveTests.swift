import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Strangers in numbers: what is kept for peers, and what one source may have.
@Suite struct ReserveTests {
    private func publicBench(links: Int = 16, ofSource: Int = 4) -> Bench {
        Bench(1) {
            $0.acceptsAnybody = true
            $0.limits.maximumLinks = links
            $0.limits.linksOfSource = ofSource
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
            $0.limits.callsOfSource = (1_000_000, .microseconds(1))
        }
    }

    private func linked(_ bench: Bench) -> Int { bench.boxes[0].links.all.count }

    @Test func oneSourceDoesNotTakeAllLinks() throws {
        let bench = publicBench()
        for number in 0..<12 as Range<UInt16> {
            _ = try bench.link(Stranger(bench.random), to: 0, from: bench.neighbour(number))
        }
        #expect(linked(bench) == 4 && bench.boxes[0].drops[.linksFull] > 0, bench.comment)
        #expect(try bench.link(Stranger(bench.random), to: 0, from: bench.elsewhere(1)), bench.comment)
    }

    @Test func strangersLeaveRoomForPeersAndGiveWayToThem() throws {
        let bench = publicBench()
        let peers = (0..<4).map { _ in Stranger(bench.random) }
        for (place, peer) in peers.enumerated() {
            bench.boxes[0].setPeer(
                PeerSettings(address: peer.address, endpoints: [bench.elsewhere(UInt16(900 + place))]), now: bench.now)
        }
        for number in 0..<30 as Range<UInt16> {
            _ = try bench.link(Stranger(bench.random), to: 0, from: bench.elsewhere(number))
        }
        #expect(linked(bench) == 12, bench.comment)
        for (place, peer) in peers.enumerated() {
            #expect(try bench.link(peer, to: 0, from: bench.elsewhere(UInt16(900 + place))), bench.comment)
        }
        #expect(linked(bench) == 16)
        // One more, who became a peer when all was full.
        let late = Stranger(bench.random)
        bench.boxes[0].setPeer(
            PeerSettings(address: late.address, endpoints: [bench.elsewhere(950)]), now: bench.now)
        #expect(try bench.link(late, to: 0, from: bench.elsewhere(950)), bench.comment)
        #expect(linked(bench) == 16, bench.comment)
        for peer in peers {
            let main = try #require(bench.boxes[0].node(.main))
            #expect(bench.boxes[0].session(main, peer.address)?.link.neighbour != nil, bench.comment)
        }
    }

    /// A flood of new sessions displaces those that nothing was ever sent to.
    @Test func whomTheBoxTalksWithStays() throws {
        let bench = Bench(1) {
            $0.limits.maximumSessions = 16
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
        }
        let friend = Stranger(bench.random)
        try #require(try bench.connect(friend, to: 0, from: bench.elsewhere(1)))
        [UInt8](repeating: 1, count: 9).withUnsafeBytes {
            _ = bench.boxes[0].send($0, from: .main, to: friend.address, now: bench.now)
        }
        bench.now = bench.now + .seconds(1)
        for number in 100..<200 as Range<UInt16> {
            _ = try bench.connect(Stranger(bench.random), to: 0, from: bench.elsewhere(number))
        }
        #expect(bench.boxes[0].allSessions.contains { $0.remote == friend.address }, bench.comment)
        #expect(bench.boxes[0].allSessions.count == 16, bench.comment)
    }

    /// Pieces of strangers' frames leave room for those of peers.
    @Test func reassemblyHasAReserve() {
        var limits = MeshLimits()
        limits.reassemblies = 16
        limits.reassembliesPerSession = 4
        var reassembler = Reassembler(limits: limits)
        let now = Instant(nanoseconds: 1)
        var dropped = 0
        func begin(_ owner: UInt32, _ number: UInt8, isReserved: Bool) {
            let frame: [UInt8] = [2, number, 0, 0, 0, 0, 2, 20, 0, 0, 0] + [UInt8](repeating: 1, count: 10)
            _ = frame.withUnsafeBytes {
                reassembler.accept($0, owner: owner, isReserved: isReserved, now: now, dropped: &dropped)
            }
        }
        for number in 0..<4 as Range<UInt8> { begin(1, number, isReserved: true) }
        for owner in 100..<200 as Range<UInt32> { begin(owner, 0, isReserved: false) }
        #expect(reassembler.count == 16)
        var whole = 0
        for number in 0..<4 as Range<UInt8> {
            let frame: [UInt8] = [2, number, 0, 0, 0, 1, 2, 20, 0, 0, 0] + [UInt8](repeating: 1, count: 10)
            frame.withUnsafeBytes {
                if case .complete = reassembler.accept($0, owner: 1, isReserved: true, now: now, dropped: &dropped) {
                    whole += 1
                }
            }
        }
        #expect(whole == 4, "\(whole) of a peer's four frames survived")
    }

    /// Junk hints, and junk that asks for hints, take nothing from genuine ones.
    @Test func junkEmptiesNoBucket() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.run(for: .seconds(3))
        for number in 0..<2000 as Range<UInt32> {
            var junk: [UInt8] = [DatagramKind.unknownIndex.rawValue, 0, 0, 0]
            junk.appendLittle(number)
            junk += [UInt8](repeating: 0, count: 8)
            bench.give(junk, to: 0, from: bench.endpoint(1))
            var sealed: [UInt8] = [DatagramKind.transport.rawValue, 0, 0, 0]
            sealed.appendLittle(number)
            sealed += [UInt8](repeating: 0, count: 40)
            bench.give(sealed, to: 1, from: bench.elsewhere(UInt16(truncatingIfNeeded: number % 7)))
        }
        for box in 0...1 { _ = bench.take(box) }
        // Box 1 forgets everything; its hint brings the two together at once.
        bench.restart(1)
        bench.introduce(1, to: 0)
        _ = bench.take(1)
        bench.send([1], from: 0, to: 1)
        for posted in bench.take(0) { bench.deliver(posted) }
        let hint = try #require(bench.take(1).first { $0.kind == .unknownIndex }, bench.comment)
        bench.deliver(hint)
        #expect(bench.take(0).contains { $0.kind == .initiation }, bench.comment)
    }

    /// A run that changes again and again is believed once in a while.
    @Test func aChangingRunIsNotObeyed() throws {
        let bench = publicBench()
        let stranger = Stranger(bench.random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)))
        _ = bench.boxes[0].takeEvents()
        for run in 2..<100 as Range<UInt64> {
            bench.give(stranger.seal(stranger.hello(run: run), now: bench.now), to: 0, from: bench.elsewhere(1))
            bench.now = bench.now + .milliseconds(50)
            bench.tick()
            _ = bench.take(0)
        }
        let downs = bench.boxes[0].takeEvents().count { if case .linkDown = $0 { true } else { false } }
        #expect((1...2).contains(downs), "\(downs) times in 5 s, \(bench.comment)")
    }

    @Test func neighboursSayWhereTheirNodesAre() throws {
        let bench = Bench(0)
        for (place, prefix) in ["fd00::/8", "fd12::/16"].enumerated() {
            var settings = Simulation.smallBoxes()
            settings.prefix = IPv6Prefix(prefix)
            #expect(bench.add(settings) == place)
        }
        try bench.join(0, 1)
        let links = (0...1).map { bench.boxes[$0].status(now: bench.now).links.first?.otherPrefix }
        #expect(links == [IPv6Prefix("fd12::/16"), IPv6Prefix("fd00::/8")], bench.comment)
        let told = bench.boxes[0].takeEvents().count { if case .prefixDiffers = $0 { true } else { false } }
        #expect(told == 1)
        // Rubbish is counted.
        let stranger = Stranger(bench.random)
        try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)))
        let before = bench.boxes[0].drops[.malformedFrame]
        for body in [[], [8], [129] + [UInt8](repeating: 0, count: 16), [8] + [UInt8](repeating: 1, count: 16)] {
            bench.give(
                stranger.seal([FrameKind.prefix.rawValue] + body, now: bench.now), to: 0, from: bench.elsewhere(1))
        }
        #expect(bench.boxes[0].drops[.malformedFrame] - before == 4, bench.comment)
    }
}
