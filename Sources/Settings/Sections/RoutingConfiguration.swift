package import Mesh

/// The routing algorithm that `network:` names: one of `RoutingAlgorithms`.
package struct NetworkKind: RawRepresentable, CaseIterable, Hashable, Sendable {
    package let rawValue: String

    package init?(rawValue: String) {
        guard RoutingAlgorithms.named(rawValue) != nil else { return nil }
        self.rawValue = rawValue
    }

    private init(_ algorithm: any RoutingAlgorithm.Type) { rawValue = algorithm.name }

    package static let allCases = RoutingAlgorithms.all.map { NetworkKind($0) }
    package static let standard = NetworkKind(RoutingAlgorithms.standard)

    package var algorithm: any RoutingAlgorithm.Type { RoutingAlgorithms.named(rawValue) ?? RoutingAlgorithms.standard }

    /// One line for `list-networks`.
    package var summary: String { algorithm.summary + (self == .standard ? " (the default)" : "") }
}

/// The algorithms' options.
package struct RoutingConfiguration: Equatable, Sendable {
    /// By the algorithm's name.
    private var options: [String: RoutingOptions] = [:]

    package subscript(option: RoutingOption, of algorithm: String) -> RoutingValue {
        get { options[algorithm, default: RoutingOptions()][option] }
        set {
            options[algorithm, default: RoutingOptions()][option] = newValue
            if options[algorithm]?.isEmpty == true { options[algorithm] = nil }
        }
    }

    package func options(of kind: NetworkKind) -> RoutingOptions { options[kind.rawValue] ?? RoutingOptions() }

    /// Nodes that `beaconnet` has room for in its table.
    package var maxNodes: Int { options[BeaconNet.name, default: RoutingOptions()].number(BeaconNet.maxNodes) }
}

extension NetworkKind {
    /// The mapping that an algorithm with options has.
    private static let sections: [NetworkKind: Section] = {
        let having = allCases.filter { !$0.algorithm.options.isEmpty }
        return Dictionary(
            uniqueKeysWithValues: having.map { ($0, section($0.rawValue, $0.algorithm.options)) })
    }()

    static func section(_ algorithm: String, _ options: [RoutingOption]) -> Section {
        let path = "network.\(algorithm)"
        let example = options.first.map { "{\($0.name): \(shown($0.standard).line)}" } ?? "{}"
        return Section(path, expected: "a mapping such as \(example)") {
            return options.map { option in
                .setting(
                    Setting(
                        "\(path).\(option.name)", \.routing[option, of: algorithm], form(of: option), .restart,
                        help: option.help))
            }
        }
    }

    private static func form(of option: RoutingOption) -> Form<RoutingValue> {
        switch option.kind {
        case .number(let range, _):
            Form(range: Form<Int>.number(range).range) { value, _ in
                value.integer(in: range).map { .number($0) }
            } show: { value, _ in
                shown(value)
            }
        case .flag:
            Form { value, _ in
                value.bool().map { .flag($0) }
            } show: { value, _ in
                shown(value)
            }
        }
    }

    private static func shown(_ value: RoutingValue) -> Shown {
        switch value {
        case .number(let number): .number(number)
        case .flag(let flag): .flag(flag)
        }
    }

    private static let form = Form<NetworkKind> { value, reading in
        value.network(reading)
    } show: { kind, configuration in
        .mapping([(kind.rawValue, sections[kind]?.shown(configuration) ?? .mapping([]))])
    }

    static let setting = Setting(
        "network", \.network, form, .restart,
        comment: (["The routing algorithm: \(names(\.self)) (inet256vpn list-networks explains them)."]
            + allCases.flatMap { $0.algorithm.options.map(\.comment) }.filter { !$0.isEmpty })
            .joined(separator: "\n"),
        help: "the routing algorithm: \(names { "`\($0)`" })"
    )
    .parts(allCases.compactMap { sections[$0] }).usually("`\(example)`")

    private static func names(_ quoted: (String) -> String) -> String {
        allCases.map { quoted($0.rawValue) }.joined(separator: " or ")
    }

    fileprivate static let example = "{\(standard.rawValue): {}}"

    fileprivate func read(_ value: ConfigurationValue, _ reading: Reading) {
        guard !value.isNull else { return }
        if let section = Self.sections[self] { return section.read(value, reading) }
        value.fields([], expected: "{}: \(rawValue) has no options") { _, _ in }
    }
}

extension ConfigurationValue {
    /// `{beaconnet: {}}`, or the name alone.
    fileprivate func network(_ reading: Reading) -> NetworkKind? {
        if isScalar { return word(NetworkKind.self) }
        let expected = "one network, such as \(NetworkKind.example)"
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
