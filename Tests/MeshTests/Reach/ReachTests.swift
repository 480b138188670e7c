import INET256
import Testing
import Wire

@testable import Mesh

/// One session's search alone, and what a box tells of itself.
@Suite struct ReachTests {
    let start = Instant(nanoseconds: 1_000_000_000_000)

    private func v4(_ text: String) -> Endpoint { Endpoint(text) ?? Endpoint(address: .unspecified, port: 0) }

    private func frame(_ endpoints: [Endpoint], wantsAnswer: Bool = true) -> CandidatesFrame {
        CandidatesFrame(endpoints.map { Candidate($0, .host) }, wantsAnswer: wantsAnswer, hasHardNAT: false)
    }

    /// Probes that go out until `end`, by where to.
    private func probes(_ reach: inout Reach, from: Instant, until end: Instant) -> [Endpoint: Int] {
        var counts: [Endpoint: Int] = [:]
        var now = from
        while now < end {
            while let probe = reach.takeProbe(now) { counts[probe.endpoint, default: 0] += 1 }
            now = now + .milliseconds(10)
        }
        return counts
    }

    /// Whoever is pointed at and does not answer gets three, however often and by however many names it is said.
    @Test func aThirdPartyGetsThree() {
        var reach = Reach()
        let victim = v4("198.51.100.7:53")
        var number: UInt64 = 0
        var all: [Endpoint: Int] = [:]
        for step in 0..<50 as Range<Int64> {
            let now = start + .seconds(1) * step
            reach.hear(frame([victim]), now) {
                number += 1; return number
            }
            reach.hearProbe(from: victim, now) {
                number += 1; return number
            }
            all.merge(probes(&reach, from: now, until: now + .seconds(1))) { $0 + $1 }
        }
        #expect(all == [victim: 3])
        // A minute later, as often again.
        let later = start + .seconds(120)
        reach.hear(frame([victim]), later) { 7 }
        #expect(probes(&reach, from: later, until: later + .seconds(5)) == [victim: 3])
    }

    /// A far end that names more and more endpoints has a few of them probed.
    @Test func manyNames() {
        var reach = Reach()
        var all: [Endpoint: Int] = [:]
        for step in 0..<500 as Range<Int64> {
            let now = start + .milliseconds(100) * step
            let names = (0..<8).map {
                Endpoint(address: IPv6Address(mappedIPv4: 0xc633_6400 + UInt32(step) * 8 + $0), port: 9)
            }
            reach.hear(frame(names), now) { 5 }
            all.merge(probes(&reach, from: now, until: now + .milliseconds(100))) { $0 + $1 }
        }
        #expect(all.values.reduce(0, +) <= ReachLimits.endpointsOfSession * ReachLimits.probesOfEndpoint)
        #expect(all.values.allSatisfy { $0 <= 3 } && !all.isEmpty)
        #expect(reach.targets.count <= ReachLimits.endpointsOfSession)
    }

    /// Who has answered may be probed again at once: it is there.
    @Test func whoAnswersIsNoThirdParty() {
        var reach = Reach()
        let other = v4("198.51.100.7:25632")
        for round in 0..<20 as Range<Int64> {
            let now = start + .seconds(2) * round
            reach.hear(frame([other]), now) { UInt64(round) + 1 }
            guard let probe = reach.takeProbe(now) else {
                Issue.record("round \(round)")
                continue
            }
            #expect(reach.confirm(probe.number, from: v4("198.51.100.7:1"), now) == nil, "from elsewhere")
            #expect(reach.confirm(probe.number &+ 1, from: other, now) == nil, "another number")
            #expect(reach.confirm(probe.number, from: other, now + .milliseconds(20))?.endpoint == other)
        }
        // Too late is not proven: somebody may have kept it.
        reach.hear(frame([other]), start + .seconds(100)) { 99 }
        let late = reach.takeProbe(start + .seconds(100))
        #expect(late != nil && reach.confirm(99, from: other, start + .seconds(104)) == nil)
    }

    /// Many sessions that point at one address: what the box sends there has a bound of its own.
    @Test func manySessionsAndOneVictim() {
        var box = BoxReach(.any, seed: 5)
        let victim = v4("198.51.100.7:53")
        let sent = (0..<10_000).count { box.mayProbe(Endpoint(address: victim.address, port: UInt16(1 + $0)), start) }
        #expect(sent <= 48)
        let second = (0..<10_000).count { _ in box.mayProbe(victim, start + .seconds(1)) }
        #expect(second <= 4)
    }

    // MARK: What is told

    @Test func privateAddressesAreForNeighboursOnTheSameSite() throws {
        var box = BoxReach(.any, seed: 5)
        let inside = Candidate(v4("192.168.1.5:25632"), .host)
        let outside = v4("203.0.113.9:40000")
        #expect(box.setOwn([inside]) && !box.setOwn([inside]))
        // Nothing else is known.
        #expect(box.candidates(for: [], start).map(\.endpoint) == [inside.endpoint])
        let neighbour = Address(raw: Bytes32(words: (1, 2, 3, 4)))
        #expect(box.observe(outside, by: neighbour, start) == .new && box.observe(outside, by: neighbour, start) == nil)
        #expect(box.candidates(for: [v4("198.51.100.1:7")], start).map(\.endpoint) == [outside])
        let near = box.candidates(for: [v4("203.0.113.9:40001")], start).map(\.endpoint)
        #expect(near == [inside.endpoint, outside])
        // Nobody has said it for long.
        #expect(box.candidates(for: [], start + .seconds(301)).map(\.endpoint) == [inside.endpoint])
        box.forget(neighbour)
        #expect(box.candidates(for: [], start).map(\.endpoint) == [inside.endpoint])
    }

