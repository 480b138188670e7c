import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Two boxes behind routers of every kind come to a path of their own, and lose nothing on the way there.
@Suite struct StraightPathTests {
    static let pairs: [(SiteKind, SiteKind)] = SiteKind.allCases.flatMap { a in SiteKind.allCases.map { (a, $0) } }

    @Test(arguments: pairs) func pairsMeetAsTheirRoutersAllow(_ a: SiteKind, _ b: SiteKind) throws {
        let sites = TwoSites(a, b, seed: 61)
        try #require(sites.settle())
        let took = sites.talkUntilDirect(within: .seconds(10))
        if a.meets(b) {
            #expect(took.map { $0 < .seconds(3) } == true, "\(a) and \(b): \(String(describing: took?.inSeconds)) s")
        } else {
            #expect(took == nil, "\(a) and \(b)")
        }
        sites.talk(for: .seconds(5))
        #expect(sites.lost == 0, "\(a) and \(b)")
        guard a.meets(b) else { return }
        // The relays go: nothing is lost where there is a path.
        for relay in 2..<4 { sites.simulation.killNode(relay) }
        sites.talk(for: .seconds(20))
        #expect(sites.lost == 0 && sites.isDirect(0) && sites.isDirect(1), "\(a) and \(b)")
    }

    /// What is said of a search stays true when the other end tells the same once more.
    @Test func whatWasTriedIsSaid() throws {
        let sites = TwoSites(.symmetric, .restricted, seed: 76)
        try #require(sites.settle())
        #expect(sites.talkUntilDirect(within: .seconds(5)) == nil)
        for _ in 0..<5 {
            for place in 0..<2 {
                let box = try #require(sites.simulation.box(place))
                let session = try #require(sites.simulation.session(place, 1 - place))
                let said = box.reachStatus(session, sites.simulation.now)
                #expect(said.obstacle == .unreachable && said.attempts.count >= 2, "\(place): \(said)")
                #expect(said.attempts.allSatisfy { $0.probes == 3 && $0.roundTrip == nil }, "\(place): \(said)")
                sites.simulation.touch(1 - place) { box in
                    guard let other = sites.simulation.session(1 - place, place) else { return }
                    box.emitShort(
                        .candidates(CandidatesFrame(other.reach.told, wantsAnswer: true, hasHardNAT: false)), other,
                        sites.simulation.now)
                }
            }
            sites.talk(for: .seconds(2))
        }
    }

