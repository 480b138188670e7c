internal import Firewall
internal import Settings

/// A policy as lines that say by themselves what they are, for comparing two of them. Rules are compared in their order; groups, whose
/// members have none, as sets.
struct FirewallLines: Codable, Equatable, Sendable {
    /// Rules, defaults, networks, translations and files.
    private(set) var ordered: [String] = []
    /// "group admins: fd00::1/128".
    private(set) var members: [String] = []

    struct Change: Hashable {
        let isAdded: Bool
        let text: String
    }

    init(_ policy: FirewallPolicy, includes: [String]) {
        add("from the mesh", policy.inbound)
        add("into the mesh", policy.outbound)
        for network in policy.networks { ordered += network.prefixes.map { "network \(network.name): \($0)" } }
        ordered += policy.masquerades.map { "masquerade: \($0.words)" }
        if policy.clampsMSS { ordered.append("clamp_mss: true") }
        ordered += includes.map { "include: \($0)" }
        for group in policy.groups { members += group.members.map { "group \(group.name): \($0)" } }
    }

    private mutating func add(_ title: String, _ list: RuleList) {
        for rule in list.rules {
            var line = "\(title): \(rule.text)"
            if let prefix = rule.log { line += " log \"\(prefix)\"" }
            if let comment = rule.comment { line += "  # \(comment)" }
            ordered.append(line)
        }
        ordered.append("\(title): \(list.fallback.rawValue) the rest")
    }

    /// What would go and what would come, in the order of the new lines, removals where they stood.
    func changes(from old: FirewallLines) -> [Change] {
        let changes = ordered.difference(from: old.ordered).sorted { $0.place < $1.place }.map { change in
            switch change {
            case .insert(_, let text, _): Change(isAdded: true, text: text)
            case .remove(_, let text, _): Change(isAdded: false, text: text)
            }
        }
        let before = Set(old.members)
        let after = Set(members)
        return changes + old.members.filter { !after.contains($0) }.map { Change(isAdded: false, text: $0) }
            + members.filter { !before.contains($0) }.map { Change(isAdded: true, text: $0) }
    }
}

extension CollectionDifference.Change {
    fileprivate var place: Int {
        switch self {
        case .insert(let place, _, _), .remove(let place, _, _): place
        }
    }
}

extension Masquerade {
    /// "lan into the mesh".
    var words: String {
        switch self {
        case .intoMesh(let network): "\(network) into the mesh"
        case .intoNetwork(let network): "the mesh into \(network)"
        }
    }
}

extension Configuration {
    /// The policy of the file; nothing when it is not enforced.
    func firewallLines() throws -> FirewallLines {
        try FirewallKeeper.prepare(self)?.lines ?? FirewallLines(FirewallPolicy.none, includes: [])
    }
}

extension FirewallPolicy {
    /// Everything passes.
    static var none: FirewallPolicy {
        var policy = FirewallPolicy(portal: "")
        policy.inbound.fallback = .allow
        policy.clampsMSS = false
        return policy
    }
}
