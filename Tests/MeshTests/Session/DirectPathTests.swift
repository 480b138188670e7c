import MeshSim
import Testing
import Wire

@testable import Mesh

/// Which endpoint a session sends to, and how much before it is proven.
@Suite struct DirectPathTests {
    private let home = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 1), port: 1))
    private let away = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 2), port: 2))
    private let start = Instant(nanoseconds: 1)

    @Test func onlyTheNewestMoves() {
        var direct = DirectPath(home, validated: true)
        #expect(direct.observe(home, bytes: 100, newest: true) == .none)
        #expect(direct.observe(away, bytes: 100, newest: false) == .none)
        #expect(direct.path == home)
        #expect(direct.observe(away, bytes: 100, newest: true) == .endpoint)
        // The same endpoint by another of our addresses: answers leave from there.
        var other = home
        other.local = .loopback
        #expect(direct.observe(other, bytes: 100, newest: true) == .source)
        #expect(direct.path == other && direct.validated)
    }

    @Test func anUnprovenEndpointGetsThreeTimesWhatCameFromIt() {
        var direct = DirectPath(home, validated: true)
        direct.move(to: away, bytes: 100, challenge: 7, now: start)
        var sent = 0
        // Traffic takes the old way once it would take what the challenges need.
        while direct.route(20) == away { sent += 20 }
        #expect(sent <= 300 - DirectPath.challengeTries * DirectPath.challengeBytes)
        #expect(direct.route(20) == home)
        while direct.admit(20, isProof: true) { sent += 20 }
        #expect(sent <= 300 && sent > 280)
        #expect(direct.observe(away, bytes: 50, newest: true) == .none)
        while direct.admit(20, isProof: true) { sent += 20 }
        #expect(sent <= 450 && sent > 430)
        // The wrong echo, and the right one from elsewhere, prove nothing.
        for (echo, path) in [(8, away), (0, away), (7, home)] as [(UInt64, Path)] {
            let confirmed = direct.confirm(echo, from: path)
            #expect(!confirmed && !direct.validated)
        }
        let confirmed = direct.confirm(7, from: away)
        #expect(confirmed && direct.validated && direct.path == away)
        for _ in 0..<1000 {
            let admitted = direct.admit(1400)
            #expect(admitted)
        }
    }

    @Test func withoutAnEchoItGoesBack() {
        var direct = DirectPath(home, validated: true)
        direct.move(to: away, bytes: 100, challenge: 7, now: start)
        var now = start
        var asked = 0
        while true {
            let step = direct.tick(now)
            if step == .send { asked += 1 }
            if step == .returned { break }
            guard now < start + .seconds(10) else {
                Issue.record("it does not go back")
                return
            }
            now = now + .milliseconds(10)
        }
        #expect(asked == DirectPath.challengeTries)
        #expect(now - start < .seconds(2))
        #expect(direct.path == home && direct.validated)
        let confirmed = direct.confirm(7, from: away)
        #expect(!confirmed)
    }

    @Test func backHomeNothingNeedsToBeProvenAgain() {
        var direct = DirectPath(home, validated: true)
        direct.move(to: away, bytes: 100, challenge: 7, now: start)
        #expect(direct.observe(home, bytes: 100, newest: true) == .endpoint)
        direct.move(to: home, bytes: 100, challenge: 8, now: start)
        #expect(direct.validated && direct.path == home)
        #expect(direct.tick(start + .seconds(10)) == .wait)
    }

    @Test func fromOneUnprovenEndpointToTheNext() {
        var direct = DirectPath(home, validated: true)
        direct.move(to: away, bytes: 100, challenge: 7, now: start)
        var third = away
        third.remote.port = 3
        direct.move(to: third, bytes: 100, challenge: 8, now: start)
        // The last one that was proven is the way back.
        for step in 0..<1000 where direct.tick(start + .milliseconds(10) * Int64(step)) == .returned { break }
        #expect(direct.path == home && direct.validated)
    }

    @Test func aPathThatNeverWasProvenIsLost() {
        var direct = DirectPath(home, validated: false)
        direct.move(to: home, bytes: 160, challenge: 7, now: start)
        var lost = false
        for step in 0..<1000 where direct.tick(start + .milliseconds(10) * Int64(step)) == .lost { lost = true }
        #expect(lost && !direct.validated)
    }
}
