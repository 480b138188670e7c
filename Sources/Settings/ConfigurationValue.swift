internal import Yams

/// Collects what is wrong while a file is read, so that all of it is told at once.
final class ProblemList {
    let file: String
    private(set) var problems: [ConfigurationProblem] = []

    /// Beyond this many the rest is noise.
    static let limit = 50

    init(file: String) { self.file = file }

    func add(
        line: Int, column: Int, keyPath: String, found: String, expected: String, suggestion: String? = nil
    ) {
        guard problems.count < Self.limit else { return }
        problems.append(
            ConfigurationProblem(
                file: file, line: line, column: column, keyPath: keyPath, found: found, expected: expected,
                suggestion: suggestion))
    }
}

/// A place in the YAML tree: a node, how one got there, and where complaints go. Every reading verb gives nil
/// after it has filed a complaint, and the reader goes on with the default.
struct ConfigurationValue {
    private let node: Node
    let keyPath: String
    let problems: ProblemList

    init(node: Node, keyPath: String, problems: ProblemList) {
        self.node = node
        self.keyPath = keyPath
        self.problems = problems
    }

    var isScalar: Bool { node.scalar != nil }
    /// The number of keys, or nil when this is no mapping.
    var keyCount: Int? { node.mapping?.count }

    /// Files a complaint about this value.
    func complain(expected: String, found: String? = nil, suggestion: String? = nil) {
        problems.add(
            line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, keyPath: keyPath,
            found: found ?? self.found, expected: expected, suggestion: suggestion)
    }

    /// What stands here, for people.
    var found: String {
        switch node {
        case .mapping(let mapping): mapping.isEmpty ? "an empty mapping" : "a mapping"
        case .sequence(let sequence): sequence.isEmpty ? "an empty list" : "a list"
        case .alias: "an alias"
        case .scalar(let scalar):
            if isNull { "nothing" } else { "\"\(Self.shortened(scalar.string))\"" }
        }
    }

    /// Whether nothing stands here: a key without a value, `~` or `null`.
    var isNull: Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// The text of a scalar that is not null. Numbers are taken as they are written: YAML's ideas of them
    /// (0x10, 1_000, 12:30) have no place in names and addresses.
    func text(expected: String) -> String? {
        guard let scalar = node.scalar, !isNull else {
            complain(expected: expected)
            return nil
        }
        return scalar.string
    }

    func bool() -> Bool? {
        if let scalar = node.scalar, scalar.style == .plain {
            switch scalar.string {
            case "true": return true
            case "false": return false
            case "yes", "on", "True", "TRUE":
                complain(expected: "true or false", suggestion: "true")
                return nil
            case "no", "off", "False", "FALSE":
                complain(expected: "true or false", suggestion: "false")
                return nil
            default: break
            }
        }
        complain(expected: "true or false")
        return nil
    }

    /// Whether it is that very word.
    func isWord(_ word: String) -> Bool { node.scalar?.string == word }

    /// A decimal whole number within `range`; a complaint names the word that could stand there as well.
    func integer(in range: ClosedRange<Int>, or word: String? = nil) -> Int? {
        let alternative = word.map { ", or \($0)" } ?? ""
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)\(alternative)"
        guard let scalar = node.scalar, scalar.style == .plain, let value = Int(scalar.string),
            String(value) == scalar.string
        else {
            complain(expected: expected)
            return nil
        }
        guard range.contains(value) else {
            complain(expected: expected, found: "the number \(value)")
            return nil
        }
        return value
    }

    /// One of an enumeration's words.
    func word<Word: RawRepresentable & CaseIterable>(_: Word.Type) -> Word? where Word.RawValue == String {
        let known = Word.allCases.map(\.rawValue)
        let expected = known.count == 1 ? "\"\(known[0])\"" : Self.list(known)
        guard let text = text(expected: expected) else { return nil }
        if let word = Word(rawValue: text) { return word }
        complain(expected: expected, suggestion: NearMiss.of(text, among: known))
        return nil
    }

    /// The path of a file; a relative one is resolved in `directory`.
    func path(in directory: String) -> String? {
        guard let text = text(expected: "the path of a file") else { return nil }
        guard !text.isEmpty, !text.hasSuffix("/"), !text.utf8.contains(0) else {
            complain(expected: "the path of a file")
            return nil
        }
        return FilePath.resolve(text, in: directory)
    }

    /// A list of at least one of the known words, each once.
    func words<Word: RawRepresentable & CaseIterable & Equatable>(
        _: Word.Type, expected: String, each thing: String
    ) -> [Word]? where Word.RawValue == String {
        guard let items = items(expected: expected) else { return nil }
        guard !items.isEmpty else {
            complain(expected: "at least one \(thing)")
            return nil
        }
        var list: [Word] = []
        for item in items {
            guard let word = item.word(Word.self) else { continue }
            if list.contains(word) { item.complain(expected: "each \(thing) once") }
            list.append(word)
        }
        return list
    }

    /// The items of a list.
    func items(expected: String) -> [ConfigurationValue]? {
        guard let sequence = node.sequence else {
            complain(expected: expected)
            return nil
        }
        return sequence.enumerated().map { index, item in
            ConfigurationValue(node: item, keyPath: "\(keyPath)[\(index)]", problems: problems)
        }
    }

    /// Walks a mapping: `body` is called with each known key's value; other keys are complained about.
    /// Gives true when this is a mapping of known keys alone: only then is a missing key worth a complaint, as
    /// otherwise the unknown one is most likely what it was meant to be.
    @discardableResult
    func fields(
        _ known: [String], expected: String = "a mapping", _ body: (String, ConfigurationValue) -> Void
    ) -> Bool {
        guard let mapping = node.mapping else {
            complain(expected: expected)
            return false
        }
        var allKnown = true
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            let path = keyPath.isEmpty ? name : "\(keyPath).\(name)"
            if known.contains(name) {
                body(name, ConfigurationValue(node: value, keyPath: path, problems: problems))
            } else {
                allKnown = false
                ConfigurationValue(node: key, keyPath: keyPath, problems: problems).complain(
                    expected: known.isEmpty ? "no keys" : "one of the keys \(known.joined(separator: ", "))",
                    found: key.scalar == nil ? "a key that is not text" : "the unknown key \"\(Self.shortened(name))\"",
                    suggestion: NearMiss.of(name, among: known))
            }
        }
        return allKnown
    }

    /// The entries of a mapping whose keys are names of the author's own: the key itself, its text and the value.
    func entries(expected: String) -> [(key: ConfigurationValue, name: String, value: ConfigurationValue)] {
        guard let mapping = node.mapping else {
            complain(expected: expected)
            return []
        }
        return mapping.map { key, value in
            let name = key.scalar?.string ?? ""
            return (
                ConfigurationValue(node: key, keyPath: keyPath, problems: problems), name,
                ConfigurationValue(node: value, keyPath: "\(keyPath).\(name)", problems: problems)
            )
        }
    }

    /// "a", "b" or "c".
    static func list(_ words: [String]) -> String {
        let quoted = words.map { "\"\($0)\"" }
        guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
        return quoted.dropLast().joined(separator: ", ") + " or " + last
    }

    private static func shortened(_ text: String) -> String {
        let line = text.map { $0.isNewline ? " " : $0 }
        return line.count <= 60 ? String(line) : String(line.prefix(57)) + "..."
    }
}
