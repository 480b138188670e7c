import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box and an engine beside it, in the simulator: whichever of the two a datagram comes to, it counts once.
@Suite struct SideBoxTests {
    /// Two boxes of which the second has a side engine; every other datagram to it comes to that.
    private final class Pair {
        let simulation: Simulation
        let side = SideBox()
        /// What the side engine delivered.
        var delivered: [Int] = []
        var detours = 0
        private var arrivals = 0
        /// Whether datagrams go to the side engine.
        var divides = true

        init(seed: UInt64) throws {
            var settings = Simulation.smallBoxes()
            settings.isShared = true
            simulation = Simulation(seed: seed, settings: settings)
            for _ in 0..<2 { simulation.addNode() }
            simulation.connect(0, 1)
            simulation.tap = { [unowned self] from, to, datagram in
                guard to == 1, divides, simulation.isConnected(0, 1) else { return datagram }
                arrivals += 1
                return arrivals % 2 == 0 ? receive(datagram, from: from) : datagram
            }
            simulation.afterEachStep = { [unowned self] in share() }
            let isUp = simulation.run(
                until: { self.simulation.session(1, 0)?.link.neighbour != nil }, within: .seconds(5))
            try #require(isUp, "seed \(seed)")
            simulation.run(for: .seconds(3))
        }

        /// What the first engine does at the end of a turn.
        func share() {
            guard let box = simulation.box(1) else { return }
            for change in box.takeKeyNews() + box.shareWays(now: simulation.now) { side.apply(change) }
            _ = simulation.box(0)?.takeKeyNews()
        }

        private func receive(_ datagram: [UInt8], from: Int) -> [UInt8]? {
            guard let box = simulation.box(1) else { return nil }
            var copy = datagram
            let path = Path(
                remote: simulation.endpoint(from), local: simulation.endpoint(1).address, interface: 1, socket: 0)
            return copy.withUnsafeMutableBytes { bytes -> [UInt8]? in
                // The driver does so too: keys are said before the other end can use them.
                if side.isForeign(bytes) { share() }
                switch side.receive(bytes, from: path, trafficClass: 0, now: simulation.now) {
                case .message(let delivery):
                    delivered.append(number(of: Array(delivery.message)))
                    side.report(now: simulation.now)
                    return nil
                case .sealed:
                    return datagram
                case .opened(let isNewest, _):
                    detours += 1
                    let delivery = box.receiveOpened(
                        bytes, isNewest: isNewest, from: path, trafficClass: 0, now: simulation.now)
                    if let delivery { delivered.append(number(of: Array(delivery.message))) }
                    side.settle()
                    // The box's own timer moves with the next thing that reaches it.
                    return nil
                case .relay, .passed:
                    Issue.record("nobody relays here")
                    return nil
                case .dropped:
                    return nil
                }
            }
        }
    }

    /// Over several handshakes: nothing is lost, nothing comes twice, and the first engine knows what the other did.
    @Test func everyMessageArrivesOnceOverRekeys() throws {
        let seed = Seeds.fresh()
        let pair = try Pair(seed: seed)
        let simulation = pair.simulation
        simulation.clearReceived()
        pair.delivered = []
        let before = try #require(simulation.session(1, 0)).traffic.receivedDatagrams
        let handshakes = try #require(simulation.box(1)).handshakes
        let count = 4000
        for place in 0..<count {
            simulation.send(numbered(place), from: 0, to: simulation.address(1))
            simulation.run(for: .milliseconds(100))
        }
        simulation.run(for: .seconds(1))
        let all = pair.delivered + simulation.received(1).map { number(of: $0.message) }
        #expect(all.sorted() == Array(0..<count), "seed \(seed)")
        #expect(pair.delivered.count > count / 4, "\(pair.delivered.count) by the side engine, seed \(seed)")
        #expect(pair.detours > 0, "seed \(seed)")
        let box = try #require(simulation.box(1))
        #expect(box.handshakes >= handshakes + 3, "seed \(seed)")
        pair.share()
        let session = try #require(simulation.session(1, 0))
        #expect(session.traffic.receivedDatagrams >= before + UInt64(count), "seed \(seed)")
        #expect(simulation.now - session.traffic.lastDataReceived < .seconds(2), "seed \(seed)")
        // Size probes that the cable does not carry.
        #expect(session.keys.lost <= UInt64(simulation.lost), "seed \(seed)")
    }

