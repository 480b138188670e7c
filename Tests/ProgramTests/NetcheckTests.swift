import AdminProtocol
import Foundation
import INET256
import Logging
import Netlink
import PortMapping
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// What facts about a network are made of: each finding, and what it says to do.
@Suite struct NetcheckTests {
    typealias Facts = NetcheckFacts
    typealias Finding = NetcheckFinding

    /// A box at home: private IPv4 behind a router, no IPv6.
    private static func home(_ change: (inout Facts) -> Void = { _ in }) -> Facts {
        var facts = Facts()
        facts.transports = ["udp://[::]:25632"]
        facts.ipv4.transport = true
        facts.ipv4.source = "192.168.1.2"
        facts.ipv4.router = "192.168.1.1"
        facts.ipv6.transport = true
        facts.candidates = [Facts.CandidateFact(endpoint: "192.168.1.2:25632", kind: "host", isPublic: false)]
        facts.portMapping.state = .failed
        facts.portMapping.tried = ["PCP": "no answer", "NAT-PMP": "no answer", "UPnP": "no answer"]
        change(&facts)
        return facts
    }

    private static func seen(_ endpoints: String...) -> [ObservedEndpoint] {
        endpoints.enumerated().map { ObservedEndpoint(by: "neighbour \($0)", endpoint: $1) }
    }

    private func finding(_ topic: Finding.Topic, _ facts: Facts) -> Finding? {
        NetcheckJudge(facts).findings.first { $0.topic == topic }
    }

