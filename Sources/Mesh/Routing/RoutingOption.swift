/// Something that can be set of an algorithm: a key of its mapping in the configuration.
package struct RoutingOption: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case number(ClosedRange<Int>, standard: Int)
        case flag(standard: Bool)
    }

    package let name: String
    package let kind: Kind
    /// In README.md's table; `{range}` stands for the range.
    package let help: String
    /// In the default file, above the key.
    package let comment: String

    package init(_ name: String, _ kind: Kind, help: String, comment: String = "") {
        self.name = name
        self.kind = kind
        self.help = help
        self.comment = comment
    }

    /// What it is where nobody sets it.
    package var standard: RoutingValue {
        switch kind {
        case .number(_, let standard): .number(standard)
        case .flag(let standard): .flag(standard)
        }
    }

    /// Whether it may be set to that.
    package func admits(_ value: RoutingValue) -> Bool {
        switch (kind, value) {
        case (.number(let range, _), .number(let number)): range.contains(number)
        case (.flag, .flag): true
        default: false
        }
    }
}

/// What an option is set to.
package enum RoutingValue: Hashable, Sendable {
    case number(Int)
    case flag(Bool)
}

/// What is set of one algorithm; the rest is as it is where nobody sets it.
package struct RoutingOptions: Hashable, Sendable {
    private var values: [String: RoutingValue] = [:]

    package init() {}

    /// Nothing is kept that an option does not admit.
    package subscript(option: RoutingOption) -> RoutingValue {
        get { values[option.name].flatMap { option.admits($0) ? $0 : nil } ?? option.standard }
        set {
            guard option.admits(newValue) else { return }
            values[option.name] = newValue == option.standard ? nil : newValue
        }
    }

    /// Of one that is a number; a flag is 0 or 1.
    package func number(_ option: RoutingOption) -> Int {
        switch self[option] {
        case .number(let number): number
        case .flag(let flag): flag ? 1 : 0
        }
    }

    /// Of one that is a flag; a number is one where it is not 0.
    package func flag(_ option: RoutingOption) -> Bool { number(option) != 0 }

    package var isEmpty: Bool { values.isEmpty }
}
