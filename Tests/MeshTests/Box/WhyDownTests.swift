import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Why a link is down is said truly, and once; and what was mended is noticed within two seconds.
@Suite struct WhyDownTests {
    private func link(_ simulation: Simulation, _ a: Int, _ b: Int) throws -> BoxStatus.Link {
        let status = try #require(simulation.box(a)?.status(now: simulation.now))
        return try #require(status.links.first { $0.address == simulation.address(b) })
    }

    private func causes(_ events: [BoxEvent]?) -> [BoxStatus.Link.Cause] {
        (events ?? []).compactMap { if case .troubled(_, let trouble) = $0 { trouble.cause } else { nil } }
    }

    private func isUp(_ simulation: Simulation, _ a: Int, _ b: Int) -> Bool {
        simulation.session(a, b)?.link.neighbour != nil && simulation.session(b, a)?.link.neighbour != nil
    }

    private static let reasons: [(SendRefusal.Reason, BoxStatus.Link.Cause)] = [
        (.unreachable, .noRoute), (.denied, .denied), (.failed, .notSent),
    ]

    /// From the start and after a link that was up.
    @Test(arguments: [0, 1, 2], [true, false]) func theKernelSendsNothing(place: Int, wasUp: Bool) throws {
        let (reason, cause) = Self.reasons[place]
        let simulation = Simulation(seed: Seeds.fresh())
        for _ in 0..<2 { simulation.addNode() }
        func refuse() { simulation.refusesToSend = { from, _ in from == 0 ? reason : nil } }
        if !wasUp { refuse() }
        simulation.connect(0, 1)
        simulation.run(for: .seconds(5))
        if wasUp {
            try #require(isUp(simulation, 0, 1))
            refuse()
        }
        simulation.run(for: .seconds(40))
        let down = try link(simulation, 0, 1)
        #expect(down.state != .up && down.cause == cause, "\(String(describing: down.cause)), seed \(simulation.seed)")
        #expect(down.trouble == .unsendable([LinkTrouble.Unsent(simulation.endpoint(1), reason)]))
        let told = causes(simulation.box(0)?.takeEvents())
        #expect(told == [cause], "\(told), seed \(simulation.seed)")
        // Mended, and nobody says so.
        simulation.refusesToSend = nil
        let mended = simulation.now
        let isBack = simulation.run(until: { isUp(simulation, 0, 1) }, within: .seconds(30))
        let after = simulation.now - mended
        #expect(isBack && after <= .milliseconds(2300), "\(after.inSeconds) s, seed \(simulation.seed)")
        let up = try link(simulation, 0, 1)
        #expect(up.cause == nil && up.trouble == nil)
    }

    /// Where the network's change is heard of, at once: however long it was away.
    @Test(arguments: [3, 20, 100] as [Int64]) func aChangeOfTheNetworkIsTakenUp(away: Int64) throws {
        let simulation = Simulation(seed: Seeds.fresh())
        for _ in 0..<2 { simulation.addNode() }
        simulation.connect(0, 1)
        simulation.run(for: .seconds(5))
        try #require(isUp(simulation, 0, 1))
        simulation.refusesToSend = { from, _ in from == 0 ? .unreachable : nil }
        simulation.run(for: .seconds(away))
        try #require(!isUp(simulation, 0, 1))
        simulation.refusesToSend = nil
        let mended = simulation.now
        simulation.box(0)?.surroundingsChanged(now: simulation.now)
        // The timer of a box that was touched from outside.
        simulation.send([1], from: 0, to: simulation.address(1))
        let isBack = simulation.run(until: { isUp(simulation, 0, 1) }, within: .seconds(30))
        let after = simulation.now - mended
        #expect(isBack && after < .milliseconds(700), "\(after.inSeconds) s, seed \(simulation.seed)")
    }

    /// Nobody is there; then the kernel says that there is no route, then it is silent again.
    @Test func whatIsTrueNow() throws {
        let simulation = Simulation(seed: Seeds.fresh())
        for _ in 0..<2 { simulation.addNode() }
        simulation.connect(0, 1)
        simulation.setCable(0, 1, up: false)
        simulation.run(for: .seconds(10))
        #expect(try link(simulation, 0, 1).cause == .noAnswer)
        simulation.refusesToSend = { from, _ in from == 0 ? .unreachable : nil }
        simulation.run(for: .seconds(4))
        #expect(try link(simulation, 0, 1).cause == .noRoute)
        simulation.refusesToSend = nil
        simulation.run(for: .seconds(10))
        #expect(try link(simulation, 0, 1).cause == .noAnswer)
        #expect(causes(simulation.box(0)?.takeEvents()) == [.noAnswer, .noRoute], "each once")
    }

