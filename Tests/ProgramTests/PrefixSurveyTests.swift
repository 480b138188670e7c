import DataPlane
import INET256
import Netlink
import Portal
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// What the portal's prefix would take away from a machine, of which all is made up here.
@Suite struct PrefixSurveyTests {
    private static func prefix(_ text: String) throws -> IPv6Prefix { try #require(IPv6Prefix(text)) }
    private static func address(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text)) }

    /// eth0 (2) has a default route to fe80::1; wg (3) is another tunnel.
    private static func survey(
        prefix: String = "fd00::/8", networks: [String] = [], routes: [Route]? = nil
    ) throws -> PrefixSurvey {
        let prefix = try Self.prefix(prefix)
        var routing = PortalPlan.Routing()
        routing.networks = try networks.map(Self.prefix)
        let plan = try PortalPlan(
            interface: "inet256", address: prefix.address, prefix: prefix, mtu: 1280, routing: routing)
        var survey = PrefixSurvey(plan: plan)
        survey.routes = try routes ?? [byDefault()]
        survey.devices = [2: "eth0", 3: "wg"]
        return survey
    }

    private static func byDefault(_ gateway: String = "fe80::1") throws -> Route {
        Route(try prefix("::/0"), gateway: try address(gateway), interface: 2, metric: 1024)
    }

    @Test func aNameserverBehindTheDefaultRouteIsKept() throws {
        var survey = try Self.survey()
        let server = Nameserver(address: try Self.address("fd12::53"), file: "/etc/resolv.conf")
        survey.nameservers = [server, Nameserver(address: try Self.address("2001:db8::53"), file: "/etc/resolv.conf")]
        let kept = PrefixSurvey.KeptAddress(address: server.address, what: "the nameserver of /etc/resolv.conf")
        #expect(survey.findings() == .init(kept: [kept]))
        // It has a way of its own: a more specific route, a network behind another box, portal.except.
        for change in [
            { (survey: inout PrefixSurvey) in
                survey.routes.append(Route(try Self.prefix("fd12::/64"), interface: 2))
            },
            { $0.except = [try Self.prefix("fd12::/16")] },
            { $0 = try Self.survey(networks: ["fd12::/32"]) },
            // It is a node of the mesh, or this machine itself.
            { $0.mesh = [server.address] },
            { $0.addresses = [InterfaceAddress(server.address, prefixLength: 128, interface: 3)] },
        ] as [(inout PrefixSurvey) throws -> Void] {
            var other = survey
            try change(&other)
            other.nameservers = survey.nameservers
            #expect(other.findings().kept.isEmpty)
        }
    }

    @Test func aNameserverWithoutAWayIsToldOf() throws {
        var survey = try Self.survey(routes: [])
        survey.nameservers = [Nameserver(address: try Self.address("fd12::53"), file: "/etc/resolv.conf")]
        let findings = survey.findings()
        #expect(findings.kept.isEmpty && findings.refusals.isEmpty)
        #expect(try #require(findings.warnings.first).hasPrefix("fd12::53, the nameserver of /etc/resolv.conf"))
    }

    @Test func aGatewayInsideThePrefixIsKeptOnItsLink() throws {
        let survey = try Self.survey(routes: [try Self.byDefault("fd12::1")])
        let kept = try #require(survey.findings().kept.first)
        #expect(kept.address.description == "fd12::1" && kept.onLink == 2)
        #expect(kept.what == "the gateway of ::/0 via fd12::1 dev eth0 metric 1024")
        // Its link's network is a route of somebody else that wins.
        var onLink = survey
        onLink.routes.append(Route(try Self.prefix("fd12::/64"), interface: 2))
        #expect(onLink.findings().kept.isEmpty)
    }

    @Test func aSiteThatTheMachineIsInIsWarnedOfOnce() throws {
        var survey = try Self.survey()
        survey.addresses = try ["fd12:3456:789a::5", "fd12:3456:789a:1::5"].map {
            InterfaceAddress(try Self.address($0), prefixLength: 64, interface: 2)
        }
        let warnings = survey.findings().warnings
        #expect(
            warnings == [
                "eth0 has fd12:3456:789a::5/64: what else of fd12:3456:789a::/48 is behind the default router goes into the "
                    + "portal now. If that is needed, set portal.except: [fd12:3456:789a::/48]"
            ])
        var told = survey
        told.except = [try Self.prefix("fd12:3456:789a::/48")]
        #expect(told.findings().warnings.isEmpty)
        // Without a default route nothing was there.
        survey.routes = []
        #expect(survey.findings() == .init())
    }

    @Test func aPartOfALinksNetworkIsRefused() throws {
        let wide = Route(try Self.prefix("fd12::/32"), interface: 2, metric: 256)
        var survey = try Self.survey(prefix: "fd12:0:1::/48", routes: [try Self.byDefault(), wide])
        survey.addresses = [InterfaceAddress(try Self.address("fd12::5"), prefixLength: 32, interface: 2)]
        let refusal = try #require(survey.findings().refusals.first)
        #expect(refusal.hasPrefix("portal.prefix fd12:0:1::/48 is a part of the network on eth0"), "\(refusal)")
        // A tunnel's or a router's wide route is no network of neighbours.
        survey.addresses = []
        #expect(survey.findings().refusals.isEmpty && survey.findings().warnings.count == 1)
        survey.routes = [Route(try Self.prefix("fc00::/7"), gateway: try Self.address("fe80::7"), interface: 2)]
        #expect(try #require(survey.findings().warnings.first).contains("fc00::/7 via fe80::7 dev eth0"))
    }

    @Test func anOwnAddressThatIsGloballyUniqueIsRefused() throws {
        var survey = try Self.survey(prefix: "200::/7")
        survey.addresses = [InterfaceAddress(try Self.address("200:1::1"), prefixLength: 64, interface: 3)]
        #expect(try #require(survey.findings().refusals.first).contains("200:1::1/64"))
        survey.mesh = [try Self.address("200:1::1")]
        #expect(survey.findings() == .init())
    }

    @Test func anEndpointInsideIsWarnedOf() throws {
        var survey = try Self.survey()
        survey.endpoints = [("bob", try Self.address("fd77::7")), ("carol", try Self.address("2001:db8::7"))]
        let warnings = survey.findings().warnings
        #expect(warnings.count == 1 && warnings[0].contains("fd77::7 of the peer bob"), "\(warnings)")
        #expect(warnings[0].contains("portal.except: [fd77::7/128]"))
    }

    @Test(arguments: [
        ("2000::/3", "Internet"), ("::/1", "Internet"), ("2001:db8::/32", "Internet"), ("8000::/1", "multicast"),
        ("fe00::/8", "link-local"), ("::/16", "loopback"), ("64::/16", "NAT64"), ("3fff::/20", "Internet"),
    ])
    func whatTheWorldUsesIsAFault(prefix: String, word: String) throws {
        var portal = PortalConfiguration()
        portal.prefix = try Self.prefix(prefix)
        let fault = try #require(portal.prefixFault)
        #expect(fault.contains(word) && fault.contains("--force"), "\(fault)")
        portal.enabled = false
        #expect(portal.prefixFault == nil)
    }

    @Test(arguments: ["fd00::/8", "fc00::/7", "fc00::/8", "200::/7", "300::/8", "fd12:3456:789a::/48", "400::/6"])
    func otherPrefixesAreNone(prefix: String) throws {
        #expect(PrefixClass.fault(of: try Self.prefix(prefix)) == nil)
    }

    @Test func resolvConfIsReadAsItIsWritten() throws {
        let text = """
            # nameserver fd01::1
            nameserver fd12::53
              nameserver\tfd13::53   # behind blanks
            nameserver 192.0.2.1
            nameserver ::1
            nameserver fe80::1%eth0
            nameserver fe80::2
            nameserver ::ffff:192.0.2.7
            nameserver fd12::/64
            nameservers fd14::53
            nameserver
            search example.org
            """
        #expect(Nameservers.parse(text).map(\.description) == ["fd12::53", "fd13::53"])
        let directory = try TemporaryDirectory()
        let first = try directory.write("a", text)
        let many = (0..<100).map { "nameserver fd15::\($0)\n" }.joined()
        let second = try directory.write("b", "nameserver fd12::53\n" + many)
        let before = Nameservers.signature([first, second, directory.file("none")])
        let found = Nameservers.read([first, directory.file("none"), second, directory.path])
        #expect(found.prefix(2).map(\.file) == [first, first] && found.count == 17)
        try directory.write("a", "nameserver fd16::53\n")
        #expect(Nameservers.signature([first, second, directory.file("none")]) != before)
    }

    @Test func nodesThatTheFileNamesAreInTheMesh() throws {
        let configuration = try Configuration.parse(
            """
            peers: [{id: \(Sample.plain), name: office}]
            groups: {dns: [\(Sample.dashed)]}
            firewall: {outbound: {rules: [{allow: domain, to: "\(Sample.doubleDashed)"}]}}
            """, file: "/etc/box/c.yaml")
        #expect(
            configuration.namedNodes == [
                try Sample.address(Sample.plain), try Sample.address(Sample.dashed),
                try Sample.address(Sample.doubleDashed),
            ])
    }

    @Test func nodesWithAnExceptedAddressDoNotPass() throws {
        let inside = try Sample.address(Sample.plain)
        let outside = try Sample.address(Sample.dashed)
        let map = IPv6Map.standard
        #expect(map.address(of: inside).masked(to: 24) != map.address(of: outside).masked(to: 24))
        let except = "except: [\"\(map.address(of: inside).masked(to: 24))/24\"]"
        for (allow, isOutsideIn) in [("any", true), ("[\(Sample.plain), \(Sample.dashed)]", true), ("peers", false)] {
            let configuration = try Configuration.parse(
                "peers: [{id: \(Sample.plain)}]\nportal: {allow: \(allow), \(except)}", file: "/etc/box/c.yaml")
            let gate = PortalGate(portalOf: configuration, map)
            #expect(!gate.admits(inside) && gate.admits(outside) == isOutsideIn, "\(allow)")
        }
        let plain = try Configuration.parse("portal: {allow: any}", file: "/etc/box/c.yaml")
        #expect(PortalGate(portalOf: plain, map).admits(inside))
    }

    @Test func anExceptionThatHoldsAPeerIsWarnedOf() throws {
        let peer = try Sample.address(Sample.plain)
        let address = IPv6Map.standard.address(of: peer)
        let configuration = try Configuration.parse(
            "peers: [{id: \(Sample.plain), name: office}]\nportal: {except: [\"\(address.masked(to: 24))/24\"]}",
            file: "/etc/box/c.yaml")
        #expect(configuration.warnings(own: []).contains { $0.contains("the peer office, \(address)") })
    }
}
