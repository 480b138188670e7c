import Wire

@testable import Firewall

/// What the kernel would refuse, or take and mean otherwise: names without anything behind them, elements that overlap,
/// ports of protocols that have none, statements behind a verdict, chains that call themselves.
extension Ruleset {
    var faults: [String] {
        var faults: [String] = []
        func check(_ holds: Bool, _ fault: @autoclosure () -> String) { if !holds { faults.append(fault()) } }

        for (kind, names) in [
            ("counter", counters), ("limit", limits.map(\.name)), ("set or map", sets.map(\.name) + maps.map(\.name)),
            ("chain", chains.map(\.name)),
        ] {
            check(Set(names).count == names.count, "two of one name: \(kind)s \(names)")
            for name in names { check(!name.isEmpty && name.utf8.count < 128, "\(kind) with the name \"\(name)\"") }
        }
        for set in sets { faults += set.faults }
        for map in maps { faults += map.faults }
        let bases = Set(chains.filter { $0.hook != nil }.map(\.name))
        let jumped = Set(chains.map(\.name)).subtracting(bases)
        for name in maps.flatMap(\.targets) { check(jumped.contains(name), "a map jumps to \(name)") }
        for chain in chains {
            for rule in chain.rules {
                for fault in rule.faults(in: self, chain) {
                    faults.append("\(chain.name): \(fault): \(rule.statements)")
                }
            }
        }
        if faults.isEmpty { faults += bases.sorted().filter { !ends($0, beneath: []) }.map { "\($0) calls itself" } }
        return faults
    }

    /// What a chain can jump to.
    private func targets(of name: String) -> Set<String> {
        let statements = chains.filter { $0.name == name }.flatMap(\.rules).flatMap(\.statements)
        return statements.reduce(into: []) { targets, statement in
            switch statement {
            case .jump(let chain), .goto(let chain): targets.insert(chain)
            case .jumpByService(let map), .jumpByAddress(_, let map):
                targets.formUnion(maps.first { $0.name == map }?.targets ?? [])
            default: break
            }
        }
    }

    private func ends(_ name: String, beneath callers: Set<String>) -> Bool {
        !callers.contains(name) && callers.count < RulesetMachine.mostJumps
            && targets(of: name).allSatisfy { ends($0, beneath: callers.union([name])) }
    }
}

extension RulesetMap {
    var targets: [String] {
        switch elements {
        case .services(let jumps): return jumps.map(\.chain)
        case .hosts(let jumps): return jumps.map(\.chain)
        }
    }

    fileprivate var faults: [String] {
        switch elements {
        case .services(let jumps): return overlaps(jumps.map(\.range)).map { "map \(name): \($0)" }
        case .hosts(let jumps): return repetitions(jumps.map(\.host)).map { "map \(name): \($0)" }
        }
    }
}

extension RulesetSet {
    fileprivate var isOfFlows: Bool { if case .flows = elements { true } else { false } }
    fileprivate var faults: [String] {
        switch elements {
        case .hosts(let hosts): return repetitions(hosts).map { "set \(name): \($0)" }
        case .services(let ranges): return overlaps(ranges).map { "set \(name): \($0)" }
        case .flows(let flows): return Set(flows).count == flows.count ? [] : ["a flow is there twice"]
        case .met: return []
        case .prefixes(let prefixes):
            return zip(prefixes, prefixes.dropFirst()).filter { $0.highest >= $1.address }
                .map { "set \(name): \($0) is not below \($1)" }
        }
    }
}

private func repetitions(_ hosts: [IPv6Address]) -> [String] {
    Set(hosts).count == hosts.count ? [] : ["a host is there twice"]
}

private func overlaps(_ ranges: [PortRange]) -> [String] {
    let sorted = ranges.sorted { ($0.protocol, $0.ports.lowerBound) < ($1.protocol, $1.ports.lowerBound) }
    return zip(sorted, sorted.dropFirst()).filter { $0.protocol == $1.protocol && $0.ports.overlaps($1.ports) }
        .map { "\($0.ports) and \($1.ports) of protocol \($0.protocol) overlap" }
        + ranges.filter { !Service.protocolsWithPorts.contains($0.protocol) }.map { "ports of protocol \($0.protocol)" }
}

extension RulesetRule {
    fileprivate func faults(in ruleset: Ruleset, _ chain: RulesetChain) -> [String] {
        var faults: [String] = []
        func check(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        func jumps(to name: String) {
            check(ruleset.chains.contains { $0.name == name && $0.hook == nil }, "no chain to jump to: \(name)")
        }

        check((comment?.utf8.count ?? 0) <= 127, "a comment that is too long")
        var transport: UInt8?
        var hasType = false
        var isOver = false
        for statement in statements {
            check(!isOver, "something stands behind a verdict")
            switch statement {
            case .transport(let number): transport = number
            case .destinationPort:
                check(transport.map(Service.protocolsWithPorts.contains) == true, "a port without its protocol")
            case .icmpv6Type: hasType = true
            case .icmpv6Code: check(hasType, "a code without its type")
            case .addressIn(_, let name):
                check(ruleset.sets.contains { $0.name == name && !$0.isOfServices }, "no set of addresses \(name)")
            case .isOver(_, _, let name):
                check(ruleset.sets.contains { $0.name == name && $0.elements == .met }, "no set of met \(name)")
            case .flowIn(_, let name):
                check(ruleset.sets.contains { $0.name == name && $0.isOfFlows }, "no set of flows \(name)")
            case .serviceIn(let name):
                check(ruleset.sets.contains { $0.name == name && $0.isOfServices }, "no set of services \(name)")
            case .jumpByService(let name):
                isOver = true
                check(ruleset.maps.contains { $0.name == name && $0.isOfServices }, "no map of services \(name)")
            case .jumpByAddress(_, let name):
                isOver = true
                check(ruleset.maps.contains { $0.name == name && !$0.isOfServices }, "no map of hosts \(name)")
            case .limit(let name): check(ruleset.limits.contains { $0.name == name }, "no limit \(name)")
            case .counter(let name): check(ruleset.counters.contains(name), "no counter \(name)")
            case .log(let prefix): check(prefix.utf8.count < 128, "a log prefix that is too long")
            case .rejectReset:
                isOver = true
                check(transport == 6, "a reset for what may not be TCP")
                check(chain.hook?.kind != .nat, "a reject in a chain for nat")
            case .masquerade:
                isOver = true
                check(chain.hook?.kind != .filter, "a masquerade in a filter chain")
            case .accept, .drop, .rejectProhibited: isOver = true
            case .jump(let name), .goto(let name):
                isOver = true
                jumps(to: name)
            case .inputInterface, .outputInterface, .inputIndex, .outputIndex, .notIPv6, .connection, .address,
                .icmpv6Types, .tcpSyn, .tcpMidway, .notTransport, .limitRate, .clampMSS:
                break
            }
        }
        return faults
    }
}

extension RulesetSet {
    fileprivate var isOfServices: Bool { if case .services = elements { true } else { false } }
}

extension RulesetMap {
    fileprivate var isOfServices: Bool { if case .services = elements { true } else { false } }
}
