import Testing
import Wire

@testable import DataPlane

@Suite struct TurnGuardTests {
    /// A deadline that never moves costs a thousand turns a second at the most.
    @Test func aDeadlineThatDoesNotMove() {
        var guardian = TurnGuard()
        var now = Instant(nanoseconds: 1_000_000_000)
        let stuck = now
        var turns = 0
        while now < stuck + .seconds(1) {
            turns += 1
            now = max(now, guardian.wake(due: stuck, wasIdle: turns > 1, now: now)) + .microseconds(5)
        }
        #expect(turns <= 1100, "\(turns) turns in a second")
        #expect(guardian.held > 900)
    }

    /// What moves, and turns with something to do, are never put off.
    @Test func workIsNotPutOff() {
        var guardian = TurnGuard()
        let now = Instant(nanoseconds: 1_000_000_000)
        for _ in 0..<1000 {
            let next = guardian.wake(due: now, wasIdle: false, now: now)
            #expect(next == now)
        }
        for step in 1..<1000 {
            let due = now + .milliseconds(Int64(step))
            let next = guardian.wake(due: due, wasIdle: true, now: now)
            #expect(next == due)
        }
        #expect(guardian.held == 0)
    }
}
