import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Who gets a link, and how it ends and comes back.
@Suite struct LinkTests {
    private func events(_ box: MeshBox, _ matching: (BoxEvent) -> Bool) -> Int {
        box.takeEvents().count(where: matching)
    }

    private func isUp(_ event: BoxEvent) -> Bool { if case .linkUp = event { true } else { false } }
    private func isDown(_ event: BoxEvent) -> Bool { if case .linkDown = event { true } else { false } }

    @Test func strangersAreRefusedAndListed() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(5))
        // A session, but no link.
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0) && !bench.isLinked(0, 1), bench.comment)
        let listed = bench.boxes[1].status(now: bench.now).strangers
        #expect(listed.map(\.address) == [bench.address(0)] && listed.first?.endpoint == bench.endpoint(0))
        #expect(
            bench.boxes[1].takeEvents().contains {
                if case .stranger(bench.address(0), bench.endpoint(0)) = $0 { true } else { false }
            })
        let link = try #require(bench.boxes[0].status(now: bench.now).links.first)
        #expect(link.state != .up && link.trouble == .notAccepted)
        bench.send([1], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[1]], "sessions are accepted from anybody, \(bench.comment)")
        #expect(
            bench.boxes[1].find(prefix: bench.address(0), bits: 135) == bench.address(0),
            "its packets can be answered, though no route leads to it, \(bench.comment)")

        // Its peers change: now it is welcome.
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(15))
        #expect(bench.isLinked(0, 1), bench.comment)
        #expect(bench.boxes[0].status(now: bench.now).links.first?.trouble == nil)
        #expect(bench.boxes[0].drops[.controlNotALink] == 0, "it knows before it hears of routes, \(bench.comment)")
        // And not any more.
        bench.boxes[1].removePeer(bench.address(0), now: bench.now)
        bench.run(for: .seconds(3))
        #expect(!bench.isLinked(0, 1) && bench.session(0, 1)?.link.neighbour == nil, bench.comment)
    }

    @Test func theListOfStrangersIsBounded() throws {
        let bench = Bench(1) { $0.limits.refusalsRemembered = 5 }
        var strangers: [Stranger] = []
        for number in 0..<12 as Range<UInt16> {
            let stranger = Stranger(bench.random)
            strangers.append(stranger)
            #expect(try !bench.link(stranger, to: 0, from: bench.elsewhere(number)))
            bench.now = bench.now + .milliseconds(100)
        }
        let listed = bench.boxes[0].status(now: bench.now).strangers
        #expect(listed.map(\.address) == strangers.suffix(5).map(\.address), bench.comment)
        for _ in 0..<3 {
            bench.give(strangers[11].seal(strangers[11].hello(), now: bench.now), to: 0, from: bench.elsewhere(11))
        }
        #expect(bench.boxes[0].status(now: bench.now).strangers.last?.attempts == 4)
    }

    @Test func aPublicBoxTakesAnybody() throws {
        let bench = Bench(0)
        bench.add(Simulation.smallBoxes())
        var settings = Simulation.smallBoxes()
        settings.acceptsAnybody = true
        bench.add(settings)
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(3))
        #expect(bench.isLinked(0, 1), bench.comment)
        // It may change while it runs, both ways.
        bench.boxes[1].setAcceptsAnybody(false, now: bench.now)
        bench.run(for: .seconds(3))
        #expect(bench.session(1, 0)?.link.neighbour == nil, bench.comment)
        bench.boxes[1].setAcceptsAnybody(true, now: bench.now)
        bench.run(for: .seconds(15))
        #expect(bench.isLinked(0, 1), bench.comment)
    }

    @Test func linksAreBounded() throws {
        let bench = Bench(1) {
            $0.acceptsAnybody = true
            $0.limits.maximumLinks = 3
        }
        var linked = 0
        for number in 0..<6 as Range<UInt16> {
            if try bench.link(Stranger(bench.random), to: 0, from: bench.elsewhere(number)) { linked += 1 }
        }
        #expect(linked == 3 && bench.boxes[0].links.places.count == 3, bench.comment)
    }

    @Test func sessionsAreBoundedAndLinksStay() throws {
        let bench = Bench(1) {
            $0.limits.maximumSessions = 8
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
        }
        let peer = Stranger(bench.random)
        bench.boxes[0].setPeer(PeerSettings(address: peer.address, endpoints: []), now: bench.now)
        try #require(try bench.link(peer, to: 0, from: bench.elsewhere(500)), bench.comment)
        var strangers: [Stranger] = []
        for number in 0..<30 as Range<UInt16> {
            let stranger = Stranger(bench.random)
            strangers.append(stranger)
            #expect(try bench.connect(stranger, to: 0, from: bench.elsewhere(number)), bench.comment)
            #expect(bench.boxes[0].sessions.count <= 8)
            bench.now = bench.now + .milliseconds(10)
        }
        let kept = Set(bench.boxes[0].allSessions.map(\.remote))
        let expected = Set(strangers.suffix(7).map(\.address) + [peer.address])
        #expect(kept == expected, "not the oldest went, \(bench.comment)")
        #expect(bench.boxes[0].indices.inUse == 8, bench.comment)
    }

    @Test func anotherRunOfTheDaemonTakesTheLinkDownAndUp() throws {
        let bench = Bench(1) { $0.acceptsAnybody = true }
        let stranger = Stranger(bench.random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)))
        _ = bench.boxes[0].takeEvents()
        bench.give(stranger.seal(stranger.hello(run: 1), now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(events(bench.boxes[0], { isUp($0) || isDown($0) }) == 0)
        bench.give(stranger.seal(stranger.hello(run: 2), now: bench.now), to: 0, from: bench.elsewhere(1))
        let seen = bench.boxes[0].takeEvents()
        #expect(seen.count(where: isDown) == 1 && seen.count(where: isUp) == 1, bench.comment)
        // It does not want a link any more.
        let unwilling = stranger.hello(accepts: false, run: 2)
        bench.give(stranger.seal(unwilling, now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(events(bench.boxes[0], isDown) == 1)
    }

    @Test func goodbye() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed)
        simulation.stopNode(1)
        simulation.run(for: .milliseconds(50))
        // Known at once, not after lost signs of life.
        let link = try #require(simulation.box(0)?.status(now: simulation.now).links.first)
        #expect(link.state != .up && link.trouble == .stopped, "seed \(seed)")
        #expect(simulation.box(0)?.routes.network.nextHop(to: simulation.address(1)) == nil)
        simulation.run(for: .seconds(30))
        simulation.startNode(1)
        simulation.run(for: .seconds(3))
        #expect(simulation.box(0)?.status(now: simulation.now).links.first?.state == .up, "seed \(seed)")
    }

    @Test(arguments: [0, 50]) func deathAndRecovery(lossPermille: Int) throws {
        let seed = Seeds.fresh()
        var quality = CableQuality.clean
        quality.lossPermille = UInt32(lossPermille)
        let simulation = try Simulation.chain(2, seed: seed, quality: quality)
        simulation.run(for: .seconds(5))
        for node in 0...1 { _ = simulation.box(node)?.takeEvents() }
        // A good link stays up, losses or not.
        simulation.run(for: .seconds(120))
        for node in 0...1 {
            let seen = simulation.box(node)?.takeEvents() ?? []
            #expect(seen.count(where: isDown) == 0, "a living link was given up, seed \(seed)")
        }
        simulation.setCable(0, 1, up: false)
        simulation.run(for: .seconds(9))
        for node in 0...1 {
            let seen = simulation.box(node)?.takeEvents() ?? []
            #expect(seen.count(where: isDown) == 1, "a dead link was not noticed, seed \(seed)")
            let link = simulation.box(node)?.status(now: simulation.now).links.first
            #expect(link?.state != .up && link?.trouble != nil)
        }
        simulation.run(for: .seconds(200))
        simulation.setCable(0, 1, up: true)
        simulation.run(for: .seconds(5))
        #expect(simulation.box(0)?.status(now: simulation.now).links.first?.state == .up, "seed \(seed)")
        #expect(simulation.exchange([1], from: 0, to: 1).count >= (lossPermille == 0 ? 1 : 0), "seed \(seed)")
    }

    /// With traffic the death of a link is noticed sooner.
    @Test func suspicionUnderTraffic() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(2, seed: seed)
        simulation.run(for: .seconds(7))
        _ = simulation.box(0)?.takeEvents()
        simulation.killNode(1)
        let start = simulation.now
        var noticed: Interval?
        while noticed == nil, simulation.now - start < .seconds(20) {
            simulation.send([1], from: 0, to: simulation.address(1))
            simulation.run(for: .milliseconds(100))
            if simulation.box(0)?.takeEvents().contains(where: isDown) == true { noticed = simulation.now - start }
        }
        #expect(try #require(noticed) < .seconds(5), "seed \(seed)")
    }

    @Test func pings() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(3, seed: seed)
        for (target, hops) in [(1, 1), (2, 2)] {
            for payload in [0, 56, 1400, 8000, 65_527] {
                let box = try #require(simulation.box(0))
                _ = box.takeEvents()
                let id = UInt64(payload) << 8
                _ = box.ping(simulation.address(target), id: id, payload: payload, now: simulation.now)
                // The simulator looks at the box when something touches it.
                simulation.send([], from: 0, to: simulation.address(target))
                simulation.run(for: .seconds(2))
                let answers = box.takeEvents().compactMap { event -> UInt64? in
                    guard case .pong(let id, simulation.address(target), payload) = event else { return nil }
                    return id
                }
                #expect(answers == [id], "\(payload) bytes over \(hops) hops, seed \(seed)")
            }
        }
        let box = try #require(simulation.box(0))
        for payload in [65_528, -1] {
            let outcome = box.ping(simulation.address(1), id: 1, payload: payload, now: simulation.now)
            #expect(outcome == .dropped(.messageTooLarge))
        }
        #expect(box.ping(simulation.address(0), id: 7, payload: 3, now: simulation.now) == .loopback(.main))
        #expect(box.status(now: simulation.now).links.first?.roundTrip.map { $0 >= .milliseconds(10) } == true)
    }

    @Test func aBoxIsNotItsOwnPeer() {
        let bench = Bench(1)
        bench.boxes[0].setPeer(PeerSettings(address: bench.address(0), endpoints: [bench.endpoint(0)]), now: bench.now)
        bench.run(for: .seconds(5))
        #expect(bench.boxes[0].links.peers.isEmpty && bench.boxes[0].sessions.isEmpty && bench.bytesOut[0] == 0)
    }
}
