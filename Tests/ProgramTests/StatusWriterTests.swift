import API
import AdminProtocol
import INET256
import Settings
import TestSupport
import Testing
import Wire

@testable import DataPlane
@testable import Mesh
@testable import inet256vpn

/// What `status` makes of the data plane's snapshot and of what is known besides.
@Suite struct StatusWriterTests {
    private static let now = Instant(nanoseconds: 1_000_000_000)

    /// A box with one configured peer, and nothing that has happened yet.
    private static func snapshot(_ change: (inout EngineSnapshot) -> Void = { _ in }) throws -> EngineSnapshot {
        let box = MeshBox(
            key: PrivateKey(generatedFrom: SystemRandom()), settings: BoxSettings(startMilliseconds: 1),
            random: SystemRandom(), now: now)
        box.setPeer(PeerSettings(address: try Sample.address(Sample.plain), endpoints: [peer]), now: now)
        var snapshot = EngineSnapshot(
            threads: 1, scheduling: .normal, box: box.status(now: now), sockets: [], unread: 0,
            hosted: HostedCounters(),
            applications: [], warnings: [])
        change(&snapshot)
        return snapshot
    }

    private static let peer = Endpoint(address: IPv6Address(mappedIPv4: 0xC000_0201), port: 7)

    private static func report(
        _ snapshot: EngineSnapshot?, _ yaml: String = "", troubles: [Address: PeerTrouble] = [:],
        firewall: FirewallStatus = FirewallStatus()
    ) throws -> StatusReport {
        let named = "peers: [{id: \(Sample.plain), name: office, addrs: [\"udp://192.0.2.1:7\"]}]\n"
        let address = try Sample.address(Sample.dashed)
        return StatusWriter(
            configuration: try Sample.parse(named + yaml), address: address, map: .standard, uptime: .seconds(90),
            troubles: troubles, warnings: ["the key is open to its group"], measured: nil, firewall: firewall
        ).report(snapshot)
    }

    @Test func withoutADataPlaneTheRestIsThere() throws {
        let report = try Self.report(nil, "network: onehop")
        #expect(report.warnings == ["the key is open to its group", "the data plane does not answer"])
        #expect(report.mainAddr == Sample.dashed && report.uptimeSeconds == 90 && report.network.name == "onehop")
        #expect(report.ip6Addr == "\(IPv6Map.standard.address(of: try Sample.address(Sample.dashed)))")
        #expect(report.peers.isEmpty)
    }

    @Test func aPeerHasItsNameAndWhatIsWrongWithItsEndpoints() throws {
        let snapshot = try Self.snapshot()
        let plain = try #require(try Self.report(snapshot).peers.first)
        #expect(
            plain.id == Sample.plain && plain.name == "office" && plain.configured && plain.endpoint == "192.0.2.1:7")
        let address = try Sample.address(Sample.plain)
        let all = [address: PeerTrouble(word: "multicast", text: "a multicast address", isAll: true)]
        let none = try #require(try Self.report(snapshot, troubles: all).peers.first)
        #expect(none.reason == "multicast" && none.detail == "a multicast address")
        // Where one is left, what came of calling it is told first.
        let some = [address: PeerTrouble(word: "multicast", text: "a multicast address")]
        let one = try #require(try Self.report(snapshot, troubles: some).peers.first)
        #expect(one.detail?.hasSuffix("a multicast address") == true)
    }

    @Test func whoeverElseIsAtAPeersEndpointIsNamed() throws {
        let other = try Sample.address(Sample.doubleDashed)
        func snapshot(age: Interval) throws -> EngineSnapshot {
            try Self.snapshot { snapshot in
                snapshot.box.strangers = [
                    BoxStatus.Stranger(address: other, endpoint: Self.peer, attempts: 3, age: age)
                ]
            }
        }
        let peers = try Self.report(try snapshot(age: .seconds(5))).peers
        #expect(peers.first?.state == .refused && peers.first?.reason == "other-key")
        #expect(peers.first?.detail?.contains("192.0.2.1:7 is \(other), not this peer") == true)
        #expect(peers.last?.id == "\(other)" && peers.last?.reason == "not-a-peer" && peers.last?.configured == false)
        // A call of long ago says nothing of who is there now.
        #expect(try Self.report(try snapshot(age: .seconds(61))).peers.first?.state != .refused)
    }

    @Test func anOpenBoxIsWarnedAbout() throws {
        let snapshot = try Self.snapshot()
        func warns(_ yaml: String, _ firewall: FirewallStatus = FirewallStatus()) throws -> Bool {
            try Self.report(snapshot, yaml, firewall: firewall).warnings.contains { $0.hasPrefix("NO FIREWALL") }
        }
        #expect(try warns(""))
        #expect(try !warns("portal: {allow: peers}"))
        #expect(try !warns("portal: {enabled: false}"))
        var enforced = FirewallStatus()
        enforced.enforced = true
        #expect(try !warns("", enforced))
        var others = FirewallStatus()
        others.inputFilters = ["inet filter input"]
        #expect(try !warns("", others))
    }

    @Test func nodesSayWhereTheyComeFrom() throws {
        let more = [try Sample.address(Sample.dashed), try Sample.address(Sample.doubleDashed)]
        let report = try Self.report(
            try Self.snapshot { snapshot in
                snapshot.box.nodes += more
                snapshot.applications = [more[1]]
            })
        #expect(report.nodes.map(\.origin) == ["main", "configured", "application"])
        #expect(report.nodes.map { $0.ip6Addr != nil } == [true, false, false])
    }

    @Test func whatWasLostIsCountedByItsName() throws {
        let report = try Self.report(
            try Self.snapshot { snapshot in
                snapshot.unread = 3
                snapshot.hosted.prohibited = 4
                snapshot.heldTurns = 2
                snapshot.box.stuckDeadlines = 5
            })
        #expect(report.drops == ["no_reader": 3, "api_prohibited": 4])
        #expect(report.stuckDeadlines == 7)
    }

    @Test func warningsOfTheDataPlaneStandBehindThoseOfTheConfiguration() throws {
        let report = try Self.report(try Self.snapshot { $0.warnings = ["the clock is odd"] }, "portal: {allow: peers}")
        #expect(report.warnings == ["the key is open to its group", "the clock is odd"])
    }
}
