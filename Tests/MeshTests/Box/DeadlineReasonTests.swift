import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What boxes wait for. A deadline that does not move burns a core, and one that is forgotten leaves a session dead: neither happens,
/// whatever a session waits for.
@Suite struct DeadlineReasonTests {
    /// What is wrong with how a box keeps the deadlines of its sessions, if anything is.
    private func fault(_ box: MeshBox, _ now: Instant) -> String? {
        var waiting = 0
        for session in box.allSessions {
            let name = "session \(session.number), \(session.timer.reason)"
            if session.timer.place != nil { waiting += 1 }
            if (session.timer.place != nil) != (session.timer.at < .distantFuture) {
                return "\(name): not as in the heap"
            }
            if session.timer.at < box.deadline { return "\(name): the box comes too late" }
            if session.timer.at > now + .seconds(600), !isAwaited(session) { return "\(name): forgotten" }
        }
        if waiting != box.deadlines.count { return "\(box.deadlines.count) in the heap, and \(waiting) sessions" }
        return box.stuckDeadlines == 0 ? nil : "stuck: \(box.stuckReason ?? "")"
    }

    /// A peer that has to call, or may not be called: nothing is due for it.
    private func isAwaited(_ session: Session) -> Bool {
        session.peer != nil && session.current == nil && !session.keys.hasAttempt
            && session.pending.isEmpty && (session.peer?.endpoints.isEmpty == true || session.usesDirectPath)
    }

    private func watch(_ simulation: Simulation, _ seen: @escaping (DeadlineReason) -> Void) {
        simulation.afterEachStep = { [unowned simulation] in
            for place in 0..<simulation.count {
                guard let box = simulation.box(place) else { continue }
                if let fault = fault(box, simulation.now) {
                    simulation.afterEachStep = nil
                    Issue.record("box \(place), seed \(simulation.seed): \(fault)")
                    return
                }
                for session in box.allSessions where session.timer.place != nil { seen(session.timer.reason) }
            }
        }
    }

    /// Three boxes in a chain that lose, move, restart and fall silent, and two with one key: whatever a session may wait for is
    /// waited for, and served.
    @Test func everyReason() throws {
        var seen: Set<DeadlineReason> = []
        var settings = Simulation.smallBoxes()
        settings.direct = .any
        let simulation = Simulation(seed: Seeds.fresh(), settings: settings)
        watch(simulation) { seen.insert($0) }
        for _ in 0..<4 { simulation.addNode() }
        let twin = simulation.addNode(sharingKeyOf: 1)
        let quality = CableQuality.clean.with(.delay(.milliseconds(20)))
        for place in 0..<3 { simulation.connect(place, place + 1, quality) }
        simulation.run(for: .seconds(10))
        for round in 0..<20 as Range<UInt8> {
            simulation.send([round], from: 0, to: simulation.address(3))
            simulation.run(for: .milliseconds(500))
            if round == 5 { simulation.setQuality(1, 2, quality.with(.size(mtu: 900))) }
            if round == 10 { simulation.move(0) }
            if round == 15 { simulation.killNode(3) }
        }
        // To nobody: it waits in vain.
        simulation.send([1], from: 0, to: Address(raw: Bytes32(words: (1, 2, 3, 4))))
        simulation.run(for: .seconds(30))
        simulation.startNode(3)
        simulation.connect(2, twin)
        simulation.run(for: .seconds(400))
        // A path that dies and lives again: the two say hello anew, which is lost for a while.
        simulation.setCable(0, 1, up: false)
        simulation.run(for: .seconds(10))
        simulation.setCable(0, 1, up: true)
        simulation.tap = { $2.count == HelloLayout.count + TransportLayout.overhead ? nil : $2 }
        simulation.run(for: .seconds(10))
        simulation.tap = nil
        for place in 0..<4 { simulation.send([1], from: place, to: simulation.address((place + 2) % 4)) }
        simulation.run(for: .seconds(400))
        let never = Set(DeadlineReason.allCases).subtracting(seen)
        #expect(never.isEmpty, "never waited for: \(never), seed \(simulation.seed)")
    }

    /// Two boxes without traffic, for hours: few ticks, none in vain, and the link stays.
    @Test func idleForHours() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let hours: Int64 = 3
        let end = bench.now + .seconds(3600 * hours)
        var ticks = 0
        var atOnce: UInt64 = 0
        while let next = bench.boxes.map(\.deadline).min(), next <= end {
            if next <= bench.now { atOnce += 1 }
            bench.now = max(bench.now, next)
            bench.tick()
            bench.exchange()
            ticks += 1
        }
        for box in bench.boxes {
            let fault = fault(box, bench.now)
            #expect(fault == nil, bench.comment)
            #expect(box.handshakes >= UInt64(hours) * 3600 / 140, bench.comment)
        }
        // Pings every five seconds, a size every minute, keys every two, beacons.
        #expect(ticks < 3600 * Int(hours), "\(ticks) ticks in \(hours) hours, \(bench.comment)")
        // Nothing is due twice in an instant but what new keys make due.
        #expect(atOnce <= bench.boxes[0].handshakes, bench.comment)
        #expect(bench.isLinked(0, 1), bench.comment)
        bench.send([7], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.last?.message == [7], bench.comment)
    }

    /// A tick looks at those that are due and at no other: many who wait cost nothing.
    @Test func whoIsNotDueIsNotLookedAt() throws {
        let bench = Bench(1)
        let box = bench.boxes[0]
        let main = try #require(box.node(.main))
        for number in 0..<200 as Range<UInt64> {
            let remote = Address(raw: Bytes32(words: (number, 1, 2, 3)))
            _ = box.openSession(main, remote, bench.now)
        }
        bench.tick()
        let before = box.allSessions.map(\.timer.at)
        #expect(before.allSatisfy { $0 > bench.now } && box.deadlines.count == 200)
        box.wake(box.allSessions[17], bench.now + .milliseconds(1), for: .news)
        bench.now = bench.now + .milliseconds(1)
        let due = box.deadlines.earliest
        bench.tick()
        #expect(due == bench.now && box.deadlines.count == 200)
        #expect(box.allSessions.map(\.timer.at) == before)
        // Nobody ever answered: they go when their time is over.
        bench.run(for: .seconds(6))
        #expect(box.allSessions.isEmpty && box.deadlines.count == 0)
    }
}
