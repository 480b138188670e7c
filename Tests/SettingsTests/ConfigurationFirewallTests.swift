import Firewall
import INET256
import TestSupport
import Testing
import Wire

@testable import Settings

/// Peers and networks that the tests' rules speak of.
enum FirewallSample {
    static let peers = """
        peers:
          - {id: \(Sample.plain), name: alice}
          - {id: \(Sample.dashed), name: bob}
          - {id: \(Sample.doubleDashed)}

        """
    static let networks = """
        networks:
          lan: [fdaa:1::/64, "fdaa:3::/64"]
          dmz: fdaa:4::/64
          office: {via: bob, prefixes: [fdaa:2::/64]}

        """
    static let groups = """
        groups:
          admins: [alice, ops, office, "fd12::/16"]
          ops: [\(Sample.doubleDashed), peers]

        """

    static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(peers + networks + groups + yaml, file: "/etc/box/config.yaml")
    }

    static func host(_ text: String) throws -> IPv6Prefix {
        IPv6Prefix(host: IPv6Map.standard.address(of: try Sample.address(text)))
    }

    static func prefix(_ text: String) throws -> IPv6Prefix { try #require(IPv6Prefix(text)) }
}

@Suite struct ConfigurationFirewallTests {
    static let everything = """
        firewall:
          enabled: false
          default: reject
          rules:
            - allow: ssh
              from: [admins]
              limit: {rate: 10/minute, burst: 20}
              log: "ssh "
              comment: who may log in
            - deny: any
              from: alice
              log: true
            - drop: [tcp/80, udp/5000-5010]
              from: [peers, any, bob, office, "fd13::/16", fd12::1, \(Sample.plain)]
              to: [lan, box, any]
              limit: 3/day
          outbound:
            default: deny
            rules:
              - allow: [tcp, icmpv6/echo-request]
                to: any
              - reject: tcp/25
                to: [admins]
                from: [box, dmz]
          nat:
            - masquerade: lan
            - {masquerade: mesh, to: dmz}
          clamp_mss: false
          include: [firewall.d/*.nft, /etc/x.nft]
          tests:
            - {from: admins, to: ssh, expect: allow}
            - {way: in, from: "fd12::/16", to: tcp/80, at: lan, expect: drop}
            - {from: bob, to: domain, at: "fdaa:4::7", expect: reject}
            - {way: out, to: bob, service: tcp/25, at: box, expect: deny}
        """

