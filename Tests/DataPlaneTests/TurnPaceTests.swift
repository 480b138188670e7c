import Testing
import Wire

@testable import DataPlane

struct TurnPaceTests {
    /// Turns that come at a fixed distance and move as much each. The pauses that follow them.
    static func pauses(
        turns: Int, every distance: Interval, moving packets: Int, _ scheduling: ThreadScheduling = .normal
    ) -> [Interval] {
        var pace = TurnPace(scheduling)
        var now = Instant(nanoseconds: 5_000_000_000)
        return (0..<turns).map { _ in
            now = now + distance
            return pace.pause(after: packets, now: now)
        }
    }

    @Test func manySmallTurnsArePutTogether() {
        // 200,000 packets a second, two in a turn: 16 of them come in 80 microseconds.
        let pauses = Self.pauses(turns: 1_000, every: .microseconds(10), moving: 2)
        #expect(pauses.last == .microseconds(50))
        // 400,000 a second.
        #expect(Self.pauses(turns: 1_000, every: .microseconds(10), moving: 4).last == .microseconds(40))
        // It takes a while to be sure.
        #expect(pauses.prefix(100).allSatisfy { $0 == .zero })
    }

    @Test(arguments: [
        // A question and its answer in turn, however quick.
        (Interval.microseconds(20), 1),
        // A stream that leaves time to wake up for each packet.
        (.microseconds(500), 2),
        // Turns that are worth waking up for.
        (.microseconds(50), 16), (.microseconds(50), 400),
        // Idle.
        (.milliseconds(5), 3), (.microseconds(10), 0),
    ])
    func othersAreNeverKeptWaiting(_ distance: Interval, _ packets: Int) {
        #expect(Self.pauses(turns: 2_000, every: distance, moving: packets).allSatisfy { $0 == .zero })
    }

    /// There the thread is awake before a second packet comes.
    @Test func inRealTimeAStreamIsToldByItsRateAlone() {
        // 100,000 packets a second, one in a turn: 16 would take 160 microseconds.
        #expect(Self.pauses(turns: 1_000, every: .microseconds(10), moving: 1, .realtime).last == .microseconds(100))
        // Questions and answers in turn, a round trip of 80 microseconds.
        let questions = Self.pauses(turns: 1_000, every: .microseconds(40), moving: 1, .realtime)
        #expect(questions.allSatisfy { $0 == .zero })
    }

    @Test func itEndsWithTheStream() {
        var pace = TurnPace()
        var now = Instant(nanoseconds: 5_000_000_000)
        for _ in 0..<1_000 {
            now = now + .microseconds(10)
            _ = pace.pause(after: 2, now: now)
        }
        #expect(pace.pause(after: 2, now: now) > .zero)
        // A turn that moved nothing is followed at once by the next.
        #expect(pace.pause(after: 0, now: now) == .zero)
        now = now + .milliseconds(10)
        #expect(pace.pause(after: 1, now: now) == .zero)
        #expect(pace.pause(after: 1, now: now) == .zero)
    }
}