    @Test func aRouterThatGivesEachAnotherPort() {
        var seen = ObservedEndpoints()
        let neighbours = (0..<6).map { Address(raw: Bytes32(words: ($0, 2, 3, 4))) }
        #expect(seen.hasHardNAT(start) == nil)
        _ = seen.note(v4("203.0.113.9:1000"), by: neighbours[0], start)
        #expect(seen.hasHardNAT(start) == nil)
        _ = seen.note(v4("203.0.113.9:1000"), by: neighbours[1], start)
        #expect(seen.hasHardNAT(start) == false)
        _ = seen.note(v4("203.0.113.9:1001"), by: neighbours[2], start)
        #expect(seen.hasHardNAT(start) == true)
        // Who changes its mind again and again is heeded a few times.
        var heeded = 0
        for port in 0..<100 as Range<UInt16> {
            let other = Endpoint(address: v4("203.0.113.9:1").address, port: 2000 + port)
            if seen.note(other, by: neighbours[2], start + .milliseconds(10 * Int64(port))) { heeded += 1 }
        }
        #expect(heeded == 4)
        let later = start + .seconds(60)
        for neighbour in neighbours { _ = seen.note(v4("203.0.113.9:7"), by: neighbour, later) }
        #expect(seen.sights.count == ObservedEndpoints.kept)
        #expect(seen.endpoints(later) == [v4("203.0.113.9:7")])
    }

    /// Several neighbours see this box elsewhere at once: its router has moved. One alone may have had a reason of its own.
    @Test func aRouterThatMoved() {
        var box = BoxReach(.any, seed: 5)
        let neighbours = (0..<3).map { Address(raw: Bytes32(words: ($0, 2, 3, 4))) }
        for neighbour in neighbours { #expect(box.observe(v4("203.0.113.9:1"), by: neighbour, start) == .new) }
        #expect(box.observe(v4("203.0.113.9:2"), by: neighbours[0], start + .seconds(60)) == .new)
        #expect(box.observe(v4("203.0.113.8:1"), by: neighbours[0], start + .seconds(120)) == .new)
        #expect(box.observe(v4("203.0.113.8:1"), by: neighbours[1], start + .seconds(121)) == .moved)
    }

    @Test(arguments: [
        ("203.0.113.9:1", true, false), ("10.0.0.1:1", true, true), ("172.31.0.1:1", true, true),
        ("172.32.0.1:1", true, false),
        ("192.168.0.1:1", true, true), ("100.64.0.1:1", true, true), ("100.128.0.1:1", true, false),
        ("127.0.0.1:1", false, false),
        ("169.254.1.1:1", false, false), ("224.0.0.1:1", false, false), ("255.255.255.255:1", false, false),
        ("0.0.0.0:1", false, false),
        ("203.0.113.9:0", false, false), ("[2001:db8::1]:1", true, false), ("[fd00::1]:1", true, true),
        ("[fe80::1]:1", false, false),
        ("[ff02::1]:1", false, false), ("[::1]:1", false, false), ("[::]:1", false, false),
    ])
    func whatIsACandidate(_ text: String, isCallable: Bool, isPrivate: Bool) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint.isCallable == isCallable)
        if isCallable { #expect(endpoint.address.isPrivate == isPrivate) }
    }

    /// The best of those that answer, and none that is hardly better.
    @Test func whichOfTwo() {
        let (lan, wan) = (v4("192.168.1.5:1"), v4("203.0.113.9:1"))
        let said = [Candidate(wan, .observed), Candidate(lan, .host)]
        var numbers: UInt64 = 0
        var reach = Reach()
        reach.hear(CandidatesFrame(said, wantsAnswer: true, hasHardNAT: false), start) {
            numbers += 1; return numbers
        }
        var sent: [Endpoint: UInt64] = [:]
        let now = start + .milliseconds(100)
        while let probe = reach.takeProbe(now) { sent[probe.endpoint] = probe.number }
        let far = reach.confirm(sent[wan] ?? 0, from: wan, now + .milliseconds(30))
        let near = reach.confirm(sent[lan] ?? 0, from: lan, now + .milliseconds(31))
        #expect(
            near.map { reach.isBetter($0, than: wan, taking: .milliseconds(30)) } == true, "an own interface, as fast")
        #expect(far.map { reach.isBetter($0, than: lan, taking: .milliseconds(31)) } == false)
        #expect(far.map { reach.isBetter($0, than: lan, taking: .milliseconds(39)) } == false, "hardly faster")
        #expect(far.map { reach.isBetter($0, than: lan, taking: .milliseconds(60)) } == true)
    }
}
