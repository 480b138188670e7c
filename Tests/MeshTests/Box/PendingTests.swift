import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Messages that wait for keys or a route.
@Suite struct PendingTests {
    private func nowhere(_ bench: Bench) -> Address { PrivateKey(generatedFrom: bench.random).address }

    private func send(_ bench: Bench, _ message: [UInt8], to address: Address) -> SendOutcome {
        message.withUnsafeBytes { bench.boxes[0].send($0, from: .main, to: address, now: bench.now) }
    }

    private func undeliverable(_ bench: Bench) -> [(Address, [UInt8])] {
        bench.boxes[0].takeEvents().compactMap {
            if case .undeliverable(.main, let address, let message) = $0 { (address, message) } else { nil }
        }
    }

    @Test func boundedInFrames() {
        let bench = Bench(1)
        let target = nowhere(bench)
        let limit = MeshLimits().pendingFrames
        for number in 0..<2 * limit {
            let expected: SendOutcome = number < limit ? .queued : .dropped(.pendingFull)
            #expect(send(bench, numbered(number), to: target) == expected)
        }
        #expect(bench.boxes[0].drops[.pendingFull] == UInt64(limit))
        bench.run(for: .seconds(4))
        let given = undeliverable(bench)
        #expect(given.map { number(of: $0.1) } == Array(0..<limit) && given.allSatisfy { $0.0 == target })
        #expect(bench.boxes[0].drops[.pendingExpired] == UInt64(limit) && bench.boxes[0].pendingBytes == 0)
        // The place is free again, and in the end nothing is left of the session.
        #expect(send(bench, [1], to: target) == .queued)
        bench.run(for: .seconds(20))
        #expect(bench.boxes[0].sessions.isEmpty && bench.boxes[0].pendingBytes == 0)
    }

    @Test func boundedInBytesOfOneAndOfAll() {
        let bench = Bench(1) { $0.limits.pendingBytesInAll = 1 << 20 }
        let big = [UInt8](repeating: 0, count: 65_535)
        var queued = 0
        for _ in 0..<50 {
            let target = nowhere(bench)
            for _ in 0..<5 where send(bench, big, to: target) == .queued { queued += 1 }
            #expect(bench.session(0, 0) == nil)
            #expect(bench.boxes[0].allSessions.allSatisfy { $0.pending.bytes <= MeshLimits().pendingBytes })
            #expect(bench.boxes[0].pendingBytes <= 1 << 20)
        }
        #expect(queued == 16, "16 times 65,536 bytes are the whole room")
        let held = bench.boxes[0].allSessions.reduce(0) { $0 + $1.pending.bytes }
        #expect(held == bench.boxes[0].pendingBytes)
        bench.run(for: .seconds(4))
        #expect(bench.boxes[0].pendingBytes == 0)
        #expect(undeliverable(bench).count == 16)
    }

    @Test func whatWaitsGoesOutInOrder() {
        let bench = Bench()
        bench.introduce(0, to: 1)
        for number in 0..<20 { bench.send(numbered(number, count: number * 300), from: 0, to: 1) }
        bench.run(for: .seconds(1))
        #expect(bench.delivered.map { number(of: $0.message) } == Array(0..<20))
        #expect(bench.boxes[0].pendingBytes == 0 && undeliverable(bench).isEmpty)
    }

    /// The moment in which a way is back, and the box has not looked after the session yet.
    @Test func nothingOvertakesWhatWaits() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let session = try #require(bench.session(0, 1))
        for number in 0..<3 {
            let isParked = numbered(number).withUnsafeBytes {
                bench.boxes[0].sessions.park(.message, $0, session, MeshLimits(), bench.now)
            }
            #expect(isParked)
        }
        #expect(bench.boxes[0].lane(to: bench.address(1), now: bench.now) == nil)
        #expect(bench.send(numbered(3), from: 0, to: 1) == .sent)
        bench.exchange()
        #expect(bench.delivered.map { number(of: $0.message) } == [0, 1, 2, 3])
        #expect(bench.boxes[0].pendingBytes == 0)
    }

    @Test func nothingIsLostWithoutAWord() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(3, seed: seed)
        simulation.setCable(1, 2, up: false)
        var outcomes: [Int: SendOutcome] = [:]
        for place in 0..<300 {
            outcomes[place] = simulation.send(numbered(place), from: 0, to: simulation.address(2))
            simulation.run(for: .milliseconds(100))
            if place == 150 { simulation.setCable(1, 2, up: true) }
        }
        simulation.run(for: .seconds(5))
        let arrived = Set(simulation.received(2).map { number(of: $0.message) })
        let returned = Set(
            (simulation.box(0)?.takeEvents() ?? []).compactMap { event -> Int? in
                if case .undeliverable(_, _, let message) = event { number(of: message) } else { nil }
            })
        #expect(arrived.isDisjoint(with: returned), "given back and delivered, seed \(seed)")
        for (place, outcome) in outcomes where outcome == .queued {
            #expect(arrived.contains(place) || returned.contains(place), "message \(place) vanished, seed \(seed)")
        }
        #expect(arrived.isSuperset(of: 250..<300), "seed \(seed)")
    }

    /// What goes out of the queue while the box looks after the session still sets the alarm for silence.
    @Test func silenceAfterAWaitIsNoticed() throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        try #require(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)))
        let session = try #require(bench.boxes[0].allSessions.first)
        bench.run(for: .seconds(5))
        session.path.stopped()
        #expect(send(bench, [1], to: stranger.address) == .queued)
        _ = session.path.answers(bench.now, MeshLimits(), isLink: false)
        bench.boxes[0].wake(session, bench.now)
        bench.run(for: .seconds(1))
        #expect(session.pending.isEmpty && bench.boxes[0].pendingBytes == 0)
        bench.run(for: MeshLimits().silenceBeforeHandshake)
        #expect(!session.directAlive, "a path that is silent counts as alive, \(bench.comment)")
    }

    @Test func theQueueItself() {
        var queue = PendingQueue()
        let limits = MeshLimits()
        let start = Instant(nanoseconds: 5)
        #expect(queue.isEmpty && queue.oldest == .distantFuture)
        for number in 0..<limits.pendingFrames {
            #expect(queue.hasRoom(for: 101, limits))
            numbered(number).withUnsafeBytes { queue.append(kind: .message, $0, start + .seconds(Int64(number))) }
        }
        #expect(!queue.hasRoom(for: 1, limits) && queue.bytes == 101 * limits.pendingFrames && queue.oldest == start)
        for expected in 0..<limits.pendingFrames {
            let entry = queue.popFirst()
            #expect(entry?.frame.first == FrameKind.message.rawValue)
            #expect(entry.map { number(of: Array($0.frame.dropFirst())) } == expected)
        }
        #expect(queue.isEmpty && queue.bytes == 0)
        #expect(!queue.hasRoom(for: limits.pendingBytes + 1, limits))
    }
}
