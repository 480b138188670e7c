internal import Wire

/// Makes the table of a policy: pure, the same policy gives the same table.
///
///     input ------ from the portal --> mesh_in ------------> the rules for the box
///     forward ---- from the portal --> mesh_forward_in ----> those for the networks behind it
///             `--- into the portal --> mesh_forward_out ---> those for what the networks send
///     output ----- into the portal --> mesh_out -----------> those for what the box sends
///
/// Whatever does not go through the portal is not ours and passes. A counter for each rule is named by what the rule says, so that it
/// keeps its value over a reload as long as the rule stands, wherever in the list.
package struct PolicyCompiler {
    private let policy: FirewallPolicy
    private var parts: RulesetParts

    package static func compile(_ policy: FirewallPolicy, table: String = Ruleset.standardTable) -> Ruleset {
        var compiler = PolicyCompiler(policy: policy, parts: RulesetParts(table: table))
        return compiler.run()
    }

    /// The counter of each rule, in the order of the rules.
    package static func counterNames(_ list: RuleList, isInbound: Bool) -> [String] {
        var seen: [String: Int] = [:]
        return list.rules.map { rule in
            let name = (isInbound ? "in_" : "out_") + StableHash.of(rule.meaning)
            seen[name, default: 0] += 1
            let times = seen[name, default: 1]
            return times == 1 ? name : "\(name)_\(times)"
        }
    }

    /// Counters that are no rule's.
    package enum Counter: String, Sendable, CaseIterable {
        case defaultIn = "default_in"
        case defaultOut = "default_out"
        case echo
        case invalid
        case noNetwork = "no_network"
        case tooManyErrors = "icmpv6_over_limit"
    }

    /// Logged packets of one rule.
    static let logLimit = RateLimit(5, per: .second, burst: 10)

    /// The chain that holds what an administrator wrote in nft's own words. No change of rules touches it.
    package static let includeChain = "mesh_include"

    /// Answers what is refused.
    static let rejectChain = "mesh_reject"

    /// On which side of a packet the mesh is in the chain of a way; nil for another chain.
    static func meshSide(ofWay chain: String) -> Statement.Side? {
        switch chain {
        case "mesh_in", "mesh_forward_in": .source
        case "mesh_out", "mesh_forward_out": .destination
        default: nil
        }
    }

    // MARK: The frame

    private mutating func run() -> Ruleset {
        for counter in Counter.allCases { parts.counter(counter.rawValue) }
        parts.chain(
            RulesetChain(
                name: Self.rejectChain,
                rules: [RulesetRule([.transport(6), .rejectReset]), RulesetRule([.rejectProhibited])]))
        if policy.hasInclude { parts.chain(RulesetChain(name: Self.includeChain)) }

        let inbound = Direction(policy.inbound, isInbound: true)
        let outbound = Direction(policy.outbound, isInbound: false)
        addWay("mesh_in", inbound, isForwarded: false)
        addWay("mesh_out", outbound, isForwarded: false)
        addWay("mesh_forward_in", inbound, isForwarded: true)
        addWay("mesh_forward_out", outbound, isForwarded: true)
        addHooks()
        return parts.ruleset
    }

    private mutating func addHooks() {
        let portal = policy.portal
        func base(
            _ name: String, _ hook: NftHook, _ rules: [RulesetRule], kind: RulesetChain.Hook.Kind = .filter,
            priority: Int32 = 0
        ) {
            parts.chain(RulesetChain(name: name, hook: .init(kind, hook, priority: priority), rules: rules))
        }
        base("input", .input, [RulesetRule([.inputInterface(portal), .jump("mesh_in")])])
        base("output", .output, [RulesetRule([.outputInterface(portal), .jump("mesh_out")])])
        base(
            "forward", .forward,
            [
                RulesetRule(
                    [
                        .inputInterface(portal), .outputInterface(portal), .counter(named: Counter.noNetwork.rawValue),
                        .drop,
                    ], comment: "the mesh is not forwarded into the mesh"),
                RulesetRule([.inputInterface(portal), .jump("mesh_forward_in")]),
                RulesetRule([.outputInterface(portal), .jump("mesh_forward_out")]),
            ])
        if policy.clampsMSS {
            // Before anything of ours can accept: NF_IP_PRI_MANGLE.
            base(
                "mesh_clamp_mss", .forward,
                [
                    RulesetRule([.inputInterface(portal), .tcpSyn, .clampMSS]),
                    RulesetRule([.outputInterface(portal), .tcpSyn, .clampMSS]),
                ], priority: -150)
        }
        if !policy.masquerades.isEmpty {
            var translations: [RulesetRule] = []
            for masquerade in policy.masquerades { translations += translation(masquerade) }
            // NF_IP_PRI_NAT_SRC.
            base("mesh_masquerade", .postrouting, translations, kind: .nat, priority: 100)
        }
    }

    private mutating func translation(_ masquerade: Masquerade) -> [RulesetRule] {
        let portal = policy.portal
        switch masquerade {
        case .intoMesh(let name):
            return inNetwork(name, .source).map { RulesetRule([.outputInterface(portal), $0, .masquerade]) }
        case .intoNetwork(let name):
            return inNetwork(name, .destination).map {
                RulesetRule([.inputInterface(portal), .outputInterface(portal, isNot: true), $0, .masquerade])
            }
        }
    }

    private mutating func inNetwork(_ name: String, _ side: Statement.Side) -> [Statement] {
        guard let network = policy.network(name), !network.prefixes.isEmpty else { return [] }
        if network.prefixes.count == 1 { return [.address(side, network.prefixes[0])] }
        return [.addressIn(side, set: parts.set("net_\(name)", .prefixes(network.prefixes)))]
    }

    // MARK: One way through

    private struct Direction {
        let list: RuleList
        let isInbound: Bool
        let counters: [String]

        init(_ list: RuleList, isInbound: Bool) {
            self.list = list
            self.isInbound = isInbound
            counters = PolicyCompiler.counterNames(list, isInbound: isInbound)
        }
    }

    private mutating func addWay(_ name: String, _ direction: Direction, isForwarded: Bool) {
        var rules: [RulesetRule] = [
            RulesetRule([.notIPv6, .drop]),
            RulesetRule([.connection([.established, .related]), .accept]),
            RulesetRule([
                .icmpv6Types(FirewallPacket.essentialTypes),
                .goto(parts.standing(.errors, isInbound: direction.isInbound)),
            ]),
            RulesetRule([.connection([.invalid]), .counter(named: Counter.invalid.rawValue), .drop]),
        ]
        if isForwarded {
            // Only the networks of the policy are forwarded for.
            let side: Statement.Side = direction.isInbound ? .destination : .source
            for network in policy.networks {
                for match in inNetwork(network.name, side) {
                    rules.append(RulesetRule([match, .goto(name + "_rules")]))
                }
            }
            rules.append(RulesetRule([.counter(named: Counter.noNetwork.rawValue), .drop]))
            parts.chain(RulesetChain(name: name + "_rules", rules: body(direction, isForwarded: true)))
        } else {
            rules += body(direction, isForwarded: false)
        }
        parts.chain(RulesetChain(name: name, rules: rules))
    }

    private mutating func body(_ direction: Direction, isForwarded: Bool) -> [RulesetRule] {
        var rules: [RulesetRule] = []
        if policy.hasInclude, direction.isInbound { rules.append(RulesetRule([.jump(Self.includeChain)])) }
        var lines: [RuleLine] = []
        for (rule, counter) in zip(direction.list.rules, direction.counters) {
            parts.counter(counter)
            guard let places = placeMatches(rule, direction, isForwarded) else { continue }
            lines.append(line(rule, counter, places))
        }
        rules += RuleTree.lower(lines, side: direction.isInbound ? .source : .destination, into: &parts)
        let fallback = direction.isInbound ? Counter.defaultIn : .defaultOut
        if direction.isInbound {
            // What our own side asks is its own business: there the default decides on pings as on all else.
            rules.append(
                RulesetRule([.icmpv6Type(FirewallPacket.echoRequest), .goto(parts.standing(.pings, isInbound: true))]))
        }
        rules.append(RulesetRule([.counter(named: fallback.rawValue), Self.statement(direction.list.fallback)]))
        return rules
    }

    /// Alternatives of matches for where on our side the rule holds; nil when it does not hold on this way at all.
    private mutating func placeMatches(
        _ rule: FirewallRule, _ direction: Direction, _ isForwarded: Bool
    ) -> [[Statement]]? {
        if !isForwarded { return rule.places.contains(.box) ? [[]] : nil }
        var names: [String] = []
        for case .network(let name) in rule.places where !names.contains(name) { names.append(name) }
        if names.isEmpty { return nil }
        // What belongs to no network of the policy has been dropped before.
        if policy.networks.allSatisfy({ names.contains($0.name) }) { return [[]] }
        let side: Statement.Side = direction.isInbound ? .destination : .source
        return names.flatMap { inNetwork($0, side) }.map { [$0] }
    }

    // MARK: One rule

    private mutating func line(_ rule: FirewallRule, _ counter: String, _ places: [[Statement]]) -> RuleLine {
        var actions: [Statement] = []
        if let limit = rule.limit { actions.append(.limit(named: parts.limit(counter, limit))) }
        actions.append(.counter(named: counter))
        if let prefix = rule.log {
            let chain = "log_" + counter
            parts.chain(
                RulesetChain(
                    name: chain,
                    rules: [
                        RulesetRule([.limitRate(Self.logLimit), .log(prefix: prefix)]),
                        RulesetRule([Self.statement(rule.action)]),
                    ]))
            actions.append(.goto(chain))
        } else {
            actions.append(Self.statement(rule.action))
        }
        return RuleLine(
            services: rule.services.contains(.any) ? nil : rule.services,
            peers: peers(rule), places: places, actions: actions, comment: Self.short(rule.comment ?? rule.text))
    }

    /// Nil for everybody. Groups that have no members match nobody.
    private mutating func peers(_ rule: FirewallRule) -> [RuleLine.Peer]? {
        var peers: [RuleLine.Peer] = []
        var literals: [IPv6Prefix] = []
        for subject in rule.peers {
            switch subject {
            case .any: return nil
            case .prefix(let prefix):
                if prefix.length == 0 { return nil }
                literals.append(prefix)
            case .group(let name):
                guard let group = policy.group(name) else { continue }
                let elements: RulesetSet.Elements =
                    group.isHostsOnly
                    ? .hosts(group.members.map(\.address)) : .prefixes(group.members)
                // The two kinds are two sets: a set's type cannot change.
                let set = parts.set((group.isHostsOnly ? "group_" : "group_net_") + name, elements)
                if !peers.contains(.set(set)) { peers.append(.set(set)) }
            }
        }
        return IPv6Prefix.disjoint(literals).map(RuleLine.Peer.prefix) + peers
    }

    /// What the kernel takes beside a rule: 127 bytes, and no quotation marks so that the table can be written as text.
    private static func short(_ comment: String) -> String {
        var short = String(comment.map { $0 == "\"" ? "'" : $0.isNewline ? " " : $0 })
        while short.utf8.count > 127 { short.removeLast() }
        return short
    }

    private static func statement(_ action: FirewallAction) -> Statement {
        switch action {
        case .allow: .accept
        case .deny: .drop
        case .reject: .goto(rejectChain)
        }
    }
}

extension FirewallRule {
    /// What it does, in a form that is equal for equal rules and in every run.
    var meaning: String {
        let services = services.map { "\($0)" }.sorted().joined(separator: ",")
        let peers = peers.map { "\($0)" }.sorted().joined(separator: ",")
        let places = places.map { "\($0)" }.sorted().joined(separator: ",")
        return [
            action.rawValue, services, peers, places, limit.map(\.description) ?? "", log ?? "",
        ].joined(separator: "|")
    }
}

/// FNV-1a of 64 bits: names that are the same in every process (unlike `Hasher`). Nobody gains from a collision: the names'
/// author is the administrator.
enum StableHash {
    static func of(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
