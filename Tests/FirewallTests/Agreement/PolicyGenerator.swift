import TestSupport
import Wire

@testable import Firewall

/// A policy, and the lists it was made from before they were sorted and merged: the oracle reads those.
struct GeneratedPolicy {
    var policy: FirewallPolicy
    var groupMembers: [String: [IPv6Prefix]] = [:]
    var networkPrefixes: [String: [IPv6Prefix]] = [:]
    /// The prefixes that everything was picked from.
    var landmarks: [IPv6Prefix] = []
}

/// Makes policies that look for trouble: prefixes that nest, touch and repeat, ranges that overlap, and long runs of
/// rules that differ in one port or one host only.
struct PolicyGenerator {
    /// How many rules that differ in nothing but a port or a host stand in a run.
    static let run = 8...12
    static let mostRules = 30

    var random: SplitMix
    private var landmarks: [IPv6Prefix] = []
    private var groupNames: [String] = []
    private var networkNames: [String] = []
    /// Ranges that were used already: new ones are laid beside and across them.
    private var ranges: [ClosedRange<UInt16>] = []

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func policy() -> GeneratedPolicy {
        landmarks = []
        ranges = [0...0, 65535...65535, 22...22]
        for _ in 0..<random.number(4...20) { landmarks.append(landmark()) }
        var generated = GeneratedPolicy(policy: FirewallPolicy(portal: "portal"))
        generated.landmarks = landmarks

        groupNames = (0..<random.number(0...5)).map { "group\($0)" }
        for name in groupNames {
            let onlyHosts = random.chance(40)
            let count = random.chance(4) ? 0 : random.number(1...12)
            let members = (0..<count).map { _ in onlyHosts ? host() : random.pick(landmarks) }
            generated.groupMembers[name] = members
            generated.policy.groups.append(FirewallGroup(name: name, members: members))
        }
        networkNames = (0..<random.number(0...3)).map { "network\($0)" }
        for name in networkNames {
            let prefixes = (0..<random.number(1...4)).map { _ in random.pick(landmarks) }
            generated.networkPrefixes[name] = prefixes
            generated.policy.networks.append(FirewallNetwork(name: name, prefixes: prefixes))
        }
        generated.policy.inbound = list()
        generated.policy.outbound = list()
        generated.policy.clampsMSS = random.chance(50)
        generated.policy.hasInclude = random.chance(20)
        for name in networkNames where random.chance(20) {
            generated.policy.masquerades.append(random.chance(50) ? .intoMesh(network: name) : .intoNetwork(name))
        }
        return generated
    }

    /// What a policy may have been before somebody edited it into this one; or something else altogether.
    mutating func predecessor(of generated: GeneratedPolicy) -> GeneratedPolicy {
        guard random.chance(70) else { return policy() }
        var before = generated
        before.policy.inbound = edited(generated.policy.inbound)
        before.policy.outbound = edited(generated.policy.outbound)
        before.policy.groups = generated.policy.groups.map { group in
            let kept = group.members.filter { _ in random.chance(70) }
            return FirewallGroup(name: group.name, members: kept + (random.chance(50) ? [host()] : []))
        }
        before.policy.networks = generated.policy.networks.map { network in
            FirewallNetwork(
                name: network.name, prefixes: random.chance(60) ? network.prefixes : [random.pick(landmarks)])
        }
        if random.chance(30) { before.policy.clampsMSS.toggle() }
        return before
    }

    private mutating func edited(_ list: RuleList) -> RuleList {
        var rules = list.rules.filter { _ in random.chance(85) }
        if random.chance(50) { rules.insert(rule(), at: random.number(0...rules.count)) }
        if rules.count > 1, random.chance(50) { rules.swapAt(0, random.number(1...rules.count - 1)) }
        return RuleList(rules, fallback: random.chance(80) ? list.fallback : random.pick(FirewallAction.allCases))
    }

    // Prefixes.

    private mutating func landmark() -> IPv6Prefix {
        guard let known = landmarks.randomElement(using: &random), random.chance(75) else { return fresh() }
        let bits = SlowOracle.bits(known)
        switch random.number(0...9) {
        case 0...3 where bits.count < 128:
            // Within a known one.
            return IPv6Prefix(
                bits: bits + SlowOracle.bits(random.address()).prefix(random.number(1...128 - bits.count)))
        case 4...5 where !bits.isEmpty:
            // Its neighbour: the last bit turned.
            return IPv6Prefix(bits: bits.dropLast() + (bits.last == "0" ? "1" : "0"))
        case 6 where !bits.isEmpty:
            // Around it.
            return IPv6Prefix(bits: String(bits.dropLast(random.number(1...min(bits.count, 9)))))
        case 7: return known
        default: return IPv6Prefix(host: random.address(in: known))
        }
    }