    @Test func everyKeyIsRead() throws {
        let configuration = try FirewallSample.parse(Self.everything)
        let alice = try Sample.address(Sample.plain)
        let bob = try Sample.address(Sample.dashed)
        let third = try Sample.address(Sample.doubleDashed)
        let lan = try ["fdaa:1::/64", "fdaa:3::/64"].map(FirewallSample.prefix)
        let fd12 = try FirewallSample.prefix("fd12::/16")
        #expect(
            configuration.networks == [
                NetworkConfiguration(name: "lan", prefixes: lan),
                NetworkConfiguration(name: "dmz", prefixes: [try FirewallSample.prefix("fdaa:4::/64")]),
                NetworkConfiguration(name: "office", via: bob, prefixes: [try FirewallSample.prefix("fdaa:2::/64")]),
            ])
        #expect(
            configuration.groups == [
                GroupConfiguration(
                    name: "admins", members: [.node(alice), .group("ops"), .network("office"), .prefix(fd12)]),
                GroupConfiguration(name: "ops", members: [.node(third), .peers]),
            ])

        let firewall = configuration.firewall
        #expect(!firewall.enabled)
        #expect(firewall.inbound.fallback == .reject)
        let rules = firewall.inbound.rules
        try #require(rules.count == 3)
        #expect(
            rules[0]
                == ConfiguredRule(
                    action: .allow,
                    services: [ConfiguredService(text: "ssh", services: [.ports(protocol: 6, 22...22)])],
                    peers: [.group("admins")], places: [.box], limit: RateLimit(10, per: .minute, burst: 20),
                    log: .prefix("ssh "), comment: "who may log in"))
        #expect(rules[1].peers == [.node(alice)])
        #expect(rules[1].log == .standard)
        #expect(rules[2].action == .deny)
        #expect(
            rules[2].services.flatMap(\.services) == [.ports(protocol: 6, 80...80), .ports(protocol: 17, 5000...5010)])
        #expect(rules[2].peers.prefix(4) == [.peers, .any, .node(bob), .network("office")])
        #expect(rules[2].peers.suffix(2) == [.prefix(try FirewallSample.prefix("fd12::1/128")), .node(alice)])
        #expect(rules[2].places == [.network("lan"), .box, .any])
        #expect(rules[2].limit == RateLimit(3, per: .day, burst: 5))

        #expect(firewall.outbound.fallback == .deny)
        #expect(firewall.outbound.rules.map(\.places) == [[.any], [.box, .network("dmz")]])
        #expect(firewall.outbound.rules.map(\.peers) == [[.any], [.group("admins")]])
        #expect(firewall.nat == [.intoMesh(network: "lan"), .intoNetwork("dmz")])
        #expect(firewall.clampMSS == .off)
        #expect(firewall.include == ["/etc/box/firewall.d/*.nft", "/etc/x.nft"])
        let tests = firewall.tests
        try #require(tests.count == 4)
        #expect(tests.map(\.subjects) == [[.group("admins")], [.prefix(fd12)], [.node(bob)], [.node(bob)]])
        #expect(tests.map(\.expect) == [.allow, .deny, .reject, .deny])
        #expect(tests.map(\.way) == [.inbound, .inbound, .inbound, .outbound])
        let host = try #require(IPv6Address("fdaa:4::7"))
        #expect(tests.map(\.ends) == [[.box], [.network("lan")], [.address(host)], [.box]])
        #expect(tests[2].services.flatMap(\.services) == [.ports(protocol: 6, 53...53), .ports(protocol: 17, 53...53)])
    }

    @Test(arguments: ["", "networks:\ngroups:\n", "firewall: {}", "firewall: {rules: , nat: , include: , tests: }"])
    func nothingMeansDenied(_ yaml: String) throws {
        let configuration = try Configuration.parse(yaml, file: "/etc/box/config.yaml")
        #expect(configuration == Configuration(directory: "/etc/box"))
        #expect(configuration.firewall.enabled)
        #expect(configuration.firewall.inbound == ConfiguredRules(fallback: .deny))
        #expect(configuration.firewall.outbound == ConfiguredRules(fallback: .allow))
        #expect(configuration.firewallPolicy().inbound == RuleList(fallback: .deny))
    }

    @Test(arguments: [
        "", everything, "firewall: {clamp_mss: true, default: drop}",
        "firewall: {rules: [{reject: any, from: peers, to: any, limit: 1/hour}]}",
    ])
    func theEffectiveFormMeansTheSame(_ yaml: String) throws {
        let configuration = try FirewallSample.parse(yaml)
        let effective = try EffectiveConfiguration(configuration).yaml()
        #expect(try Configuration.parse(effective, file: "/elsewhere/c.yaml") == configuration, "\(effective)")
    }

    @Test func theEffectiveFormHasAnOrder() throws {
        let configuration = try FirewallSample.parse(
            """
            firewall:
              rules: [{drop: ssh, from: [alice, \(Sample.doubleDashed)], limit: 1/hour, log: true, comment: words}]
              nat: [{masquerade: mesh, to: dmz}]
              tests:
                - {way: out, service: ssh, expect: drop, to: ops}
                - {from: [alice, any], to: [ssh, tcp/1], at: [box, lan], expect: deny}
            """)
        let effective = try EffectiveConfiguration(configuration).yaml()
        let firewall = effective.split(separator: "\nfirewall:\n").last?.split(separator: "\ndns:").first
        #expect(
            firewall == """
                  enabled: true
                  default: deny
                  rules:
                  - deny:
                    - ssh
                    from:
                    - alice
                    - \(Sample.doubleDashed)
                    to:
                    - box
                    limit:
                      rate: 1/hour
                      burst: 5
                    log: true
                    comment: words
                  outbound:
                    default: allow
                    rules: []
                  nat:
                  - masquerade: mesh
                    to: dmz
                  clamp_mss: auto
                  include: []
                  tests:
                  - way: out
                    to: ops
                    service: ssh
                    at: box
                    expect: deny
                  - way: in
                    from:
                    - alice
                    - any
                    to:
                    - ssh
                    - tcp/1
                    at:
                    - box
                    - lan
                    expect: deny
                  cut_removed: false
                  table: inet256vpn
                """)
    }

    @Test func sectionsMayStandInAnyOrder() throws {
        let rules = "firewall: {rules: [{allow: ssh, from: admins, to: dmz}]}\n"
        let first = try Configuration.parse(
            rules + FirewallSample.groups + FirewallSample.networks + FirewallSample.peers, file: "/etc/box/config.yaml"
        )
        #expect(first == (try FirewallSample.parse(rules)))
    }

    @Test func aReloadTellsWhatOfTheFirewallChanged() throws {
        let rule = "firewall: {rules: [{allow: ssh, from: peers}]}\n"
        let old = try FirewallSample.parse(rule)
        #expect(ConfigurationChange(from: old, to: old).isEmpty)

        func change(_ yaml: String) throws -> ConfigurationChange {
            ConfigurationChange(from: old, to: try FirewallSample.parse(yaml))
        }
        #expect(try change("").applied == ["firewall"])
        let off = try change("firewall: {enabled: false, rules: [{allow: ssh, from: peers}]}")
        #expect(off.applied == ["firewall.enabled"])
        let tested = "firewall: {rules: [{allow: ssh, from: peers}], tests: [{from: bob, to: ssh, expect: allow}]}"
        #expect(try change(tested).applied == ["firewall"])
        // A peer less is a member less.
        var fewer = old
        fewer.peers.removeLast()
        #expect(ConfigurationChange(from: old, to: fewer).applied == ["firewall"])
        var moved = old
        moved.networks.removeLast()
        #expect(ConfigurationChange(from: old, to: moved).needsRestart == ["networks"])
        #expect(ConfigurationChange(from: old, to: moved).applied.isEmpty)
        moved.networks.removeLast()
        #expect(ConfigurationChange(from: old, to: moved).applied == ["firewall"])
        // Of the portal nothing changes until a restart, and so the rules do not either.
        let renamed = try change(rule + "portal: {interface: mesh0, prefix: \"fc00::/8\"}")
        #expect(renamed.applied.isEmpty)
        #expect(renamed.needsRestart == ["portal.interface", "portal.prefix"])
    }
}

