/// What an algorithm says of itself in numbers, by names of its own, in the order in which they are told. `status --json` and the metrics
/// have them by these names, for good.
package struct NetworkStatistics: Hashable, Sendable {
    package struct Value: Hashable, Sendable {
        package let name: String
        package var value: Int64
    }

    package private(set) var values: [Value] = []

    package init(_ values: [(name: String, value: Int64)] = []) {
        self.values = values.map { Value(name: $0.name, value: $0.value) }
    }

    /// 0 for a name that the algorithm does not have.
    package subscript(name: String) -> Int64 {
        get { values.first { $0.name == name }?.value ?? 0 }
        set {
            if let place = values.firstIndex(where: { $0.name == name }) {
                values[place].value = newValue
            } else {
                values.append(Value(name: name, value: newValue))
            }
        }
    }

    // Names that mean the same wherever an algorithm has them: `status` speaks of these in words.

    /// Nodes of this box that are announced.
    package static let localNodes = "local_nodes"
    package static let neighbours = "neighbours"
    /// Addresses of others with a next hop.
    package static let reachable = "reachable"
    /// Addresses that lately found no room in the table, and are not reached.
    package static let refusedNodes = "refused_nodes"
}
