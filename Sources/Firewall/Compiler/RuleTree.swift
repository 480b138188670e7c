internal import Wire

/// Puts rules in order into chains so that a packet does not walk past those that cannot concern it: a run of neighbouring rules that
/// all speak of ports (or all of single addresses) becomes one lookup in a map, which jumps to the few of the run that fit, still in
/// their order. When none of those decides, the walk goes on behind the run. So the first that matches wins, as written.
enum RuleTree {
    /// Shorter runs are walked: a lookup costs as much as a few rules.
    private static let shortest = 8
    /// How many times the rules of a run may be repeated over its chains before walking them is better.
    private static let repetition = 8

    fileprivate enum Key {
        case ports, hosts
    }

    static func lower(_ lines: [RuleLine], side: Statement.Side, into parts: inout RulesetParts) -> [RulesetRule] {
        lower(lines[...], side, [.ports, .hosts], &parts)
    }

    private static func lower(
        _ lines: ArraySlice<RuleLine>, _ side: Statement.Side, _ keys: [Key], _ parts: inout RulesetParts
    ) -> [RulesetRule] {
        var rules: [RulesetRule] = []
        var rest = lines
        walk: while let first = rest.first {
            let runs = keys.map { key in (key, rest.prefix { $0.has(key) }) }
            for (key, run) in runs.sorted(by: { $0.1.count > $1.1.count }) where run.count >= shortest {
                let jump =
                    switch key {
                    case .ports: byPorts(run, side, keys.filter { $0 != key }, &parts)
                    case .hosts: byHosts(run, side, keys.filter { $0 != key }, &parts)
                    }
                guard let jump else { continue }
                rules.append(jump)
                rest = rest.dropFirst(run.count)
                continue walk
            }
            rules += first.rules(side: side, into: &parts)
            rest = rest.dropFirst()
        }
        return rules
    }

    // MARK: By ports

    /// Cuts the ports where any rule's range begins or ends: within a piece the same rules fit.
    private static func byPorts(
        _ run: ArraySlice<RuleLine>, _ side: Statement.Side, _ keys: [Key], _ parts: inout RulesetParts
    ) -> RulesetRule? {
        var pieces: [(PortRange, [Int])] = []
        let ranges = run.indices.flatMap { place in
            PortRange.disjoint(run[place].ports ?? []).map { (place: place, range: $0) }
        }
        for number in Set(ranges.map(\.range.protocol)).sorted() {
            let mine = ranges.filter { $0.range.protocol == number }
            pieces += cut(mine.map { ($0.place, $0.range.ports) }).map { (PortRange(protocol: number, ports: $0), $1) }
        }
        guard isWorthIt(pieces.map(\.1), run.count) else { return nil }
        var chains = ChainsByContent()
        var jumps: [ServiceJump] = []
        for (range, places) in pieces {
            let chain = chains.chain(for: places, &parts) { parts in
                let fitting = places.map { place in
                    var line = run[place]
                    line.services = nil
                    return line
                }
                return lower(fitting[...], side, keys, &parts)
            }
            jumps.append(ServiceJump(range, chain: chain))
        }
        return RulesetRule([.jumpByService(map: parts.map(.services(jumps)))])
    }

    /// Disjoint pieces of ports, each with the places that cover it, in order. A sweep: each range is entered at its beginning
    /// and left behind its end.
    private static func cut(_ ranges: [(place: Int, ports: ClosedRange<UInt16>)]) -> [(ClosedRange<UInt16>, [Int])] {
        var events: [Int: (begin: [Int], end: [Int])] = [:]
        for (place, ports) in ranges {
            events[Int(ports.lowerBound), default: ([], [])].begin.append(place)
            events[Int(ports.upperBound) + 1, default: ([], [])].end.append(place)
        }
        var pieces: [(ClosedRange<UInt16>, [Int])] = []
        var active: Set<Int> = []
        var since = 0
        for (port, event) in events.sorted(by: { $0.key < $1.key }) {
            if !active.isEmpty { pieces.append((UInt16(since)...UInt16(port - 1), active.sorted())) }
            // A place's ranges are disjoint and do not touch, so it never ends and begins at once.
            active.subtract(event.end)
            active.formUnion(event.begin)
            since = port
        }
        return pieces
    }

    // MARK: By hosts

    private static func byHosts(
        _ run: ArraySlice<RuleLine>, _ side: Statement.Side, _ keys: [Key], _ parts: inout RulesetParts
    ) -> RulesetRule? {
        var places: [IPv6Address: [Int]] = [:]
        for place in run.indices {
            for host in Set(run[place].hosts ?? []) { places[host, default: []].append(place) }
        }
        let sorted = places.sorted { $0.key < $1.key }
        guard isWorthIt(sorted.map(\.value), run.count) else { return nil }
        var chains = ChainsByContent()
        var jumps: [HostJump] = []
        for (host, places) in sorted {
            let chain = chains.chain(for: places, &parts) { parts in
                let fitting = places.map { place in
                    var line = run[place]
                    line.peers = nil
                    return line
                }
                return lower(fitting[...], side, keys, &parts)
            }
            jumps.append(HostJump(host, chain: chain))
        }
        return RulesetRule([.jumpByAddress(side, map: parts.map(.hosts(jumps)))])
    }

    /// A map that would send most packets through most rules all the same, or repeat them too often, is none.
    private static func isWorthIt(_ lists: [[Int]], _ count: Int) -> Bool {
        let longest = lists.map(\.count).max() ?? 0
        return longest * 2 <= count && Set(lists).reduce(0) { $0 + $1.count } <= repetition * count + 64
    }
}

extension RuleLine {
    fileprivate func has(_ key: RuleTree.Key) -> Bool {
        switch key {
        case .ports: ports != nil
        case .hosts: hosts != nil
        }
    }
}

/// One chain for each different list of rules.
private struct ChainsByContent {
    private var names: [[Int]: String] = [:]

    mutating func chain(
        for places: [Int], _ parts: inout RulesetParts, make: (inout RulesetParts) -> [RulesetRule]
    ) -> String {
        if let name = names[places] { return name }
        let name = parts.numberedChain(make(&parts))
        names[places] = name
        return name
    }
}
