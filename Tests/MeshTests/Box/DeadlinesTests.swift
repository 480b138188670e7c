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
        (0..<count).map { place in
            let remote = Address(raw: Bytes32(words: (UInt64(place), 1, 2, 3)))
            let session = Session(number: UInt32(place), local: local, remote: remote, now: start)
            session.place = place
            return session
        }
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
                heap.remove(sessions[place])
                expected[place] = nil
            case 1:
                heap.set(sessions[place], .distantFuture)
                expected[place] = nil
            case 2:
                let now = start + .milliseconds(Int64(random.next(below: 300)))
                let due = heap.takeDue(now).map(\.place)
                #expect(due == expected.filter { $0.value <= now }.map(\.key).sorted(), "seed \(seed)")
                for place in due { expected[place] = nil }
            default:
                let at = start + .milliseconds(Int64(random.next(below: 1000)))
                heap.set(sessions[place], at)
                expected[place] = at
            }
            #expect(heap.count == expected.count, "seed \(seed)")
            #expect(heap.earliest == expected.values.min() ?? .distantFuture, "seed \(seed)")
        }
        #expect(sessions.allSatisfy { ($0.heapPlace != nil) == (expected[$0.place] != nil) }, "seed \(seed)")
    }

    @Test func theEarliestReasonIsKept() {
        let session = sessions(1)[0]
        #expect(session.wake(by: start + .seconds(5), for: .newKeys) && session.reason == .newKeys)
        #expect(!session.wake(by: start + .seconds(6), for: .idle) && session.reason == .newKeys)
        #expect(session.wake(by: start + .seconds(1), for: .signOfLife) && session.reason == .signOfLife)
        session.clearDeadline()
        #expect(session.deadline == .distantFuture && session.wake(by: start + .seconds(9), for: .idle))
    }

    /// A session is in the heap as long as the box has it, and bears the reason it is looked at for.
    @Test func idleSessionsWaitForTheirKeys() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(30))
        let box = bench.boxes[0]
        let session = try #require(bench.session(0, 1))
        #expect(box.deadlines.count == box.allSessions.count && session.heapPlace != nil)
        #expect(session.reason == .signOfLife, "\(session.reason), \(bench.comment)")
        box.removePeer(bench.address(1), now: bench.now)
        #expect(session.isOver && session.heapPlace == nil && box.deadlines.count == 0)
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
        #expect(session.isWatchedForLoss && session.lostDatagrams == 0, bench.comment)
        // Nobody says anything any more.
        let box = bench.boxes[1]
        for _ in 0..<30 {
            bench.now = bench.now + .seconds(1)
            box.tick(now: bench.now)
            box.outbox.removeAll()
        }
        #expect(session.lostDatagrams == 4, bench.comment)
        #expect(!session.isWatchedForLoss && box.sessions.watchedForLoss.isEmpty, bench.comment)
    }
}
