import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The heap of sessions by when they are due.
@Suite struct DeadlinesTests {
    private let local = BoxNode(id: .main, key: PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: 1)))
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func sessions(_ count: Int) -> [Session] {
        var table = SessionTable()
        return (0..<count).map { table.make(local, Address(raw: Bytes32(words: (UInt64($0), 1, 2, 3))), start) }
    }

    /// Against a list that is looked through: sets, moves both ways, removals, and what is due.
    @Test(arguments: Seeds.several(8)) func asAListWouldHaveIt(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        let sessions = sessions(100)
        var heap = Deadlines(start)
        var expected: [Int: Instant] = [:]
        for _ in 0..<5000 {
            let place = Int(random.next(below: 100))
            switch random.next(below: 10) {
            case 0:
                heap.clear(sessions[place])
                expected[place] = nil
            case 1:
                let now = start + .milliseconds(Int64(random.next(below: 300)))
                let due = heap.takeDue(now)
                let places = due.map(\.entry.place)
                #expect(places == expected.filter { $0.value <= now }.map(\.key).sorted(), "seed \(seed)")
                for (number, session) in due.enumerated() {
                    // Some have to wait for their turn.
                    if number % 3 == 0 { heap.putBack(session) } else { heap.clear(session) }
                    if number % 3 != 0 { expected[session.entry.place] = nil }
                }
            case 2, 3, 4:
                // Looked at, and due anew at another time.
                let at = start + .milliseconds(Int64(random.next(below: 1000)))
                heap.clear(sessions[place])
                heap.wake(sessions[place], by: at, for: .size)
                expected[place] = at
            default:
                // The earliest is kept.
                let at = start + .milliseconds(Int64(random.next(below: 1000)))
                heap.wake(sessions[place], by: at, for: .news)
                expected[place] = min(at, expected[place] ?? at)
            }
            #expect(heap.count == expected.count, "seed \(seed)")
            #expect(heap.earliest == expected.values.min() ?? .distantFuture, "seed \(seed)")
        }
        #expect(sessions.allSatisfy { ($0.timer.place != nil) == (expected[$0.entry.place] != nil) }, "seed \(seed)")
    }

    @Test func theEarliestReasonIsKept() {
        let session = sessions(1)[0]
        var heap = Deadlines(start)
        heap.wake(session, by: start + .seconds(5), for: .newKeys)
        heap.wake(session, by: start + .seconds(6), for: .idle)
        #expect(session.timer.at == start + .seconds(5) && session.timer.reason == .newKeys)
        heap.wake(session, by: start + .seconds(1), for: .signOfLife)
        #expect(heap.earliest == start + .seconds(1) && session.timer.reason == .signOfLife)
        heap.clear(session)
        #expect(session.timer.at == .distantFuture && heap.count == 0)
        heap.wake(session, by: start + .seconds(9), for: .idle)
        #expect(heap.earliest == start + .seconds(9) && session.timer.reason == .idle)
    }

    /// A session is in the heap as long as the box has it, and bears the reason it is looked at for.
    @Test func idleSessionsWaitForTheirKeys() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(30))
        let box = bench.boxes[0]
        let session = try #require(bench.session(0, 1))
        #expect(box.deadlines.count == box.allSessions.count && session.timer.place != nil)
        #expect(session.timer.reason == .signOfLife, "\(session.timer.reason), \(bench.comment)")
        box.removePeer(bench.address(1), now: bench.now)
        #expect(session.entry.isOver && session.timer.place == nil && box.deadlines.count == 0)
        // Nothing wakes what the box has forgotten.
        box.wake(session, bench.now)
        #expect(box.deadlines.count == 0)
    }

    /// What was lost is found out though nothing more comes, and then it is not looked for any more.
    @Test func lossIsLookedForWhileThereIsNews() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(5))
        for number in 0..<10 as Range<UInt8> {
            bench.send([number], from: 0, to: 1)
            for posted in bench.take(0) where number == 9 || number % 2 == 0 { bench.deliver(posted) }
        }
        let session = try #require(bench.session(1, 0))
        #expect(session.entry.isWatchedForLoss && session.keys.lost == 0, bench.comment)
        // Nobody says anything any more.
        let box = bench.boxes[1]
        for _ in 0..<30 {
            bench.now = bench.now + .seconds(1)
            box.tick(now: bench.now)
            box.outbox.removeAll()
        }
        #expect(session.keys.lost == 4, bench.comment)
        #expect(!session.entry.isWatchedForLoss && box.sessions.watchedForLoss.isEmpty, bench.comment)
    }
}
