/// A value as people and programs are shown it: in the default file, by `check`, in the README.
enum Shown: Sendable {
    /// The key is left out.
    case nothing
    case flag(Bool)
    case number(Int)
    case word(String)
    case list([Shown])
    /// In this order.
    case mapping([(key: String, value: Shown)])
    /// What has keys of its own.
    case other(any Encodable & Sendable)

    static func words(_ words: [String]) -> Shown { .list(words.map { .word($0) }) }

    /// In one line of YAML. The words that are shown so are none that would need quotes.
    var line: String {
        switch self {
        case .nothing, .other: ""
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .word(let word): word
        case .list(let items): "[\(items.map(\.line).joined(separator: ", "))]"
        case .mapping(let fields): "{\(fields.map { "\($0.key): \($0.value.line)" }.joined(separator: ", "))}"
        }
    }
}

extension Shown: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .mapping(let fields):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in fields {
                if case .nothing = value { continue }
                try container.encode(value, forKey: Key(stringValue: key))
            }
        case .list(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        case .other(let value): try value.encode(to: encoder)
        case .nothing, .flag, .number, .word:
            var container = encoder.singleValueContainer()
            switch self {
            case .flag(let flag): try container.encode(flag)
            case .number(let number): try container.encode(number)
            case .word(let word): try container.encode(word)
            default: try container.encodeNil()
            }
        }
    }
}
