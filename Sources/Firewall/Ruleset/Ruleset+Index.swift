/// A table is compiled by the portal's name, since it is loaded before there is an interface. Names change while an interface lives (the kernel
/// renames it, up or not); its index never does.
extension Ruleset {
    /// The same table, in which every match of an interface's name is one of this index. A counter, a set or a limit does not notice.
    package func bound(to index: UInt32) -> Ruleset {
        var bound = self
        for chain in bound.chains.indices {
            for rule in bound.chains[chain].rules.indices {
                let statements = bound.chains[chain].rules[rule].statements
                bound.chains[chain].rules[rule].statements = statements.map { $0.bound(to: index) }
            }
        }
        return bound
    }
}

extension Statement {
    fileprivate func bound(to index: UInt32) -> Statement {
        switch self {
        case .inputInterface(_, let isNot): .inputIndex(index, isNot: isNot)
        case .outputInterface(_, let isNot): .outputIndex(index, isNot: isNot)
        default: self
        }
    }
}