@Suite struct ServiceTextTests {
    static let names = ServiceNames(
        parsing: """
            # a comment
            ssh  22/tcp  sshd   # SSH
            domain 53/tcp
            domain\t53/udp
            odd 7/ddp
            broken
            zero 0/tcp
            large 70000/tcp
            """)

    static let right: [(String, [Firewall.Service])] = [
        ("any", [.any]),
        ("ssh", [.ports(protocol: 6, 22...22)]),
        ("sshd", [.ports(protocol: 6, 22...22)]),
        ("domain", [.ports(protocol: 6, 53...53), .ports(protocol: 17, 53...53)]),
        ("tcp/22", [.ports(protocol: 6, 22...22)]),
        ("udp/5000-5010", [.ports(protocol: 17, 5000...5010)]),
        ("udp/1-65535", [.ports(protocol: 17, 1...65535)]),
        ("tcp", [.ipProtocol(6)]),
        ("tcp/*", [.ipProtocol(6)]),
        ("udp", [.ipProtocol(17)]),
        ("sctp/7", [.ports(protocol: 132, 7...7)]),
        ("dccp/7", [.ports(protocol: 33, 7...7)]),
        ("udplite/7", [.ports(protocol: 136, 7...7)]),
        ("icmpv6", [.icmpv6(type: nil, code: nil)]),
        ("icmpv6/echo-request", [.icmpv6(type: 128, code: nil)]),
        ("icmpv6/128", [.icmpv6(type: 128, code: nil)]),
        ("icmpv6/destination-unreachable/4", [.icmpv6(type: 1, code: 4)]),
        ("proto/47", [.ipProtocol(47)]),
        ("proto/58", [.icmpv6(type: nil, code: nil)]),
    ]

    @Test(arguments: right)
    func eachForm(_ text: String, _ services: [Firewall.Service]) throws {
        #expect(try ServiceText.parse(text, names: Self.names) == services)
    }

    static let wrong: [(String, String?)] = [
        ("shh", "ssh"), ("odd", nil), ("zero", nil), ("large", nil), ("", nil), ("22", "tcp/22"),
        ("ping", "icmpv6/echo-request"),
        ("22/tcp", "tcp/22"), ("tpc/22", "tcp/22"), ("tcp/0", nil), ("tcp/65536", nil), ("tcp/022", nil),
        ("tcp/9-8", "tcp/8-9"), ("tcp/1-2-3", nil), ("tcp/-1", nil), ("tcp/+1", nil), ("tcp/ssh", "ssh"),
        ("tcp/1/2", nil), ("tcp/", nil), ("icmpv6/ecko-request", "icmpv6/echo-request"), ("icmpv6/256", nil),
        ("icmpv6/1/2/3", nil), ("icmpv6/1/x", nil), ("proto", nil), ("proto/256", nil), ("proto/44", nil),
        ("proto/gre", nil), ("Any", "any"),
    ]

    @Test(arguments: wrong)
    func whatIsNoService(_ text: String, _ suggestion: String?) {
        let error = #expect(throws: ServiceTextError.self) { try ServiceText.parse(text, names: Self.names) }
        #expect(error?.suggestion == suggestion)
        #expect(error?.expected.isEmpty == false)
    }

    @Test func theBuiltInListHasWhatPeopleAskFor() {
        for name in ["ssh", "http", "https", "domain", "ntp", "smtp", "imap", "imaps"] {
            #expect(ServiceNames.builtIn[name] != nil, "\(name)")
            #expect(ServiceNames.system[name] != nil, "\(name)")
        }
        #expect(ServiceNames.builtIn["domain"]?.count == 2)
    }
}
