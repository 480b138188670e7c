internal import Wire

/// A ruleset as it grows: each part once, under the name that it is asked for by.
struct RulesetParts {
    private(set) var ruleset: Ruleset
    private var counters: Set<String> = []
    private var limits: Set<String> = []
    private var sets: Set<String> = []
    private var maps: Set<String> = []
    private var chains: Set<String> = []
    private var nextChain = 1

    init(table: String) { ruleset = Ruleset(table: table) }

    mutating func counter(_ name: String) {
        if counters.insert(name).inserted { ruleset.counters.append(name) }
    }

    mutating func limit(_ name: String, _ limit: RateLimit) -> String {
        if limits.insert(name).inserted { ruleset.limits.append(NamedLimit(name: name, limit: limit)) }
        return name
    }

    mutating func set(_ name: String, _ elements: RulesetSet.Elements) -> String {
        if sets.insert(name).inserted { ruleset.sets.append(RulesetSet(name: name, elements: elements)) }
        return name
    }

    /// A set without a name of its own gets one by its content.
    mutating func set(literal elements: RulesetSet.Elements) -> String {
        set("set_" + StableHash.of("\(elements)"), elements)
    }

    mutating func map(_ elements: RulesetMap.Elements) -> String {
        let name = "map_" + StableHash.of("\(elements)")
        if maps.insert(name).inserted { ruleset.maps.append(RulesetMap(name: name, elements: elements)) }
        return name
    }

    mutating func chain(_ chain: RulesetChain) {
        if chains.insert(chain.name).inserted { ruleset.chains.append(chain) }
    }

    /// A chain that a map jumps to.
    mutating func numberedChain(_ rules: [RulesetRule]) -> String {
        let name = "part_\(nextChain)"
        nextChain += 1
        ruleset.chains.append(RulesetChain(name: name, rules: rules))
        return name
    }
}
