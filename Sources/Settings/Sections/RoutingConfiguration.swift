/// The routing algorithms that `network:` selects among.
package enum NetworkKind: String, CaseIterable, Codable, Sendable {
    case beaconnet
    case onehop

    /// One line for `list-networks`.
    package var summary: String {
        switch self {
        case .beaconnet: "floods signed beacons; every node knows a next hop to every other (the default)"
        case .onehop: "direct neighbours only; nothing is forwarded"
        }
    }
}

/// The algorithms' options.
package struct RoutingConfiguration: Equatable, Sendable {
    /// Nodes that `beaconnet` has room for in its table.
    package var maxNodes = 4096
}

extension NetworkKind {
    /// The options that an algorithm has, by its name.
    private static let options: [NetworkKind: Section] = [
        .beaconnet: Section("network.beaconnet", expected: "a mapping such as {max_nodes: 4096}") {
            Setting(
                "network.beaconnet.max_nodes", \.routing.maxNodes, .number(64...65_536), .restart,
                help: "nodes of others that there is room for, {range}; [when there are more](#limits)")
        }
    ]

    private static let form = Form<NetworkKind> { value, reading in
        value.network(reading)
    } show: { kind, configuration in
        .mapping([(kind.rawValue, options[kind]?.shown(configuration) ?? .mapping([]))])
    }

    static let setting = Setting(
        "network", \.network, form, .restart,
        comment: """
            The routing algorithm: \(allCases.map(\.rawValue).joined(separator: " or ")) (inet256vpn list-networks explains them).
            beaconnet has room for max_nodes of others; where there are more, some are not reached.
            """,
        help: "the routing algorithm: `beaconnet` or `onehop`"
    )
    .parts(allCases.compactMap { options[$0] }).usually("`{beaconnet: {}}`")

    fileprivate func read(_ value: ConfigurationValue, _ reading: Reading) {
        guard !value.isNull else { return }
        if let options = Self.options[self] { return options.read(value, reading) }
        value.fields([], expected: "{}: \(rawValue) has no options") { _, _ in }
    }
}

extension ConfigurationValue {
    /// `{beaconnet: {}}`, or the name alone.
    fileprivate func network(_ reading: Reading) -> NetworkKind? {
        if isScalar { return word(NetworkKind.self) }
        let expected = "one network, such as {beaconnet: {}}"
        guard keyCount == 1 else {
            complain(expected: expected, found: keyCount.map { $0 == 0 ? "none" : "\($0) networks" })
            return nil
        }
        var kind: NetworkKind?
        fields(NetworkKind.allCases.map(\.rawValue)) { name, options in
            kind = NetworkKind(rawValue: name)
            kind?.read(options, reading)
        }
        return kind
    }
}