    @Test func farRelaysAreNoHindrance() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 62, delay: .milliseconds(200))
        try #require(sites.settle())
        sites.talk(.seconds(5))
        let took = try #require(sites.talkUntilDirect(within: .seconds(20)))
        #expect(took < .seconds(4), "\(took.inSeconds) s")
        #expect(sites.lost == 0)
    }

    /// Whoever does not want it is not searched for, says so, and stays relayed.
    @Test(arguments: [[DirectPolicy.off, .any], [.any, .off], [.peers, .any]])
    func onlyForWhomItIsWanted(_ policies: [DirectPolicy]) throws {
        let sites = TwoSites(.open, .open, seed: 63, policies: policies)
        try #require(sites.settle())
        #expect(sites.talkUntilDirect(within: .seconds(5)) == nil)
        #expect(sites.lost == 0)
        let unwilling = policies.firstIndex { if case .any = $0 { false } else { true } } ?? 0
        #expect(sites.simulation.session(1 - unwilling, unwilling)?.reach.isUnwanted == true)
        #expect(sites.simulation.box(unwilling)?.reach.counts.probes == 0)
    }

    /// A path that fails is left for the relays, and found again.
    @Test func aPathThatFails() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 64)
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        sites.talk(for: .seconds(5))
        sites.simulation.setCable(0, 1, up: false)
        let cut = sites.simulation.now
        while !sites.talk(.milliseconds(100)), sites.simulation.now - cut < .seconds(10) {}
        #expect(sites.simulation.now - cut < .seconds(2), "\((sites.simulation.now - cut).inSeconds) s")
        #expect(!sites.isDirect(0) || !sites.isDirect(1))
        sites.talk(for: .seconds(10))
        sites.simulation.setCable(0, 1, up: true)
        let back = try #require(sites.talkUntilDirect(within: .seconds(70)))
        #expect(back < .seconds(10), "\(back.inSeconds) s")
    }

    /// The router forgets everything: under traffic, and while nothing went.
    @Test(arguments: [0, 1], [Interval.zero, .seconds(100), .seconds(400)])
    func aRouterThatForgets(_ place: Int, idle: Interval) throws {
        let sites = TwoSites(.restricted, .restricted, seed: 65)
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        sites.talk(for: .seconds(3))
        sites.simulation.run(for: idle)
        sites.simulation.restartNAT(sites.nats[place][0])
        let cut = sites.simulation.now
        while !sites.talk(.milliseconds(100)), sites.simulation.now - cut < .seconds(10) {}
        // Who is behind that router and has not been spoken with for long notices by its next sign of life.
        let limit: Interval = place == 1 && idle > ReachLimits.watchedFor ? .seconds(6) : .seconds(2)
        #expect(sites.simulation.now - cut < limit, "\((sites.simulation.now - cut).inSeconds) s")
        let back = try #require(sites.talkUntilDirect(within: .seconds(70)))
        #expect(back < .seconds(10), "\(back.inSeconds) s")
    }

    /// Both ends notice at once that the path is gone, and what one says meanwhile is lost on the way to the other, whose router forgot.
    @Test func questionsThatCross() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 74)
        let simulation = sites.simulation
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        sites.talk(for: .seconds(3))
        let cut = simulation.now
        simulation.tap = { from, to, datagram in
            from >= 2 && to == 1 && simulation.now - cut < .milliseconds(1500) ? nil : datagram
        }
        simulation.restartNAT(sites.nats[1][0])
        for _ in 0..<40 {
            for place in 0..<2 { simulation.send([9], from: place, to: simulation.address(1 - place)) }
            simulation.run(for: .milliseconds(50))
        }
        simulation.tap = nil
        let back = try #require(sites.talkUntilDirect(within: .seconds(70)))
        #expect(back < .seconds(8), "\(back.inSeconds) s")
    }

    /// A path that loses some is left at once for relays, and not where there are none.
    @Test func aPathThatLosesSome() throws {
        let sites = TwoSites(.restricted, .open, seed: 75)
        let simulation = sites.simulation
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        sites.talk(for: .seconds(5))
        for relay in 2..<4 { simulation.stopNode(relay) }
        sites.talk(for: .seconds(5))
        let before = (0..<2).reduce(0) { $0 + (simulation.box($1)?.reach.counts.lost ?? 0) }
        // Nothing gets through for as long as two questions go out, again and again.
        for _ in 0..<20 {
            simulation.setCable(0, 1, up: false)
            for _ in 0..<20 {
                for place in 0..<2 { simulation.send([9], from: place, to: simulation.address(1 - place)) }
                simulation.run(for: .milliseconds(50))
            }
            simulation.setCable(0, 1, up: true)
            sites.talk(for: .seconds(2))
        }
        let after = (0..<2).reduce(0) { $0 + (simulation.box($1)?.reach.counts.lost ?? 0) }
        #expect(after == before && sites.isDirect(0) && sites.isDirect(1))
    }

    /// A path stays open while there is traffic now and then, and nothing is sent for it when there is none any more.
    @Test func silenceEnds() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 66)
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        for _ in 0..<4 {
            sites.simulation.run(for: .seconds(100))
            #expect(sites.talk())
            #expect(sites.isDirect(0) && sites.isDirect(1))
        }
        sites.simulation.run(for: .seconds(1000))
        #expect(sites.simulation.session(0, 1) == nil && sites.simulation.session(1, 0) == nil)
    }

    /// The same key, another network: the box that moved is reached at once, and straight again soon.
    @Test(arguments: [0, 1]) func aBoxThatMoves(_ mover: Int) throws {
        let sites = TwoSites(.restricted, .open, seed: 67)
        try #require(sites.settle())
        _ = try #require(sites.talkUntilDirect(within: .seconds(10)))
        for _ in 0..<3 {
            sites.talk(for: .seconds(5))
            sites.simulation.move(mover)
            sites.simulation.touch(mover) {
                $0.setOwnCandidates([Candidate(sites.simulation.endpoint(mover), .host)], now: sites.simulation.now)
            }
            let cut = sites.simulation.now
            while !sites.talk(.milliseconds(100)), sites.simulation.now - cut < .seconds(10) {}
            #expect(sites.simulation.now - cut < .seconds(2), "\((sites.simulation.now - cut).inSeconds) s")
            let back = try #require(sites.talkUntilDirect(within: .seconds(70)))
            #expect(back < .seconds(10), "\(back.inSeconds) s")
        }
    }

    /// A session that rested without a straight path looks for one with its next message.
    @Test func whatRestedIsLookedForAgain() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 69)
        try #require(sites.settle())
        sites.simulation.setCable(0, 1, up: false)
        #expect(sites.talkUntilDirect(within: .seconds(10)) == nil)
        sites.simulation.run(for: .seconds(150))
        sites.simulation.setCable(0, 1, up: true)
        let took = try #require(sites.talkUntilDirect(within: .seconds(10)))
        #expect(took < .seconds(3) && sites.lost == 0, "\(took.inSeconds) s")
    }

    /// A neighbour that lies about where this box is: a few small probes of others go there, however often it does.
    @Test func aNeighbourThatLies() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 70)
        try #require(sites.settle())
        let simulation = sites.simulation
        let victim = simulation.addNode()
        var there: [Int] = []
        simulation.tap = { _, target, datagram in
            if target == victim { there.append(datagram.count) }
            return datagram
        }
        // Relay 2 says it, again and again.
        for _ in 0..<200 {
            simulation.touch(2) { box in
                guard let session = simulation.session(2, 0) else { return }
                box.emitShort(.observed(simulation.endpoint(victim)), session, simulation.now)
            }
            sites.talk()
            simulation.run(for: .milliseconds(100))
        }
        #expect(sites.isDirect(0) && sites.isDirect(1) && sites.lost == 0)
        // The search of the box that was lied about, and of the one that it told.
        #expect((1...3).contains(there.count) && there.allSatisfy { $0 <= 41 }, "\(there)")
        #expect((simulation.box(0)?.reach.observed.sights.count ?? 0) <= ObservedEndpoints.kept)
        let probes = sites.simulation.box(1)?.reach.counts.probes ?? 0
        #expect(probes <= 60, "\(probes) probes")
    }

    /// Peers whose routers keep them apart look for a path more and more seldom while there is no traffic.
    @Test func peersInVain() throws {
        let sites = TwoSites(.symmetric, .symmetric, seed: 72)
        for place in 0..<2 {
            sites.simulation.touch(place) {
                $0.setPeer(
                    PeerSettings(address: sites.simulation.address(1 - place), endpoints: []), now: sites.simulation.now
                )
            }
        }
        try #require(sites.settle())
        sites.simulation.run(for: .seconds(3600))
        let first = (0..<2).compactMap { sites.simulation.box($0)?.reach.counts }
        sites.simulation.run(for: .seconds(3600))
        for (before, place) in zip(first, 0..<2) {
            let now = sites.simulation.box(place)?.reach.counts
            #expect(
                before.searches >= 4 && (now?.searches ?? 0) - before.searches <= 8,
                "box \(place): \(before), \(String(describing: now))")
        }
        #expect(!sites.isDirect(0) && sites.talk())
    }

    /// Nodes of applications come to straight paths as boxes do, from the box's own endpoint.
    @Test func nodesOfApplications() throws {
        let sites = TwoSites(.restricted, .restricted, seed: 73)
        let simulation = sites.simulation
        let random = SeededRandom(seed: 7373)
        let keys = (0..<2).map { _ in PrivateKey(generatedFrom: random) }
        var nodes: [NodeID] = []
        for place in 0..<2 {
            simulation.touch(place) { box in _ = try? nodes.append(box.open(keys[place], now: simulation.now)) }
        }
        try #require(nodes.count == 2 && sites.settle())
        simulation.run(for: .seconds(5))
        for _ in 0..<20 {
            for place in 0..<2 {
                simulation.touch(place) { box in
                    _ = [UInt8(place)].withUnsafeBytes {
                        box.send($0, from: nodes[place], to: keys[1 - place].address, now: simulation.now)
                    }
                }
            }
            simulation.run(for: .milliseconds(100))
        }
        for place in 0..<2 {
            let box = try #require(simulation.box(place))
            let session = box.allSessions.first { $0.local.id == nodes[place] && $0.remote == keys[1 - place].address }
            #expect(session?.usesDirectPath == true, "box \(place)")
            #expect(session?.direct?.path.remote.address == simulation.addressOfNAT(sites.nats[1 - place][0]))
        }
        let got = simulation.received(1).filter { $0.from == keys[0].address }
        #expect(got.count == 20, "\(got.count)")
    }

    /// Peers that a common neighbour knows become neighbours of their own.
    @Test func peersBecomeNeighbours() throws {
        let sites = TwoSites(.restricted, .fullCone, seed: 68)
        for place in 0..<2 {
            sites.simulation.touch(place) {
                $0.setPeer(
                    PeerSettings(address: sites.simulation.address(1 - place), endpoints: []), now: sites.simulation.now
                )
            }
        }
        let isLinked = {
            sites.simulation.box(0)?.nextHop(to: sites.simulation.address(1)) == sites.simulation.address(1)
        }
        #expect(sites.simulation.run(until: isLinked, within: .seconds(15)))
        sites.simulation.run(for: .seconds(300))
        #expect(isLinked())
    }
}