    private mutating func fresh() -> IPv6Prefix {
        let edges = ["::/0", "fd00::/8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "::/1", "8000::/1", "::/128"]
        if random.chance(12), let edge = IPv6Prefix(random.pick(edges)) { return edge }
        // Mesh addresses, and those of networks.
        let start = random.chance(70) ? "11111101" : "0010000000000001000011011011100"
        let length = random.pick([16, 32, 47, 48, 56, 63, 64, 65, 96, 127, 128])
        let bits = start + SlowOracle.bits(random.address())
        return IPv6Prefix(bits: String(bits.prefix(length)))
    }

    private mutating func host() -> IPv6Prefix {
        let around = random.pick(landmarks)
        switch random.number(0...2) {
        case 0: return IPv6Prefix(host: around.address)
        case 1: return IPv6Prefix(host: around.highest)
        default: return IPv6Prefix(host: random.address(in: around))
        }
    }

    // Rules.

    private mutating func list() -> RuleList {
        var rules: [FirewallRule] = []
        let count = random.number(0...Self.mostRules)
        while rules.count < count {
            switch random.number(0...9) {
            case 0: rules += runOfPorts()
            case 1: rules += runOfHosts()
            case 2 where !rules.isEmpty:
                var again = random.pick(rules)
                again.action = random.pick(FirewallAction.allCases)
                rules.append(again)
            default: rules.append(rule())
            }
        }
        return RuleList(Array(rules.prefix(Self.mostRules)), fallback: random.pick(FirewallAction.allCases))
    }

    private mutating func rule() -> FirewallRule {
        let services = random.chance(20) ? neighbours() : (0..<some()).map { _ in service() }
        let peers = (0..<some()).map { _ in subject() }
        let places = (0..<some()).map { _ in place() }
        return FirewallRule(random.pick(FirewallAction.allCases), services, peers: peers, places: places)
    }

    /// Rules that differ in the port, now and then in the action, the peer or the protocol too.
    private mutating func runOfPorts() -> [FirewallRule] {
        let model = rule()
        let transport = random.pick(Service.protocolsWithPorts)
        let first = random.pick([0, 22, 5000, 65500])
        let varied = random.chance(50)
        return (0..<random.number(Self.run)).map { index in
            var rule = model
            let port = UInt16(clamping: first + (random.chance(20) ? random.number(0...12) : index))
            rule.services = [.ports(protocol: random.chance(10) ? 17 : transport, port...port)]
            if varied { rule.action = random.pick(FirewallAction.allCases) }
            if varied, random.chance(15) { rule.peers = [subject()] }
            return rule
        }
    }

    /// Rules that differ in the host.
    private mutating func runOfHosts() -> [FirewallRule] {
        let model = rule()
        let varied = random.chance(50)
        return (0..<random.number(Self.run)).map { _ in
            var rule = model
            rule.peers = [.prefix(host())]
            if varied { rule.action = random.pick(FirewallAction.allCases) }
            if varied, random.chance(15) { rule.services = [service()] }
            return rule
        }
    }

    private mutating func some() -> Int { random.chance(65) ? 1 : random.number(2...4) }

    private mutating func service() -> Service {
        switch random.number(0...9) {
        case 0: return .any
        case 1: return .ipProtocol(random.pick([6, 17, 58, 47, 50, 132, 136, 89, 253, 0, 255]))
        case 2...3:
            let types: [UInt8] = [0, 1, 2, 3, 4, 5, 127, 128, 128, 128, 128, 129, 133, 135, 135, 139, 139, 255]
            let type = random.chance(15) ? nil : random.pick(types)
            return .icmpv6(type: type, code: type == nil || random.chance(40) ? nil : random.pick([0, 1, 2, 254, 255]))
        default:
            let transport = random.chance(70) ? random.pick([6, 17]) : random.pick(Service.protocolsWithPorts)
            return .ports(protocol: transport, range())
        }
    }

    /// Ranges of one protocol that overlap, touch, or leave a port or two between them, in any order.
    private mutating func neighbours() -> [Service] {
        let transport = random.pick(Service.protocolsWithPorts)
        var low = random.pick([0, 20, 8000, 65520])
        var services: [Service] = []
        for _ in 0..<random.number(2...5) {
            let high = low + random.pick([0, 0, 1, 3])
            services.append(.ports(protocol: transport, UInt16(clamping: low)...UInt16(clamping: high)))
            low = max(0, high + random.number(-1...3))
        }
        return services.shuffled(using: &random)
    }

    private mutating func range() -> ClosedRange<UInt16> {
        let known = random.pick(ranges)
        let low: Int
        switch random.number(0...5) {
        case 0: low = Int(known.lowerBound)
        case 1: low = Int(known.upperBound)
        case 2: low = Int(known.upperBound) + 1
        case 3: low = Int(known.lowerBound) - 1
        default: low = random.number(0...65535)
        }
        let lower = UInt16(clamping: low)
        let width = random.pick([0, 0, 0, 1, 2, 7, 100, 5000, 65535])
        let range = lower...UInt16(clamping: Int(lower) + width)
        ranges.append(range)
        return range
    }

    private mutating func subject() -> Subject {
        switch random.number(0...9) {
        case 0...1: return .any
        case 2...5 where !groupNames.isEmpty: return .group(random.pick(groupNames))
        case 6...7: return .prefix(host())
        default: return .prefix(random.pick(landmarks))
        }
    }

    private mutating func place() -> Place {
        networkNames.isEmpty || random.chance(55) ? .box : .network(random.pick(networkNames))
    }
}