    /// The other end gets another address: the way is the first engine's until the new one is proven.
    @Test func aPeerThatMovesIsFollowed() throws {
        let seed = Seeds.fresh()
        let pair = try Pair(seed: seed)
        let simulation = pair.simulation
        let remote = simulation.address(0)
        #expect(pair.side.lane(to: remote, now: simulation.now) != nil, "seed \(seed)")
        simulation.move(0)
        simulation.clearReceived()
        pair.delivered = []
        for place in 0..<50 {
            simulation.send(numbered(place), from: 0, to: simulation.address(1))
            simulation.run(for: .milliseconds(50))
        }
        let all = pair.delivered + simulation.received(1).map { number(of: $0.message) }
        #expect(Set(all).count == all.count && all.count >= 45, "\(all.count) of 50, seed \(seed)")
        let lane = try #require(pair.side.lane(to: remote, now: simulation.now), "seed \(seed)")
        #expect(lane.path.remote == simulation.endpoint(0))
    }

    @Test func aSessionThatEndsIsForgotten() throws {
        let seed = Seeds.fresh()
        let pair = try Pair(seed: seed)
        let simulation = pair.simulation
        let remote = simulation.address(0)
        let shared = try #require(simulation.session(1, 0)?.current?.shared)
        // Copies of a datagram for later: they must open nothing then.
        simulation.killNode(0)
        let isGone = simulation.run(
            until: { simulation.session(1, 0)?.current == nil }, within: .seconds(400))
        pair.share()
        #expect(isGone, "seed \(seed)")
        #expect(pair.side.lane(to: remote, now: simulation.now) == nil)
        var datagram: [UInt8] = [DatagramKind.transport.rawValue, 0, 0, 0]
        datagram.appendLittle(shared.localIndex)
        datagram += [UInt8](repeating: 0, count: 40)
        #expect(datagram.withUnsafeMutableBytes { pair.side.isForeign($0) }, "seed \(seed)")
    }

    /// What side engines send, the first engine takes for sent, and misses the answer to.
    @Test func silenceAfterWhatTheSideEngineSentIsNoticed() throws {
        let seed = Seeds.fresh()
        let pair = try Pair(seed: seed)
        let simulation = pair.simulation
        let remote = simulation.address(0)
        simulation.setCable(0, 1, up: false)
        let cut = simulation.now
        for turn in 0..<24 {
            if let lane = pair.side.lane(to: remote, now: simulation.now), let room = pair.side.sealer.room(lane) {
                room.storeBytes(of: 1, as: UInt64.self)
                #expect(pair.side.sealer.dispatch(room, count: 8, isPartial: false, trafficClass: 0, lane))
                pair.side.outbox.removeAll()
                pair.side.report(now: simulation.now)
            }
            simulation.run(for: .milliseconds(250))
            pair.share()
            if turn == 0 { #expect(simulation.session(1, 0)?.direct?.life.waitingSince == cut, "seed \(seed)") }
            simulation.box(1)?.tick(now: simulation.now)
        }
        #expect(simulation.session(1, 0)?.usesDirectPath == false, "seed \(seed)")
        #expect(pair.side.lane(to: remote, now: simulation.now) == nil, "seed \(seed)")
    }

    /// After a message that had to go by the first engine, the session's next ones follow it until that is through.
    @Test func nothingOvertakesADetour() throws {
        let seed = Seeds.fresh()
        let pair = try Pair(seed: seed)
        pair.divides = false
        let simulation = pair.simulation
        var caught: [[UInt8]] = []
        simulation.tap = { _, to, datagram in
            if to == 1, datagram.first == DatagramKind.transport.rawValue { caught.append(datagram) }
            return to == 1 ? nil : datagram
        }
        for place in 0..<4 { simulation.send(numbered(place), from: 0, to: simulation.address(1)) }
        try #require(caught.count == 4, "seed \(seed)")
        func kind(_ datagram: [UInt8], from port: UInt16) -> String {
            var copy = datagram
            var endpoint = simulation.endpoint(0)
            endpoint.port = port
            let path = Path(remote: endpoint, local: simulation.endpoint(1).address, interface: 1, socket: 0)
            return copy.withUnsafeMutableBytes {
                switch pair.side.receive($0, from: path, trafficClass: 0, now: simulation.now) {
                case .message: "message"
                case .opened(_, let orderMatters): orderMatters ? "detour" : "opened"
                case .sealed: "sealed"
                case .relay: "relay"
                case .passed: "passed"
                case .dropped: "dropped"
                }
            }
        }
        let port = simulation.endpoint(0).port
        #expect(kind(caught[0], from: port) == "message", "seed \(seed)")
        #expect(kind(caught[1], from: port + 1) == "detour")
        #expect(kind(caught[2], from: port) == "detour")
        #expect(kind(caught[2], from: port) == "dropped")
        pair.side.settle()
        #expect(kind(caught[3], from: port) == "message")
        #expect(pair.side.drops[.replayed] == 1)
    }
}
