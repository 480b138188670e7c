internal import Yams

/// A document that can be changed without harm: bytes go in and bytes come out, and all that a change is not about stays as it is.
///
/// Nothing is believed of an edit. The new text is parsed and must mean what the old one meant with the change applied, and all comments must
/// be there but for those of lines that were removed; else it is not taken.
package struct YAMLText: Sendable {
    /// As they stand in the file, with a byte order mark where there is one.
    package let bytes: [UInt8]
    package let value: PlainValue
    let lines: TextLines
    let document: LayoutReader.Document

    private static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

    package init(_ bytes: [UInt8]) throws(EditRefusal) {
        self.bytes = bytes
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EditRefusal("the file has bytes that are not UTF-8")
        }
        let hasMark = bytes.starts(with: Self.mark)
        let yaml = hasMark ? String(text.unicodeScalars.dropFirst()) : text
        let lines = TextLines(bytes: hasMark ? Array(bytes.dropFirst(Self.mark.count)) : bytes)
        self.lines = lines
        let node: Node?
        let parser: Parser
        do {
            parser = try Parser(yaml: yaml, encoding: .utf8)
            node = try parser.singleRoot()
        } catch {
            throw EditRefusal("the file is not one YAML document: \(error)")
        }
        value = try PlainTree.of(node)
        var reader = LayoutReader(lines)
        // The parser owns the anchors that its nodes name.
        document = try withExtendedLifetime(parser) { () throws(EditRefusal) in try reader.document(node) }
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// With one change made, in the first of several ways that comes out right.
    package func applying(_ change: YAMLChange) throws(EditRefusal) -> YAMLText {
        guard let expected = value.applying(change) else {
            throw EditRefusal("the file has no place for that: \(change.words)")
        }
        var reasons: [EditRefusal] = []
        for edits in YAMLEditor(self).ways(of: change) {
            do throws(EditRefusal) {
                return try result(of: edits, expected)
            } catch {
                reasons.append(error)
            }
        }
        let reason = anchor(of: change) ?? reasons.first?.reason ?? whyNot(change)
        throw EditRefusal("the file was left as it is: \(reason)", advice: change.advice)
    }

    /// What is shared with other places of the file is most likely why a change of it was none of one place alone.
    private func anchor(of change: YAMLChange) -> String? {
        for path in change.paths {
            for length in (0...path.count).reversed() {
                let part = YAMLPath(path.prefix(length))
                guard let layout = layout(at: part), !layout.isAlias,
                    lines.bytes[layout.start..<layout.body.lowerBound].contains(0x26)
                else { continue }
                return
                    "\(part.words) (line \(lines.lineNumber(of: layout.start))) has an anchor, and an alias elsewhere "
                    + "means it too"
            }
        }
        return nil
    }

    /// Why there is no way at all.
    private func whyNot(_ change: YAMLChange) -> String {
        for path in change.paths {
            for length in 1...max(1, path.count) {
                let part = path.prefix(length)
                guard let layout = layout(at: part), layout.isAlias else { continue }
                return
                    "\(YAMLPath(part).words) (line \(lines.lineNumber(of: layout.start))) is an alias: what it names may be "
                    + "used elsewhere too"
            }
        }
        return "what stands at \(change.place) is written in a way that this program does not edit"
    }

    private func result(of edits: [TextEdit], _ expected: PlainValue) throws(EditRefusal) -> YAMLText {
        let edits = edits.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var new: [UInt8] = bytes.count == lines.count ? [] : Self.mark
        var place = 0
        for edit in edits {
            guard edit.range.lowerBound >= place, edit.range.upperBound <= lines.count else {
                throw EditRefusal("two edits overlap")
            }
            new += lines.bytes[place..<edit.range.lowerBound] + Array(edit.text.utf8)
            place = edit.range.upperBound
        }
        new += lines.bytes[place...]
        let text: YAMLText
        do throws(EditRefusal) {
            text = try YAMLText(new)
        } catch {
            let isAliased = error.reason.contains("undefined alias")
            throw EditRefusal(
                isAliased
                    ? "what would go has an anchor, and an alias elsewhere means that" : "it would be no YAML any more")
        }
        guard text.value == expected else { throw EditRefusal("the file would mean something else besides") }
        let kept = document.comments.filter { comment in
            !edits.contains { $0.removesLines && $0.range.contains(comment.lowerBound) }
        }
        guard text.comments == kept.map({ lines.text($0) }) else { throw EditRefusal("a comment would be lost") }
        return text
    }

    /// All comments, as they are written.
    package var comments: [String] { document.comments.map { lines.text($0) } }

    /// The line that the value at `path` begins in, from 1; nil where there is none.
    package func line(of path: YAMLPath) -> Int? {
        layout(at: path, throughAliases: true).map { lines.lineNumber(of: $0.body.lowerBound) }
    }

    /// - Parameter throughAliases: whether what an alias on the way names is gone through. It may stand elsewhere too.
    func layout(at path: some Collection<YAMLStep>, throughAliases: Bool = false) -> Layout? {
        var layout = document.root
        for step in path {
            if throughAliases { layout = layout?.named }
            switch step {
            case .key(let key): layout = layout?.pairs?.first { $0.name == key }?.value
            case .index(let index):
                guard let items = layout?.items, items.indices.contains(index) else { return nil }
                layout = items[index].value
            }
        }
        return layout
    }
}

/// Another text in the place of a range.
struct TextEdit: Sendable {
    var range: Range<Int>
    var text: String
    /// Comments in the range go with it.
    var removesLines = false

    static func insert(_ text: String, at place: Int) -> TextEdit { TextEdit(range: place..<place, text: text) }

    static func remove(_ range: Range<Int>) -> TextEdit { TextEdit(range: range, text: "", removesLines: true) }
}

extension YAMLChange {
    var paths: [YAMLPath] {
        switch self {
        case .insert(_, let path, _), .remove(let path): [path]
        case .add(let field, let path, _): [path + [.key(field.key)]]
        case .replace(let paths, _): paths
        }
    }

    /// The place that it is about, for people.
    var place: String {
        let words = paths.map(\.words).joined(separator: ", ")
        return words.isEmpty ? "the top level" : words
    }

    var words: String {
        switch self {
        case .insert, .add: "something more at \(place)"
        case .remove: "\(place) taken away"
        case .replace(_, let text): "\"\(text)\" at \(place)"
        }
    }

    /// What to do by hand, with the lines to write.
    var advice: String {
        switch self {
        case .insert(let content, let path, let before):
            let behind = before.map { "before entry \($0) (counted from 0) of" } ?? "at the end of"
            return "Add by hand, \(behind) \(place):\n" + Self.shown(.list([content]), below: path)
        case .add(let field, let path, _):
            return "Add by hand:\n" + Self.shown(.mapping([field]), below: path)
        case .remove: return "Take \(place) away by hand."
        case .replace(_, let text): return "Write \"\(text)\" by hand at \(place)."
        }
    }

    /// The lines with the keys above them, as they would stand in a file of their own.
    private static func shown(_ content: YAMLContent, below path: YAMLPath) -> String {
        var content = content
        var keys = path
        while case .key(let key)? = keys.popLast() { content = .mapping([YAMLField(key, content)]) }
        return YAMLWriter().block(content, column: 0).map { "  " + $0 }.joined(separator: "\n")
    }
}
