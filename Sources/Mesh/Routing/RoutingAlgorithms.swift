/// Every routing algorithm that there is. A new one is entered here, and nowhere else: `network:` of the configuration and its options,
/// `list-networks`, README.md's table and the conformance suite go by this list.
package enum RoutingAlgorithms {
    package static let all: [any RoutingAlgorithm.Type] = [BeaconNet.self, OneHop.self]

    /// The one that serves where the configuration names none.
    package static let standard: any RoutingAlgorithm.Type = BeaconNet.self

    /// Nil where none has that name.
    package static func named(_ name: String) -> (any RoutingAlgorithm.Type)? { all.first { $0.name == name } }
}
