import Firewall
import Wire

/// Rulesets that the tests load.
enum Samples {
    static func address(_ number: UInt64) -> IPv6Address { IPv6Address(high: 0xfd00 << 48, low: number) }

    static func prefix(_ text: String) -> IPv6Prefix {
        guard let prefix = IPv6Prefix(text) else { preconditionFailure("no prefix: \(text)") }
        return prefix
    }

    /// Every statement and every kind of set and map.
    static func everything(table: String) -> Ruleset {
        var ruleset = Ruleset(table: table)
        ruleset.counters = ["c_ssh", "c_all"]
        ruleset.limits = [NamedLimit(name: "l_ssh", limit: RateLimit(10, per: .minute, burst: 7))]
        ruleset.sets = [
            RulesetSet(name: "g_admins", elements: .hosts([address(1), address(2)])),
            RulesetSet(
                name: "g_wide",
                elements: .prefixes([
                    prefix("fd00::/16"), prefix("fd01::/16"), prefix("fd03::1/128"), prefix("ff00::/8"),
                ])),
            RulesetSet(name: "g_none", elements: .prefixes([])),
            RulesetSet(
                name: "s_web",
                elements: .services([
                    PortRange(protocol: 6, ports: 22...22), PortRange(protocol: 17, ports: 5000...5010),
                ])),
            RulesetSet(name: "m_met", elements: .met),
            RulesetSet(
                name: "m_cut",
                elements: .flows([
                    CutFlow(theirs: address(3), ours: address(4), transport: 6, theirPort: 40000, ourPort: 22),
                    CutFlow(theirs: address(3), ours: address(4), transport: 17, theirPort: 53, ourPort: 5353),
                ])),
        ]
        ruleset.maps = [
            RulesetMap(
                name: "m_ports",
                elements: .services([ServiceJump(PortRange(protocol: 6, ports: 80...81), chain: "web")])),
            RulesetMap(name: "m_hosts", elements: .hosts([HostJump(address(9), chain: "web")])),
        ]
        ruleset.chains = [
            RulesetChain(name: "web", rules: [RulesetRule([.accept])]),
            RulesetChain(name: "end", rules: [RulesetRule([.drop])]),
            RulesetChain(name: "input", hook: .init(.filter, .input, priority: 0), rules: input),
            RulesetChain(
                name: "forward", hook: .init(.filter, .forward, priority: -150),
                rules: [RulesetRule([.outputInterface("inet256"), .tcpSyn, .clampMSS])]),
            RulesetChain(
                name: "post", hook: .init(.nat, .postrouting, priority: 100),
                rules: [RulesetRule([.outputInterface("inet256"), .masquerade])]),
        ]
        return ruleset
    }

    private static let input = [
        RulesetRule([.inputInterface("inet256", isNot: true), .accept]),
        RulesetRule([.notIPv6, .drop]),
        RulesetRule([.connection([.established, .related]), .accept]),
        RulesetRule([.flowIn(.source, set: "m_cut"), .jump("end")]),
        RulesetRule([.flowIn(.destination, set: "m_cut"), .jump("end")]),
        RulesetRule([.tcpMidway, .drop]),
        RulesetRule([.notTransport(6), .drop]),
        RulesetRule([.connection([.invalid]), .drop]),
        RulesetRule(
            [
                .addressIn(.source, set: "g_admins"), .transport(6), .destinationPort(22...22), .limit(named: "l_ssh"),
                .counter(named: "c_ssh"), .log(prefix: "ssh: "), .accept,
            ], comment: "allow ssh from admins"),
        RulesetRule([.address(.source, prefix("fd00::1/128")), .address(.destination, prefix("fd00::/17")), .accept]),
        RulesetRule([.address(.source, prefix("fd00::/16")), .address(.source, prefix("::/0")), .accept]),
        RulesetRule([.addressIn(.destination, set: "g_wide"), .transport(17), .destinationPort(5000...5010), .accept]),
        RulesetRule([.serviceIn(set: "s_web"), .accept]),
        RulesetRule([.icmpv6Type(128), .icmpv6Code(0), .limitRate(RateLimit(5, per: .second, burst: 10)), .accept]),
        RulesetRule([.isOver(RateLimit(50, per: .second, burst: 100), .source, set: "m_met"), .drop]),
        RulesetRule([.icmpv6Types(1...4), .accept]),
        RulesetRule([.transport(47), .counter(named: "c_all"), .drop]),
        RulesetRule([.jumpByService(map: "m_ports")]),
        RulesetRule([.jumpByAddress(.source, map: "m_hosts")]),
        RulesetRule([.transport(6), .rejectReset]),
        RulesetRule([.jump("web")]),
        RulesetRule([.rejectProhibited]),
        RulesetRule([.goto("end")]),
    ]

    /// One chain at the input hook that lets everything pass and counts it.
    static func small(table: String = Ruleset.standardTable, hosts: [UInt64] = [1]) -> Ruleset {
        var ruleset = Ruleset(table: table)
        ruleset.counters = ["c_echo", "c_rest"]
        ruleset.sets = [RulesetSet(name: "g_some", elements: .hosts(hosts.map(address)))]
        ruleset.chains = [
            RulesetChain(
                name: "input", hook: .init(.filter, .input, priority: 0),
                rules: [
                    RulesetRule([.icmpv6Type(128), .counter(named: "c_echo"), .accept], comment: "echo"),
                    RulesetRule([.addressIn(.source, set: "g_some"), .counter(named: "c_rest"), .accept]),
                ])
        ]
        return ruleset
    }

    static func large(table: String = Ruleset.standardTable, rules: Int, hosts: Int) -> Ruleset {
        var ruleset = Ruleset(table: table)
        ruleset.counters = (0..<rules).map { "c_\($0)" }
        ruleset.sets = [RulesetSet(name: "g_many", elements: .hosts((0..<hosts).map { address(UInt64($0) * 7 + 1) }))]
        ruleset.chains = [
            RulesetChain(
                name: "input", hook: .init(.filter, .input, priority: 0),
                rules: (0..<rules).map { number in
                    RulesetRule(
                        [
                            .addressIn(.source, set: "g_many"), .transport(6),
                            .destinationPort(UInt16(number + 1)...UInt16(number + 1)),
                            .counter(named: "c_\(number)"), .accept,
                        ], comment: "rule \(number)")
                })
        ]
        return ruleset
    }
}