    private func hold(
        _ topic: Finding.Topic, _ verdict: Finding.Verdict?, _ words: String = "", advice: String? = nil,
        _ facts: Facts,
        _ place: SourceLocation = #_sourceLocation
    ) {
        let found = finding(topic, facts)
        #expect(found?.verdict == verdict, "\(String(describing: found))", sourceLocation: place)
        #expect(
            words.isEmpty || found?.text.contains(words) == true, "\(String(describing: found))", sourceLocation: place)
        if let advice {
            let given = found?.advice
            #expect(
                advice.isEmpty ? given == nil : given?.contains(advice) == true, "\(String(describing: found))",
                sourceLocation: place)
        }
    }

    private func hold(
        _ topic: Finding.Topic, _ verdict: Finding.Verdict?, _ facts: Facts, _ place: SourceLocation = #_sourceLocation
    ) {
        hold(topic, verdict, "", facts, place)
    }

    @Test func theKindOfNAT() {
        let cases: [([ObservedEndpoint]?, NATKind)] = [
            (nil, .unknown(nil)), ([], .unknown(nil)), (Self.seen("203.0.113.7:4000"), .unknown("203.0.113.7:4000")),
            (Self.seen("203.0.113.7:4000", "203.0.113.7:4000"), .stable("203.0.113.7:4000")),
            (Self.seen("203.0.113.7:4000", "203.0.113.7:4001"), .symmetric),
            (Self.seen("203.0.113.7:4000", "203.0.113.8:4000"), .symmetric),
            // Neighbours on the same network, IPv6 and what is no endpoint say nothing of it.
            (Self.seen("192.168.1.2:25632", "[2001:db8::1]:1", "what", "10.0.0.1:1"), .unknown(nil)),
            (Self.seen("192.168.1.2:25632", "203.0.113.7:4000"), .unknown("203.0.113.7:4000")),
            (Self.seen("100.64.0.9:1", "100.64.0.9:1"), .stable("100.64.0.9:1")),
        ]
        for (observed, kind) in cases {
            #expect(NATKind(Self.home { $0.observed = observed }) == kind, "\(String(describing: observed))")
        }
        // One neighbour that is asked twice is one.
        let twice = ["203.0.113.7:4000", "203.0.113.7:4000"].map { ObservedEndpoint(by: "one", endpoint: $0) }
        #expect(NATKind(Self.home { $0.observed = twice }) == .unknown("203.0.113.7:4000"))
        let own = Self.home {
            $0.candidates = [Facts.CandidateFact(endpoint: "203.0.113.7:25632", kind: "host", isPublic: true)]
            $0.observed = Self.seen("203.0.113.7:25632")
        }
        #expect(NATKind(own) == .none)
    }

    @Test func theSumOfIt() {
        hold(.reach, .unknown, "no address", advice: "forward UDP port 25632 to this machine", Self.home())
        hold(
            .reach, .limited, "behind a NAT", advice: "forward UDP port 25632",
            Self.home { $0.observed = Self.seen("203.0.113.7:1", "203.0.113.7:1") })
        hold(
            .reach, .bad, "symmetric NAT", advice: "both behind symmetric NAT stay relayed",
            Self.home { $0.observed = Self.seen("203.0.113.7:1", "203.0.113.7:2") })
        for kind in ["mapped", "advertised"] {
            let open = Self.home {
                $0.observed = Self.seen("203.0.113.7:1", "203.0.113.7:2")
                $0.candidates.append(Facts.CandidateFact(endpoint: "203.0.113.7:4000", kind: kind, isPublic: true))
            }
            hold(.reach, .good, "udp://203.0.113.7:4000", advice: "", open)
        }
        // A public address of its own that others do not see: a cloud's NAT, one to one or not.
        let cloud = Self.home {
            $0.candidates = [Facts.CandidateFact(endpoint: "203.0.113.7:25632", kind: "host", isPublic: true)]
        }
        hold(.reach, .good, "udp://203.0.113.7:25632", cloud)
        var hidden = cloud
        hidden.observed = Self.seen("198.51.100.1:1", "198.51.100.1:1")
        hold(.reach, .limited, hidden)
    }

    @Test func udp() {
        hold(.udp, .unknown, "no neighbour", advice: "add a peer", Self.home())
        let off = Facts.Neighbour(name: "office", isUp: false, isCalled: true)
        let waited = Facts.Neighbour(name: "laptop", isUp: false, isCalled: false)
        hold(.udp, .unknown, Self.home { $0.neighbours = [waited] })
        hold(.udp, .bad, "office", advice: "UDP is blocked", Self.home { $0.neighbours = [off, waited] })
        let four = Facts.Neighbour(name: "four", isUp: true, isCalled: true, endpoint: "192.0.2.1:1")
        let six = Facts.Neighbour(name: "six", isUp: true, isCalled: true, endpoint: "[2001:db8::1]:1")
        hold(.udp, .good, "over IPv4", Self.home { $0.neighbours = [off, four] })
        hold(.udp, .good, "over IPv4 and IPv6", Self.home { $0.neighbours = [six, four] })
    }

    @Test func families() {
        hold(.ipv4, .limited, "private: 192.168.1.2 behind 192.168.1.1", advice: "", Self.home())
        hold(.ipv4, .limited, "no way", Self.home { $0.ipv4.source = nil })
        hold(.ipv4, .limited, "no transport", advice: "0.0.0.0:25632", Self.home { $0.ipv4.transport = false })
        hold(
            .ipv4, .good, "public: 203.0.113.7",
            Self.home { ($0.ipv4.source, $0.ipv4.isPublic) = ("203.0.113.7", true) })
        hold(.ipv6, .limited, "no way", advice: "ask the provider", Self.home())
        hold(.ipv6, .limited, "no transport", advice: "[::]:25632", Self.home { $0.ipv6.transport = false })
        hold(.ipv6, .limited, "private", Self.home { $0.ipv6.source = "fd00::1" })
        hold(
            .ipv6, .good, "public: 2001:db8::1", advice: "UDP port 25632",
            Self.home { ($0.ipv6.source, $0.ipv6.isPublic) = ("2001:db8::1", true) })
    }

    @Test func theNATAndWhatItLetsIn() {
        hold(.mapping, .unknown, "no neighbour outside", advice: "two boxes", Self.home())
        hold(.mapping, nil, Self.home { $0.ipv4.source = nil })
        hold(.filtering, nil, Self.home())
        let one = Self.home { $0.observed = Self.seen("203.0.113.7:1") }
        hold(.mapping, .unknown, "203.0.113.7:1", advice: "another box", one)
        var stable = one
        stable.observed = Self.seen("203.0.113.7:1", "203.0.113.7:1")
        hold(.mapping, .good, "endpoint-independent", advice: "", stable)
        hold(.filtering, .unknown, stable)
        for (word, verdict) in [("open", Finding.Verdict.good), ("address", .good), ("address-and-port", .limited)] {
            var told = stable
            told.filtering = word
            hold(.filtering, verdict, told)
        }
        var symmetric = one
        symmetric.observed = Self.seen("203.0.113.7:1", "203.0.113.7:2")
        hold(.mapping, .limited, "symmetric", advice: "stay relayed", symmetric)
        let none = Self.home {
            $0.candidates[0].endpoint = "203.0.113.7:25632"
            $0.observed = Self.seen("203.0.113.7:25632")
        }
        hold(.mapping, .good, "no NAT", none)
        hold(.filtering, nil, none)
    }

    @Test func portMapping() {
        hold(
            .portMapping, .limited, "192.168.1.1 opens no port (NAT-PMP: no answer; PCP: no answer; UPnP: no answer)",
            advice: "forward UDP port 25632", Self.home())
        hold(
            .portMapping, .limited, advice: "install libminiupnpc17",
            Self.home { $0.portMapping.tried["UPnP"] = "libminiupnpc.so.17 is not installed" })
        hold(.portMapping, .unknown, advice: "port_mapping: auto", Self.home { $0.portMapping.state = .off })
        hold(
            .portMapping, .unknown, advice: "",
            Self.home { ($0.portMapping.state, $0.ipv4.isPublic) = (.off, true) })
        hold(.portMapping, .good, "not needed", Self.home { $0.portMapping.state = .notNeeded })
        hold(
            .portMapping, .unknown, "no IPv4 router",
            Self.home { ($0.portMapping.state, $0.portMapping.detail) = (.impossible, "there is no IPv4 router") })
        hold(.portMapping, .unknown, "again in 10 seconds", Self.home { $0.portMapping.state = .asking })
        let mapped = Self.home {
            $0.portMapping.state = .mapped
            $0.portMapping.by = "PCP"
            $0.portMapping.external = "203.0.113.7:4000"
            $0.portMapping.lifetimeSeconds = 7200
        }
        hold(.portMapping, .good, "opened 203.0.113.7:4000 (PCP, for 7200 s, renewed in time)", advice: "", mapped)
        var permanent = mapped
        permanent.portMapping.lifetimeSeconds = 0
        hold(.portMapping, .good, "until it is taken back", permanent)
        var series = mapped
        series.portMapping.state = .notPublic
        hold(.portMapping, .limited, "two NATs in series", advice: "second router", series)
    }

    @Test func sizes() {
        func with(_ sizes: Int...) -> Facts {
            Self.home { facts in
                facts.neighbours = sizes.map { Facts.Neighbour(name: "n\($0)", isUp: true, isCalled: true, mtu: $0) }
                facts.neighbours.append(Facts.Neighbour(name: "down", isUp: false, isCalled: true, mtu: 300))
            }
        }
        hold(.mtu, nil, with())
        hold(.mtu, .good, "1452 bytes", with(1452))
        hold(.mtu, .good, "1280 to 1452 bytes", with(1452, 1280))
        hold(.mtu, .limited, "to n1180 1180 bytes", advice: "narrow", with(1452, 1180))
    }

    /// Each topic in its words, and on the wire.
    @Test func whatPeopleRead() throws {
        let facts = Self.home {
            $0.observed = Self.seen("203.0.113.7:1", "203.0.113.7:2")
            $0.unknownNames = ["udp://gone.example.org:1"]
            $0.neighbours = [Facts.Neighbour(name: "n", isUp: true, isCalled: true, endpoint: "1.1.1.1:1", mtu: 1452)]
        }
        let report = NetcheckReport(facts: facts, findings: NetcheckJudge(facts).findings)
        #expect(Set(report.findings.map(\.topic)) == Set(Finding.Topic.allCases))
        let lines = NetcheckText(report: report, terminal: TerminalText(isTerminal: false)).lines
        #expect(lines.first == "reach         - a symmetric NAT is on the way, and no port of it leads here")
        #expect(lines.contains("UDP           + UDP works, over IPv4"))
        #expect(lines.contains { $0.hasPrefix("                -> ") && $0.contains("stay relayed") })
        #expect(lines.last == "WARNING: advertise: nobody knows where udp://gone.example.org:1 is")
        let coded = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(NetcheckReport.self, from: coded) == report)
        let text = String(decoding: coded, as: UTF8.self)
        for key in ["port_mapping", "is_public", "unknown_names", "is_up", "is_called"] { #expect(text.contains(key)) }
    }

    // MARK: What the facts come from

    private static func v4(_ text: String) -> IPv6Address { IPv6Address(mappedIPv4: IPv4Text.parse(text) ?? 0) }
    private static let all = Endpoint(address: .unspecified, port: 25632)

    private static func uplink(_ source: String) throws -> Uplink {
        var route = Route(
            try #require(IPv6Prefix("::ffff:0.0.0.0/96")), gateway: v4("192.168.1.1"), interface: 2)
        route.preferredSource = v4(source)
        return try #require(Uplink(.goes(route), isIPv4: true, portals: [9]))
    }

    @Test func candidatesOfABox() {
        let own = [
            OwnAddress(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1), interface: 2),
            OwnAddress(Self.v4("192.168.1.2"), interface: 2),
            OwnAddress(IPv6Address(high: 0xfe80_0000_0000_0000, low: 1), interface: 2),
        ]
        let mapping = Mapping(by: .pcp, external: Endpoint(address: Self.v4("203.0.113.7"), port: 4000), lifetime: 1)
        func texts(_ bound: [Endpoint], _ mapping: Mapping?, _ advertised: [Endpoint] = []) -> [String] {
            CandidateList.make(own: own, bound: bound, mapping: mapping, advertised: advertised)
                .map { "\($0.kind) \($0.endpoint)" }
        }
        let hosts = ["host [2001:db8::1]:25632", "host 192.168.1.2:25632", "host [fe80::1%2]:25632"]
        #expect(texts([Self.all], nil) == hosts)
        #expect(texts([Self.all], mapping) == hosts + ["mapped 203.0.113.7:4000"])
        // A router behind another one.
        var near = mapping
        near.external.address = Self.v4("100.64.1.1")
        #expect(texts([Self.all], near) == hosts)
        // Each endpoint once, by who said it first.
        let same = [mapping.external, Endpoint(address: Self.v4("203.0.113.7"), port: 1)]
        #expect(
            texts([Self.all], mapping, same) == hosts + ["mapped 203.0.113.7:4000", "advertised 203.0.113.7:1"])
        // Sockets that hear some of it.
        #expect(
            texts([Endpoint(address: Self.v4("0.0.0.0"), port: 7), Endpoint(address: own[0].address, port: 8)], nil)
                == ["host [2001:db8::1]:8", "host 192.168.1.2:7"])
        #expect(texts([Endpoint(address: Self.v4("10.0.0.1"), port: 7)], nil).isEmpty)
    }

    @Test func whetherTheRouterIsAsked() throws {
        let uplink = try Self.uplink("192.168.1.2")
        let target = MappingTarget(
            gateway: Self.v4("192.168.1.1"), own: Endpoint(address: Self.v4("192.168.1.2"), port: 25632))
        #expect(MappingNeed(isWanted: true, uplink: uplink, bound: [Self.all]) == .aim(target))
        #expect(MappingNeed(isWanted: false, uplink: uplink, bound: [Self.all]) == .off)
        #expect(MappingNeed(isWanted: true, uplink: nil, bound: [Self.all]).target == nil)
        #expect(
            MappingNeed(isWanted: true, uplink: try Self.uplink("203.0.113.7"), bound: [Self.all]) == .notNeeded)
        // What a carrier's NAT gives is no public one.
        #expect(MappingNeed(isWanted: true, uplink: try Self.uplink("100.64.0.2"), bound: [Self.all]).target != nil)
        let six = Endpoint(address: IPv6Address(high: 0x2001_0db8_0000_0000, low: 1), port: 1)
        #expect(
            MappingNeed(isWanted: true, uplink: uplink, bound: [six])
                == .impossible("no transport of this box speaks IPv4"))
    }

    @Test func waysToTheWorld() throws {
        let gateway = Self.v4("192.168.1.1")
        var route = Route(try #require(IPv6Prefix("::ffff:0.0.0.0/96")), gateway: gateway, interface: 2)
        #expect(Uplink(.goes(route), isIPv4: true, portals: []) == nil)
        route.preferredSource = Self.v4("192.168.1.2")
        #expect(Uplink(.goes(route), isIPv4: true, portals: [])?.gateway == gateway)
        // Into the portal, nowhere, and a line without a router.
        #expect(Uplink(.goes(route), isIPv4: true, portals: [2]) == nil)
        #expect(Uplink(.none, isIPv4: true, portals: []) == nil)
        #expect(Uplink(.refused(.unreachable), isIPv4: true, portals: []) == nil)
        route.gateway = nil
        #expect(Uplink(.goes(route), isIPv4: true, portals: []) == nil)
        #expect(Uplink(.goes(route), isIPv4: false, portals: [])?.gateway == .unspecified)
    }

    @Test func wordsForTheLog() {
        var report = MappingReport()
        #expect(ReachWords.mapping(report) == nil)
        report.target = MappingTarget(gateway: Self.v4("192.168.1.1"), own: Self.all)
        report.isAsking = true
        #expect(ReachWords.mapping(report) == nil)
        report.isAsking = false
        report.failures = [.pcp: .silent, .upnp: .unavailable("not installed")]
        let none = ReachWords.mapping(report)
        #expect(none?.isNews == false && none?.metadata["tried"] == "PCP: no answer; UPnP: not installed")
        report.mapping = Mapping(by: .upnp, external: Endpoint(address: Self.v4("203.0.113.7"), port: 1), lifetime: 0)
        let mapped = ReachWords.mapping(report)
        #expect(mapped?.isNews == true && mapped?.metadata["endpoint"] == "203.0.113.7:1")
        report.mapping?.external.address = Self.v4("10.0.0.1")
        #expect(ReachWords.mapping(report)?.text.contains("two NATs in series") == true)
    }
}
