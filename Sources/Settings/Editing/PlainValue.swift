internal import Yams

/// What a document means, without how it is written: aliases stand for what they name, and keys have no order.
package indirect enum PlainValue: Hashable, Sendable {
    case scalar(PlainScalar)
    case list([PlainValue])
    case mapping([PlainValue: PlainValue])
}

/// A scalar's text, and what else it could mean but that text.
package struct PlainScalar: Hashable, Sendable {
    package var text: String
    /// Without quotes, and not plainly a word: a number, `true`, `~`, nothing.
    package var isSpecial = false
    /// As it is written; mostly none.
    package var tag = ""
}

extension PlainValue {
    static func text(_ text: String) -> PlainValue { .scalar(PlainScalar(text: text)) }

    init(_ content: YAMLContent) {
        switch content {
        case .text(let text), .quoted(let text): self = .text(text)
        case .list(let items): self = .list(items.map { PlainValue($0) })
        case .mapping(let fields):
            let pairs = fields.map { (PlainValue.text($0.key), PlainValue($0.value)) }
            self = .mapping(Dictionary(pairs) { first, _ in first })
        }
    }

    package subscript(key: String) -> PlainValue? {
        if case .mapping(let fields) = self { fields.first { $0.key.text == key }?.value } else { nil }
    }

    /// A scalar's text.
    package var text: String? { if case .scalar(let scalar) = self { scalar.text } else { nil } }

    package var items: [PlainValue]? { if case .list(let items) = self { items } else { nil } }

    /// The keys of a mapping that are texts, in alphabetical order.
    package var keys: [String] {
        if case .mapping(let fields) = self { fields.keys.compactMap(\.text).sorted() } else { [] }
    }

    /// As the reader of configurations sees it (`ConfigurationValue.isNull`).
    package var isNull: Bool {
        if case .scalar(let scalar) = self {
            scalar.isSpecial && ["", "~", "null", "Null", "NULL"].contains(scalar.text)
        } else {
            false
        }
    }

    package func value(at path: some Collection<YAMLStep>) -> PlainValue? {
        guard let first = path.first else { return self }
        let inner: PlainValue? =
            switch first {
            case .key(let key): self[key]
            case .index(let index): items.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            }
        return inner?.value(at: path.dropFirst())
    }
}

/// Builds the tree, within bounds: aliases can make a small document a huge one.
struct PlainTree {
    private var budget = 200_000
    static let deepest = 60

    static func of(_ node: Node?) throws(EditRefusal) -> PlainValue {
        guard let node else { return .scalar(PlainScalar(text: "", isSpecial: true)) }
        var tree = PlainTree()
        return try tree.value(node, depth: 0)
    }

    private mutating func value(_ node: Node, depth: Int) throws(EditRefusal) -> PlainValue {
        budget -= 1
        guard budget > 0, depth < Self.deepest else {
            throw EditRefusal("the file is too large or too deeply nested to be edited by a program")
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return .scalar(
                PlainScalar(
                    text: scalar.string, isSpecial: isPlain && !YAMLWord.isPlain(scalar.string),
                    tag: Self.tag(of: scalar)))
        case .sequence(let sequence):
            var items: [PlainValue] = []
            for item in sequence { items.append(try value(item, depth: depth + 1)) }
            return .list(items)
        case .mapping(let mapping):
            var fields: [PlainValue: PlainValue] = [:]
            for (key, inner) in mapping {
                let key = try value(key, depth: depth + 1)
                guard fields[key] == nil else { throw EditRefusal("a mapping has the key \(key.text ?? "") twice") }
                fields[key] = try value(inner, depth: depth + 1)
            }
            return .mapping(fields)
        case .alias: throw EditRefusal("an alias that names nothing")
        }
    }

    /// Nothing where a tag only says what is so anyway: the parser itself gives keys one when it compares them.
    private static func tag(of scalar: Node.Scalar) -> String {
        let tag = scalar.tag.description
        let isPlain = scalar.style == .plain || scalar.style == .any
        // Whatever is quoted is text.
        if tag.isEmpty || !isPlain && tag == Tag.Name.str.rawValue { return "" }
        let implied = Resolver.default.resolveTag(of: .scalar(Node.Scalar(scalar.string, .implicit, scalar.style)))
        return tag == implied.rawValue ? "" : tag
    }
}

extension PlainValue {
    /// What a document means once `change` is made; nil where it cannot be made.
    func applying(_ change: YAMLChange) -> PlainValue? {
        switch change {
        case .insert(let content, let path, let place):
            return changed(at: path) { old in
                let new = PlainValue(content)
                guard let old, !old.isNull else { return place == nil ? .list([new]) : nil }
                var items: [PlainValue]
                switch old {
                case .list(let list): items = list
                case .scalar: items = [old]
                case .mapping: return nil
                }
                let index = place ?? items.count
                guard (0...items.count).contains(index) else { return nil }
                items.insert(new, at: index)
                return .list(items)
            }
        case .add(let field, let path, _):
            return changed(at: path) { old in
                var fields: [PlainValue: PlainValue] = [:]
                if let old, !old.isNull {
                    guard case .mapping(let has) = old, old[field.key] == nil else { return nil }
                    fields = has
                }
                fields[.text(field.key)] = PlainValue(field.value)
                return .mapping(fields)
            }
        case .remove(let path): return removing(path[...])
        case .replace(let paths, let text):
            var value = self
            for path in paths {
                let replaced = value.changed(at: path) { old in
                    guard case .scalar(var scalar)? = old else { return nil }
                    scalar.text = text
                    scalar.isSpecial = false
                    if scalar.tag == Tag.Name.str.rawValue { scalar.tag = "" }
                    return .scalar(scalar)
                }
                guard let replaced else { return nil }
                value = replaced
            }
            return value
        }
    }

    /// With another value at `path`, whose mappings are made where they are missing.
    private func changed(at path: some Collection<YAMLStep>, _ body: (PlainValue?) -> PlainValue?) -> PlainValue? {
        guard let first = path.first else { return body(self) }
        let rest = path.dropFirst()
        switch (first, self) {
        case (.index(let index), .list(var items)) where items.indices.contains(index):
            guard let new = items[index].changed(at: rest, body) else { return nil }
            items[index] = new
            return .list(items)
        case (.key(let key), .mapping(var fields)):
            let name = fields.keys.first { $0.text == key } ?? .text(key)
            let empty = PlainValue.scalar(PlainScalar(text: "", isSpecial: true))
            let new = rest.isEmpty ? body(fields[name]) : (fields[name] ?? empty).changed(at: rest, body)
            guard let new else { return nil }
            fields[name] = new
            return .mapping(fields)
        case (.key, .scalar) where isNull: return PlainValue.mapping([:]).changed(at: path, body)
        default: return nil
        }
    }

    private func removing(_ path: ArraySlice<YAMLStep>) -> PlainValue? {
        guard let first = path.first else { return nil }
        let rest = path.dropFirst()
        switch (first, self) {
        case (.index(let index), .list(var items)) where items.indices.contains(index):
            if rest.isEmpty {
                items.remove(at: index)
            } else {
                guard let new = items[index].removing(rest) else { return nil }
                items[index] = new
            }
            return .list(items)
        case (.key(let key), .mapping(var fields)):
            guard let name = fields.keys.first(where: { $0.text == key }) else { return nil }
            if rest.isEmpty {
                fields[name] = nil
            } else {
                guard let new = fields[name]?.removing(rest) else { return nil }
                fields[name] = new
            }
            return .mapping(fields)
        default: return nil
        }
    }
}
