import Testing
import Wire

@testable import MeshSim

/// The order in which things happen, and nodes that ask for more time than there is.
@Suite struct TimelineTests {
    let start = Instant(nanoseconds: 1_000_000_000)

    /// All that is due until `end`, as words.
    private func due(_ timeline: inout Timeline<String>, until end: Instant) -> [String] {
        var found: [String] = []
        while let due = timeline.next(until: end) {
            switch due {
            case .event(let name): found.append(name)
            case .timer(let node): found.append("timer \(node)")
            }
        }
        return found
    }

    @Test func byTimeAndThenByOrder() {
        var timeline = Timeline<String>()
        timeline.addNode()
        timeline.push("late", at: start + .seconds(2))
        timeline.push("first", at: start + .seconds(1))
        timeline.wake(0, at: start + .seconds(1))
        timeline.push("last", at: start + .seconds(1))
        // What should have happened happens now.
        timeline.push("overdue", at: start - .milliseconds(1))
        #expect(due(&timeline, until: start + .seconds(1)) == ["overdue", "first", "timer 0", "last"])
        #expect(timeline.now == start + .seconds(1))
        #expect(due(&timeline, until: start + .seconds(3)) == ["late"])
        timeline.pass(until: start + .seconds(3))
        timeline.pass(until: start)
        #expect(timeline.now == start + .seconds(3))
    }

    @Test func aTimerRingsOnceAndAtTheEarliest() {
        var timeline = Timeline<String>()
        for _ in 0..<2 { timeline.addNode() }
        timeline.wake(0, at: start + .seconds(5))
        timeline.wake(0, at: start + .seconds(1))
        timeline.wake(0, at: start + .seconds(3))
        timeline.wake(1, at: .distantFuture)
        #expect(due(&timeline, until: start + .seconds(9)) == ["timer 0"])
        #expect(timeline.now == start + .seconds(1))
        timeline.wake(0, at: start + .seconds(2))
        #expect(due(&timeline, until: start + .seconds(9)) == ["timer 0"])
        #expect(timeline.now == start + .seconds(2))
    }

    @Test func ticksInOneInstantAreFewUnlessSomethingCame() {
        var pace = TickPace()
        for _ in 0..<TickPace.ticksPerInstant { #expect(pace.rings(start) == nil) }
        pace.disturbed()
        for _ in 0..<TickPace.ticksPerInstant { #expect(pace.rings(start) == nil) }
        #expect(pace.rings(start) == .again(ticks: TickPace.ticksPerInstant + 1))
        // The next instant is a new one.
        #expect(pace.rings(start + Interval(nanoseconds: 1)) == nil)
    }

    @Test func ticksInASecondAreCounted() {
        var pace = TickPace()
        var faults = 0
        for tick in 0..<3000 where pace.rings(start + .milliseconds(Int64(tick))) != nil { faults += 1 }
        #expect(faults == 0 && pace.most == TickPace.ticksPerSecond)
        for tick in 0..<3000 {
            let kind = pace.rings(start + .seconds(10) + .microseconds(Int64(tick) * 500))
            if kind != nil { faults += 1 }
        }
        #expect(faults == 1000 + 0 && pace.most == 2000, "\(faults) \(pace.most)")
    }
}
