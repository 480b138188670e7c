/// A policy as lines that say by themselves what they are, for comparing two of them. Rules are compared in their order; groups, whose
/// members have none, as sets.
package struct FirewallLines: Codable, Equatable, Sendable {
    /// Rules, defaults, networks, translations and files.
    package let ordered: [String]
    /// "group admins: fd00::1/128".
    package let members: [String]

    package struct Change: Hashable {
        package let isAdded: Bool
        package let text: String
    }

    package init(ordered: [String], members: [String]) {
        self.ordered = ordered
        self.members = members
    }

    /// What would go and what would come, in the order of the new lines, removals where they stood.
    package func changes(from old: FirewallLines) -> [Change] {
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