    /// The box that dials says once that it is refused, however often it is.
    @Test func aRefusalIsToldOnce() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(120))
        let refusals = bench.boxes[0].takeEvents().compactMap { event -> LinkTrouble? in
            if case .refused(bench.address(1), let trouble) = event { trouble } else { nil }
        }
        #expect(refusals == [.notAccepted], "\(refusals)")
        let link = try #require(bench.boxes[0].status(now: bench.now).links.first)
        #expect(link.cause == .notAccepted)
    }

    /// A wrong id for an endpoint at which somebody else is, who is known because it calls.
    @Test(arguments: [true, false]) func anotherKeyIsThere(acceptsAnybody: Bool) throws {
        let bench = Bench(2) { $0.acceptsAnybody = acceptsAnybody }
        let wrong = PrivateKey(generatedFrom: bench.random).address
        bench.boxes[0].setPeer(PeerSettings(address: wrong, endpoints: [bench.endpoint(1)]), now: bench.now)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(10))
        let link = try #require(bench.boxes[0].status(now: bench.now).links.first { $0.address == wrong })
        #expect(link.state == .refused && link.cause == .otherKey, bench.comment)
        #expect(link.trouble == .occupied(bench.endpoint(1), by: bench.address(1)), bench.comment)
    }

    @Test func whoHasToCall() throws {
        let bench = Bench(1)
        bench.boxes[0].setPeer(
            PeerSettings(address: PrivateKey(generatedFrom: bench.random).address, endpoints: []), now: bench.now)
        bench.run(for: .seconds(3))
        #expect(bench.boxes[0].status(now: bench.now).links.first?.cause == .waiting)
    }

    // MARK: Newly welcome

    /// A peer that is added at the end that answers, and a box that accepts anybody from now on: up at once, also where the
    /// first hello is lost.
    @Test(arguments: [true, false], [0, 1, 2]) func newlyWelcome(byName: Bool, lost: Int) throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(33))
        try #require(bench.isEstablished(0, 1) && !bench.isLinked(0, 1), bench.comment)
        let since = bench.now
        if byName {
            bench.introduce(1, to: 0)
        } else {
            bench.boxes[1].setAcceptsAnybody(true, now: bench.now)
        }
        var dropped = 0
        while !bench.isLinked(0, 1), bench.now - since < .seconds(20) {
            bench.run(for: .milliseconds(50)) { posted in
                guard posted.from == 1, dropped < lost else { return true }
                dropped += 1
                return false
            }
        }
        let after = bench.now - since
        #expect(after <= .seconds(2), "\(after.inSeconds) s, \(bench.comment)")
    }

    // MARK: Answers

    /// A pong with the number of somebody else's question is nobody's sign of life: neither the number alone counts nor who
    /// authenticated.
    @Test func pongsOfOthersProveNothing() throws {
        let bench = Bench(3)
        try bench.join(0, 1)
        try bench.join(0, 2)
        bench.run(for: .seconds(3))
        _ = bench.boxes[0].takeEvents()
        // Box 1 falls silent, and box 2 answers in its place everything that it can guess: it has the very numbers.
        bench.send([1], from: 0, to: 1)
        let start = bench.now
        var stolen: [UInt64] = []
        while bench.now - start < .seconds(4) {
            bench.run(for: .milliseconds(50)) { posted in posted.from != 1 && posted.path.remote != bench.endpoint(1) }
            for id in bench.session(0, 1)?.direct?.life.awaited ?? [] where !stolen.contains(id) {
                stolen.append(id)
                guard let session = bench.session(2, 0) else { continue }
                EchoBody.life(id, heardAgo: .zero).withUnsafeBytes {
                    bench.boxes[2].emitShort(.pong(EchoBody($0)), session, bench.now)
                }
            }
        }
        #expect(stolen.count >= 4, bench.comment)
        #expect(bench.session(0, 1)?.directAlive == false, "box 2's answers kept box 1 alive, \(bench.comment)")
        #expect(bench.session(0, 2)?.link.neighbour != nil, bench.comment)
        // They are told as what they are: who sent them goes with the number.
        let pongs = bench.boxes[0].takeEvents().compactMap { event -> Address? in
            if case .pong(let id, let from, _) = event, stolen.contains(id) { from } else { nil }
        }
        #expect(!pongs.isEmpty && pongs.allSatisfy { $0 == bench.address(2) }, bench.comment)
    }
}
