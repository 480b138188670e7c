import Testing
import Wire

@testable import Mesh

/// How long a path is given, without any box around it.
@Suite struct PathLifeTests {
    private let limits = MeshLimits()

    /// A path that carries nothing from now on, under traffic: when it is given up.
    private func death(of life: inout PathLife, at start: Instant) -> Interval? {
        var now = start
        var id: UInt64 = 1000
        _ = life.sentData(now, limits)
        while now - start < .seconds(20) {
            now = life.nextQuestion
            guard now != .distantFuture else { return nil }
            switch life.step(now, limits) {
            case .wait: return nil
            case .dead: return now - start
            case .ask:
                id += 1
                life.ask(id, now, limits)
            }
        }
        return nil
    }

    @Test func silenceIsDeathWithinASecondAndAHalf() throws {
        var life = PathLife(Instant(nanoseconds: 1))
        life.proven(Instant(nanoseconds: 1), limits, isLink: true)
        let time = try #require(death(of: &life, at: Instant(nanoseconds: 1_000_000_000)))
        #expect(time >= limits.linkSuspicion + limits.linkSilence && time < .milliseconds(1500))
    }

    /// A path that was dead for a minute and lives again is no lossy path: the next death is noticed as soon.
    @Test func anEarlierDeathIsNoLoss() throws {
        var life = PathLife(Instant(nanoseconds: 1))
        life.proven(Instant(nanoseconds: 1), limits, isLink: true)
        var now = Instant(nanoseconds: 1_000_000_000)
        _ = death(of: &life, at: now)
        life.end(now)
        life.askSoon(now)
        for id in 1...60 as ClosedRange<UInt64> {
            now = now + .seconds(1)
            life.askWhileDead(id, now, limits)
        }
        let answered = life.answered(60, now + .milliseconds(5), limits, isLink: true)
        #expect(answered && life.missedPermille == 0)
        life.restart(now)
        life.proven(now, limits, isLink: true)
        let time = try #require(death(of: &life, at: now + .seconds(3)))
        #expect(time < .milliseconds(1500))
    }

    /// Where many questions are lost, more are asked before the path is given up.
    @Test func lossyPathsGetMore() throws {
        var life = PathLife(Instant(nanoseconds: 1))
        var now = Instant(nanoseconds: 1_000_000_000)
        for id in 1...60 as ClosedRange<UInt64> {
            now = now + .seconds(1)
            life.ask(id, now, limits)
            if id % 3 == 0 { _ = life.answered(id, now, limits, isLink: true) }
        }
        #expect(life.missedPermille > 200)
        let time = try #require(death(of: &life, at: now + .seconds(3)))
        #expect(time > .milliseconds(1500) && time < .seconds(4))
    }
}
