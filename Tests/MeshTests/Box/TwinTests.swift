import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The same key on two machines: all three boxes say so, one of the two wins and stays, and the other one takes over when it
/// is gone.
@Suite struct TwinTests {
    private func isSaid(_ simulation: Simulation, at place: Int, of address: Address) -> Bool {
        simulation.box(place)?.status(now: simulation.now).twins.contains { $0.address == address } == true
    }

    /// Sends from one box to an address for a while; how many of a hundred arrive at which of two places.
    private func shares(_ simulation: Simulation, from: Int, _ one: Int, _ other: Int) -> (one: Int, other: Int) {
        simulation.clearReceived()
        for _ in 0..<100 {
            simulation.send([1], from: from, to: simulation.address(one))
            simulation.run(for: .milliseconds(200))
        }
        simulation.run(for: .seconds(1))
        return (simulation.received(one).count, simulation.received(other).count)
    }

    @Test func atOneNeighbour() throws {
        let seed = Seeds.fresh()
        let simulation = Simulation(seed: seed)
        let hub = simulation.addNode()
        let one = simulation.addNode()
        let other = simulation.addNode(sharingKeyOf: one)
        let key = simulation.address(one)
        simulation.connect(hub, one)
        simulation.connect(hub, other)
        simulation.run(for: .seconds(60))
        for place in [hub, one, other] { #expect(isSaid(simulation, at: place, of: key), "box \(place), seed \(seed)") }
        #expect(simulation.box(hub)?.status(now: simulation.now).links.first { $0.address == key }?.isTwin == true)

        // One has the link and keeps it.
        let endpoint = simulation.session(hub, one)?.direct?.path.remote
        let handshakes = simulation.box(hub)?.handshakes ?? 0
        let winner = endpoint == simulation.endpoint(one) ? one : other
        let loser = winner == one ? other : one
        let (won, lost) = shares(simulation, from: hub, winner, loser)
        #expect(won == 100 && lost == 0, "\(won), \(lost), seed \(seed)")
        var kept = 0
        for _ in 0..<100 {
            simulation.run(for: .seconds(1))
            let session = simulation.session(hub, one)
            if session?.link.neighbour != nil, session?.direct?.path.remote == endpoint { kept += 1 }
        }
        #expect(kept == 100, "seed \(seed)")
        // New keys in their time, and no more.
        #expect((simulation.box(hub)?.handshakes ?? 0) - handshakes <= 2, "seed \(seed)")
        #expect(simulation.box(winner)?.status(now: simulation.now).links.first?.state == .up)
        #expect(simulation.box(loser)?.status(now: simulation.now).links.first?.state == .refused)
        #expect(simulation.box(loser)?.status(now: simulation.now).links.first?.trouble == .sameKey)

        // When it goes the other one has it.
        simulation.killNode(winner)
        let taken = simulation.run(
            until: { simulation.session(hub, one)?.direct?.path.remote == simulation.endpoint(loser) },
            within: .seconds(30))
        #expect(taken, "seed \(seed)")
        simulation.run(for: .seconds(2))
        #expect(shares(simulation, from: hub, winner, loser).other >= 98, "seed \(seed)")
    }

    /// They have no neighbour in common; each hears of the other by the beacons alone.
    @Test func farApart() throws {
        let seed = Seeds.fresh()
        let simulation = Simulation(seed: seed)
        for _ in 0..<5 { simulation.addNode() }
        for place in 1..<5 { simulation.connect(place - 1, place) }
        let one = simulation.addNode()
        simulation.connect(0, one)
        simulation.run(for: .seconds(7))
        let other = simulation.addNode(sharingKeyOf: one)
        let key = simulation.address(one)
        simulation.connect(4, other)
        simulation.run(for: .seconds(90))
        for place in [one, other] { #expect(isSaid(simulation, at: place, of: key), "box \(place), seed \(seed)") }
        // It is quiet: nobody's ways change any more.
        let versions = (0..<5).map { simulation.box($0)?.routesVersion ?? 0 }
        let checked = simulation.box(2)?.routes.network.statistics["signatures_checked"] ?? 0
        simulation.run(for: .seconds(240))
        #expect((0..<5).map { simulation.box($0)?.routesVersion ?? 0 } == versions, "seed \(seed)")
        let more = (simulation.box(2)?.routes.network.statistics["signatures_checked"] ?? 0) - checked
        // Six other nodes, each with two or three beacons.
        #expect(more <= 18, "\(more) signatures, seed \(seed)")

        let next = simulation.box(2)?.nextHop(to: key)
        let winner = next == simulation.address(1) ? one : other
        let loser = winner == one ? other : one
        let reached = shares(simulation, from: 2, winner, loser)
        #expect(reached.one == 100 && reached.other == 0, "\(reached), seed \(seed)")
        simulation.killNode(winner)
        let taken = simulation.run(
            until: { simulation.box(2)?.nextHop(to: key).map { $0 != next } ?? false }, within: .seconds(15))
        #expect(taken, "seed \(seed)")
        simulation.run(for: .seconds(5))
        #expect(shares(simulation, from: 2, winner, loser).other >= 98, "seed \(seed)")
    }

    /// A box that starts again, now and then with its clock behind, is one box.
    @Test func startingAgainIsNoTwin() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(3, seed: seed)
        for round in 0..<12 {
            simulation.killNode(2)
            simulation.run(for: .milliseconds(500))
            let clock = round % 3 == 2 ? simulation.wallClock - 3_600_000 : simulation.wallClock
            simulation.startNode(2, clock: clock)
            simulation.run(for: .seconds(Int64(round % 4) + 1))
            if round % 4 == 3 { simulation.move(2) }
        }
        simulation.run(for: .seconds(10))
        for place in 0..<3 {
            #expect(
                simulation.box(place)?.status(now: simulation.now).twins.isEmpty == true, "box \(place), seed \(seed)")
        }
        #expect(simulation.box(1)?.status(now: simulation.now).links.count { $0.state == .up } == 2, "seed \(seed)")
    }
}
