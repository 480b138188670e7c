internal import Wire

/// What has to go and to come for one table to become another. Something whose kind changes under its name goes and comes.
struct RulesetDifference {
    struct SetChange {
        let name: String
        /// Nil where nothing goes, or comes.
        let gone: RulesetSet.Elements?
        let new: RulesetSet.Elements?
    }

    // What goes, by name.
    private(set) var flushedChains: [String] = []
    private(set) var goneMaps: [String] = []
    private(set) var goneChains: [String] = []
    private(set) var goneSets: [String] = []
    private(set) var goneLimits: [String] = []
    private(set) var goneCounters: [String] = []

    // What comes.
    private(set) var newCounters: [String] = []
    private(set) var newLimits: [NamedLimit] = []
    private(set) var newSets: [RulesetSet] = []
    private(set) var changedSets: [SetChange] = []
    private(set) var newChains: [RulesetChain] = []
    private(set) var newMaps: [RulesetMap] = []
    /// Chains, new and flushed, whose rules are to be written.
    private(set) var filledChains: [RulesetChain] = []

    init(from old: Ruleset, to new: Ruleset) {
        (goneCounters, newCounters) = Self.compare(old.counters, new.counters, name: { $0 }, stands: { _, _ in true })
        (goneLimits, newLimits) = Self.compare(old.limits, new.limits, name: \.name, stands: { $0 == $1 })
        (goneSets, newSets) = Self.compare(old.sets, new.sets, name: \.name) {
            NftSetShape($0.elements) == NftSetShape($1.elements)
        }
        changedSets = Self.changes(of: old.sets, to: new.sets)
        (goneChains, newChains) = Self.compare(old.chains, new.chains, name: \.name, stands: { $0.hook == $1.hook })
        let replacedChains = Set(goneChains)
        (goneMaps, newMaps) = Self.compare(old.maps, new.maps, name: \.name) {
            $0 == $1 && replacedChains.isDisjoint(with: $1.targets)
        }

        // A rule that stands keeps what it names from going; so where that goes, the rule is written anew.
        let replaced = Set(goneMaps + goneSets).union(goneLimits).union(goneCounters).union(goneChains)
        let before = Dictionary(old.chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let comeAnew = Set(newChains.map(\.name))
        var rewritten: Set<String> = []
        filledChains = new.chains.filter { chain in
            if comeAnew.contains(chain.name) { return !chain.rules.isEmpty }
            let stands = before[chain.name]?.rules == chain.rules && !chain.rules.contains { $0.names(any: replaced) }
            if !stands { rewritten.insert(chain.name) }
            return !stands
        }
        let leaving = rewritten.union(goneChains)
        flushedChains = old.chains.filter { !$0.rules.isEmpty && leaving.contains($0.name) }.map(\.name)
    }

    /// What of `old` goes, by name, and what of `new` comes.
    private static func compare<T>(
        _ old: [T], _ new: [T], name: (T) -> String, stands: (T, T) -> Bool
    ) -> (gone: [String], new: [T]) {
        let before = Dictionary(old.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        func isBoth(_ key: String) -> Bool {
            guard let was = before[key], let becomes = after[key] else { return false }
            return stands(was, becomes)
        }
        return (old.map(name).filter { !isBoth($0) }, new.filter { !isBoth(name($0)) })
    }

    private static func changes(of old: [RulesetSet], to new: [RulesetSet]) -> [SetChange] {
        let before = Dictionary(old.map { ($0.name, $0.elements) }, uniquingKeysWith: { first, _ in first })
        return new.compactMap { set in
            guard let was = before[set.name], was != set.elements else { return nil }
            switch (was, set.elements) {
            case (.hosts(let a), .hosts(let b)):
                return change(set.name, a, b) { .hosts($0) }
            case (.prefixes(let a), .prefixes(let b)):
                return change(set.name, a, b) { .prefixes($0) }
            case (.services(let a), .services(let b)):
                return change(set.name, a, b) { .services($0) }
            case (.flows(let a), .flows(let b)):
                return change(set.name, a, b) { .flows($0) }
            case (.hosts, _), (.prefixes, _), (.services, _), (.flows, _), (.met, _):
                return nil
            }
        }
    }

    private static func change<T: Hashable>(
        _ name: String, _ old: [T], _ new: [T], _ elements: ([T]) -> RulesetSet.Elements
    ) -> SetChange? {
        let before = Set(old)
        let after = Set(new)
        let gone = old.filter { !after.contains($0) }
        let come = new.filter { !before.contains($0) }
        guard !gone.isEmpty || !come.isEmpty else { return nil }
        return SetChange(
            name: name, gone: gone.isEmpty ? nil : elements(gone), new: come.isEmpty ? nil : elements(come))
    }
}

extension RulesetMap {
    /// The chains that it jumps to.
    fileprivate var targets: [String] {
        switch elements {
        case .hosts(let jumps): jumps.map(\.chain)
        case .services(let jumps): jumps.map(\.chain)
        }
    }
}

extension RulesetRule {
    fileprivate func names(any names: Set<String>) -> Bool {
        guard !names.isEmpty else { return false }
        return statements.contains { statement in statement.named.map { names.contains($0) } ?? false }
    }
}

extension Statement {
    /// The object, set, map or chain that it names.
    fileprivate var named: String? {
        switch self {
        case .addressIn(_, let name), .serviceIn(let name), .jumpByService(let name), .jumpByAddress(_, let name),
            .flowIn(_, let name), .isOver(_, _, let name), .limit(let name), .counter(let name), .jump(let name),
            .goto(let name):
            name
        case .inputInterface, .outputInterface, .inputIndex, .outputIndex, .notIPv6, .connection, .transport, .address,
            .destinationPort, .icmpv6Type, .icmpv6Types, .icmpv6Code, .tcpSyn, .tcpMidway, .notTransport, .limitRate,
            .log, .clampMSS,
            .masquerade, .accept, .drop, .rejectReset, .rejectProhibited:
            nil
        }
    }
}
