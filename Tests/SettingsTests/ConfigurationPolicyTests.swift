import Firewall
import INET256
import TestSupport
import Testing
import Wire

@testable import Settings

@Suite struct ConfigurationPolicyTests {
    @Test func namesAreResolved() throws {
        let configuration = try FirewallSample.parse(
            """
            portal: {interface: mesh0}
            firewall:
              rules:
                - {allow: [ssh, tcp/22], from: [admins, alice, office], limit: 10/minute, log: true}
                - {reject: tcp/80, from: [bob, any], to: any}
                - {deny: any, from: "::/0", to: [dmz, box]}
              outbound:
                rules:
                  - {deny: tcp/25, to: peers}
                  - {deny: tcp/26, from: [box, lan], comment: words}
              nat: [{masquerade: lan}]
              include: x.nft
            """)
        let alice = try FirewallSample.host(Sample.plain)
        let bob = try FirewallSample.host(Sample.dashed)
        let third = try FirewallSample.host(Sample.doubleDashed)
        let office = try FirewallSample.prefix("fdaa:2::/64")
        let policy = configuration.firewallPolicy()
        #expect(policy.portal == "mesh0")
        #expect(policy.groups.map(\.name) == ["peers", "admins"])
        #expect(policy.group("peers") == FirewallGroup(name: "peers", members: [alice, bob, third]))
        let fd12 = try FirewallSample.prefix("fd12::/16")
        #expect(policy.group("admins") == FirewallGroup(name: "admins", members: [alice, bob, third, office, fd12]))
        #expect(policy.networks.map(\.name) == ["lan", "dmz"])
        #expect(policy.network("lan")?.prefixes.count == 2)
        var limited = FirewallRule(
            .allow, [.ports(protocol: 6, 22...22)], peers: [.group("admins"), .prefix(alice), .prefix(office)],
            limit: RateLimit(10, per: .minute),
            text: "allow ssh, tcp/22 from admins, alice, office limit 10/minute burst 5")
        limited.log = "inet256 allow ssh,tcp/22: "
        #expect(
            policy.inbound.rules == [
                limited,
                FirewallRule(
                    .reject, [.ports(protocol: 6, 80...80)], places: [.box, .network("lan"), .network("dmz")],
                    text: "reject tcp/80 from bob, any to any"),
                FirewallRule(
                    .deny, places: [.network("dmz"), .box], text: "deny any from ::/0 to dmz, box"),
            ])
        let everywhere: [Place] = [.box, .network("lan"), .network("dmz")]
        var commented = FirewallRule(
            .deny, [.ports(protocol: 6, 26...26)], places: [.box, .network("lan")],
            text: "deny tcp/26 to any from box, lan")
        commented.comment = "words"
        #expect(
            policy.outbound.rules == [
                FirewallRule(
                    .deny, [.ports(protocol: 6, 25...25)], peers: [.group("peers")], places: everywhere,
                    text: "deny tcp/25 to peers"),
                commented,
            ])
        #expect(policy.outbound.fallback == .allow)
        #expect(policy.masquerades == [.intoMesh(network: "lan")])
        #expect(policy.clampsMSS)
        #expect(policy.hasInclude)
    }

    @Test func clampingFollowsTheNetworks() throws {
        func clamps(_ yaml: String) throws -> Bool {
            try Configuration.parse(yaml, file: "c.yaml").firewallPolicy().clampsMSS
        }
        #expect(try !clamps(""))
        #expect(try clamps("firewall: {clamp_mss: true}"))
        #expect(try clamps("networks: {lan: \"fdaa:1::/64\"}"))
        #expect(try !clamps("networks: {lan: \"fdaa:1::/64\"}\nfirewall: {clamp_mss: false}"))
        #expect(try !clamps("networks: {far: {via: \(Sample.plain), prefixes: \"fdaa:1::/64\"}}"))
    }

    @Test func addressesFollowThePortalsPrefix() throws {
        let configuration = try FirewallSample.parse(
            "portal: {prefix: \"0200::/7\"}\nfirewall: {rules: [{allow: ssh, from: alice}]}")
        let map = try IPv6Map(prefix: FirewallSample.prefix("0200::/7"))
        let alice = IPv6Prefix(host: map.address(of: try Sample.address(Sample.plain)))
        #expect(configuration.firewallPolicy().inbound.rules.map(\.peers) == [[.prefix(alice)]])
    }

    @Test func aLongListOfServicesStillFitsTheLog() throws {
        let services = (1...40).map { "tcp/\($0)" }.joined(separator: ", ")
        let configuration = try FirewallSample.parse("firewall: {rules: [{deny: [\(services)], log: true}]}")
        let prefix = try #require(configuration.firewallPolicy().inbound.rules.first?.log)
        #expect(prefix.utf8.count == 64)
        #expect(prefix.hasPrefix("inet256 deny tcp/1,tcp/2"))
        #expect(prefix.hasSuffix(": "))
    }
}

@Suite struct ShadowedRuleTests {
    /// The two rules, and whether the second can match.
    static let pairs: [(String, String, Bool)] = [
        ("{allow: any}", "{allow: ssh}", true),
        ("{allow: ssh}", "{allow: any}", false),
        ("{allow: ssh}", "{allow: tcp/22}", true),
        ("{allow: tcp/20-30}", "{allow: [ssh, tcp/30]}", true),
        ("{allow: tcp/20-30}", "{allow: tcp/20-31}", false),
        ("{allow: tcp}", "{allow: ssh}", true),
        ("{allow: udp}", "{allow: ssh}", false),
        ("{allow: tcp/1-65535}", "{allow: tcp}", false),
        ("{allow: icmpv6}", "{allow: icmpv6/echo-request}", true),
        ("{allow: icmpv6/1}", "{allow: icmpv6/1/4}", true),
        ("{allow: icmpv6/1/4}", "{allow: icmpv6/1}", false),
        ("{allow: icmpv6}", "{allow: ssh}", false),
        ("{allow: proto/47}", "{allow: proto/47}", true),
        ("{allow: ssh, from: alice}", "{allow: ssh, from: alice}", true),
        ("{allow: ssh, from: alice}", "{allow: ssh, from: bob}", false),
        ("{allow: ssh, from: alice}", "{allow: ssh}", false),
        ("{allow: ssh, from: peers}", "{allow: ssh, from: alice}", true),
        ("{allow: ssh, from: admins}", "{allow: ssh, from: ops}", true),
        ("{allow: ssh, from: ops}", "{allow: ssh, from: admins}", false),
        ("{allow: ssh, from: admins}", "{allow: ssh, from: [\"fd12:1::/32\", office]}", true),
        ("{allow: ssh, from: \"fd12::/16\"}", "{allow: ssh, from: \"fd12::/15\"}", false),
        ("{allow: ssh, from: \"::/0\"}", "{allow: ssh}", true),
        ("{allow: ssh, to: any}", "{allow: ssh, to: [box, dmz]}", true),
        ("{allow: ssh}", "{allow: ssh, to: any}", false),
        ("{allow: ssh, limit: 1/hour}", "{allow: ssh}", false),
        ("{allow: ssh}", "{allow: ssh, limit: 1/hour}", true),
    ]

    @Test(arguments: pairs)
    func whatAnEarlierRuleCovers(_ first: String, _ second: String, _ isShadowed: Bool) throws {
        let configuration = try FirewallSample.parse("firewall: {rules: [\(first), \(second)]}")
        let policy = configuration.firewallPolicy()
        let expected = ShadowedRule(rule: 1, by: 0, isContradiction: false)
        #expect(policy.shadowedRules(of: policy.inbound) == (isShadowed ? [expected] : []))
    }

    @Test func theWarningsNameBoth() throws {
        let configuration = try FirewallSample.parse(
            """
            firewall:
              rules:
                - {allow: ssh, from: bob}
                - {allow: any, from: peers}
                - {deny: ssh, from: alice}
                - {allow: ssh, from: alice}
              outbound: {rules: [{deny: any}, {deny: tcp/25}]}
            """)
        #expect(
            configuration.firewallWarnings(own: []) == [
                "firewall.rules[1] (allow any from peers) and firewall.rules[2] (deny ssh from alice) contradict each "
                    + "other: the second can never match",
                "firewall.rules[3] (allow ssh from alice) can never match: firewall.rules[1] (allow any from peers) "
                    + "covers it",
                "firewall.outbound.rules[1] (deny tcp/25 to any) can never match: firewall.outbound.rules[0] (deny any "
                    + "to any) covers it",
            ])
        var off = configuration
        off.firewall.enabled = false
        #expect(off.firewallWarnings(own: []).isEmpty)
    }

    @Test func aRuleAboutNobodyIsNotShadowed() throws {
        let configuration = try Configuration.parse(
            "firewall: {rules: [{allow: ssh}, {allow: ssh, from: peers}]}", file: "c.yaml")
        #expect(configuration.firewallWarnings(own: []).isEmpty)
    }

    @Test func aNetworkOverANodesAddressIsToldOf() throws {
        let own = try Sample.address(Sample.plain)
        let host = IPv6Map.standard.address(of: own)
        let configuration = try Configuration.parse("networks: {lan: \"\(host.masked(to: 64))/64\"}", file: "c.yaml")
        #expect(configuration.firewallWarnings(own: [own]).first?.contains("this box itself") == true)
        #expect(configuration.firewallWarnings(own: []).isEmpty)
        // A way out for everything leaves the nodes their addresses.
        let exit = try Configuration.parse("networks: {out: \"::/0\"}", file: "c.yaml")
        #expect(exit.firewallWarnings(own: [own]).isEmpty)
    }
}
