internal import Yams

/// Finds the place of every value in the text. The parser has said what the values are, so nothing has to be guessed: the text is walked
/// along the tree, and where both do not agree the walk ends with a refusal. Comments are what remains.
struct LayoutReader {
    let text: TextLines
    var place = 0
    private(set) var comments: [Range<Int>] = []
    /// Values that have anchors, by these. A name may be given again; an alias means what has it so far.
    private var anchored: [[UInt8]: Layout] = [:]

    init(_ text: TextLines) { self.text = text }

    /// A whole document.
    struct Document {
        /// Nil where there is nothing.
        var root: Layout?
        var comments: [Range<Int>]
        /// Where something can still stand: before `...`, if there is that, and before empty lines at the end.
        var end: Int
    }

    mutating func document(_ node: Node?) throws(EditRefusal) -> Document {
        skipTrivia()
        while text[place] == 0x25, text.column(of: place) == 0 {
            place = text.lineEnd(of: place)
            skipTrivia()
        }
        if isMarker("---") { place += 3 }
        var root: Layout?
        if let node {
            let found = try read(node, Surroundings(indent: -1, isFlow: false))
            if found.start != found.end || !found.body.isEmpty { root = found }
        }
        let content = root?.end ?? place
        skipTrivia()
        let limit = place
        if isMarker("...") {
            place += 3
            skipTrivia()
        }
        guard place == text.count else { throw unclear() }
        return Document(root: root, comments: comments, end: end(behind: content, before: limit))
    }

    /// The end of the last line that is not empty.
    private func end(behind content: Int, before limit: Int) -> Int {
        let last = comments.last { $0.upperBound <= limit }?.upperBound ?? 0
        return text.lineEnd(of: max(content, last))
    }

    /// `---` or `...` at the beginning of a line.
    private func isMarker(_ word: String) -> Bool {
        let word = Array(word.utf8)
        guard text.column(of: place) == 0, place + word.count <= text.count else { return false }
        return Array(text.bytes[place..<place + word.count]) == word && text.isGap(at: place + word.count)
    }

    func unclear() -> EditRefusal {
        EditRefusal("line \(text.lineNumber(of: place)) is written in a way that this program does not edit")
    }

    /// What a value stands in.
    struct Surroundings {
        /// The column of the innermost block, -1 outside of any.
        var indent: Int
        var isFlow: Bool
        var depth = 0

        func inner(indent: Int? = nil, isFlow: Bool? = nil) -> Surroundings {
            Surroundings(indent: indent ?? self.indent, isFlow: isFlow ?? self.isFlow, depth: depth + 1)
        }
    }

    /// Blanks, line breaks and comments.
    mutating func skipTrivia() {
        while place < text.count {
            let length = text.breakLength(at: place)
            if TextLines.isBlank(text[place]) {
                place += 1
            } else if length > 0 {
                place += length
            } else if text[place] == 0x23 {
                readComment()
            } else {
                return
            }
        }
    }

    mutating func readComment() {
        let end = text.lineEnd(of: place)
        comments.append(place..<end)
        place = end
    }

    mutating func skipBlanks() {
        while TextLines.isBlank(text[place]) { place += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws(EditRefusal) {
        guard text[place] == byte else { throw unclear() }
        place += 1
    }

    // MARK: Values

    mutating func read(_ node: Node, _ around: Surroundings) throws(EditRefusal) -> Layout {
        guard around.depth <= PlainTree.deepest else { throw unclear() }
        let before = (place: place, comments: comments.count)
        skipTrivia()
        if isAlias(node, since: before.place) { return try alias() }
        let start = place
        let anchor = try properties(of: node, since: before.place)
        if case .scalar(let scalar) = node, scalar.string.isEmpty, scalar.style == .plain || scalar.style == .any {
            // Nothing stands there. What was passed over on the way belongs to what comes next.
            let isBare = place == start
            if isBare {
                comments.removeSubrange(before.comments...)
                place = before.place
            }
            let nothing = Layout(start: isBare ? place : start, body: place..<place, shape: .scalar)
            if let anchor { anchored[anchor] = nothing }
            return nothing
        }
        skipTrivia()
        var layout = try value(node, around)
        layout.start = min(start, layout.body.lowerBound)
        if let anchor { anchored[anchor] = layout }
        return layout
    }

    private mutating func value(_ node: Node, _ around: Surroundings) throws(EditRefusal) -> Layout {
        switch node {
        case .scalar(let scalar): return try self.scalar(scalar, around)
        case .sequence(let sequence):
            return text[place] == 0x5b
                ? try flowList(Array(sequence), around) : try blockList(Array(sequence), around)
        case .mapping(let mapping):
            let pairs = mapping.map { (key: $0.key, value: $0.value) }
            if text[place] == 0x7b { return try flowMapping(pairs, around) }
            return around.isFlow ? try loosePair(pairs, around) : try blockMapping(pairs, around)
        case .alias: throw unclear()
        }
    }

    /// Whether an alias stands here for `node`. One that is a mapping's first key does not.
    private func isAlias(_ node: Node, since before: Int) -> Bool {
        guard text[place] == 0x2a else { return false }
        if let scalar = node.scalar, scalar.string.isEmpty, text.lineEnd(of: before) < place { return false }
        guard node.mapping != nil else { return true }
        var probe = self
        probe.skipName()
        probe.skipBlanks()
        return !(probe.text[probe.place] == 0x3a && text.isGap(at: probe.place + 1))
    }

    private mutating func alias() throws(EditRefusal) -> Layout {
        let start = place
        skipName()
        let name = Array(text.bytes[start + 1..<place])
        guard !name.isEmpty else { throw unclear() }
        return Layout(start: start, body: start..<place, shape: .alias(of: anchored[name]))
    }

    /// Behind a sign: what anchors and tags consist of.
    private mutating func skipName() {
        place += 1
        while let byte = text[place], !text.isGap(at: place), !",[]{}".utf8.contains(byte) {
            // A colon that ends a key is none of its name.
            if byte == 0x3a, text.isGap(at: place + 1) { return }
            place += 1
        }
    }

    /// Passes over anchor and tag when they are the value's own, and gives the anchor.
    private mutating func properties(of node: Node, since before: Int) throws(EditRefusal) -> [UInt8]? {
        let start = place
        let count = comments.count
        var anchor: [UInt8]?
        while text[place] == 0x26 || text[place] == 0x21 {
            let sign = place
            if text[place] == 0x21, text[place + 1] == 0x3c {
                while let byte = text[place], byte != 0x3e, !text.isGap(at: place) { place += 1 }
                try expect(0x3e)
            } else {
                skipName()
            }
            if text[sign] == 0x26 { anchor = Array(text.bytes[sign + 1..<place]) }
            let end = place
            skipTrivia()
            let isOn = text[place] == 0x26 || text[place] == 0x21
            if !isOn {
                // A block begins below its anchor; what stands beside one is its first key's.
                let isBlock =
                    switch node {
                    case .mapping: text[place] != 0x7b
                    case .sequence: text[place] != 0x5b
                    case .scalar, .alias: false
                    }
                if isBlock, text.lineEnd(of: end) >= place {
                    place = start
                    comments.removeSubrange(count...)
                    return nil
                }
                place = end
                if let trailing = comments.indices.first(where: { comments[$0].lowerBound >= end }) {
                    comments.removeSubrange(trailing...)
                }
                break
            }
        }
        if place != start, let scalar = node.scalar, scalar.string.isEmpty, scalar.anchor == nil,
            scalar.tag.description.isEmpty, scalar.style == .plain
        {
            // It is the next value's.
            place = start
            return nil
        }
        return anchor
    }

    // MARK: Blocks

    private mutating func blockList(_ items: [Node], _ around: Surroundings) throws(EditRefusal) -> Layout {
        let start = place
        let column = text.column(of: place)
        var found: [LayoutItem] = []
        for item in items {
            skipTrivia()
            let dash = place
            guard text[place] == 0x2d, text.isGap(at: place + 1), text.column(of: dash) == column else {
                throw unclear()
            }
            place += 1
            found.append(LayoutItem(start: dash, value: try read(item, around.inner(indent: column))))
        }
        guard let last = found.last else { throw unclear() }
        return Layout(
            start: start, body: start..<max(last.value.end, last.start + 1), shape: .blockList(found),
            endsInBlockScalar: last.value.endsInBlockScalar)
    }

    private mutating func blockMapping(
        _ pairs: [(key: Node, value: Node)], _ around: Surroundings
    ) throws(EditRefusal) -> Layout {
        let start = place
        let column = text.column(of: place)
        var found: [LayoutPair] = []
        for (key, value) in pairs {
            skipTrivia()
            guard text.column(of: place) == column else { throw unclear() }
            found.append(try pair(key, value, around.inner(indent: column)))
        }
        guard let last = found.last else { throw unclear() }
        return Layout(
            start: start, body: start..<last.end, shape: .blockMapping(found),
            endsInBlockScalar: last.value.endsInBlockScalar)
    }

    private mutating func pair(_ key: Node, _ value: Node, _ around: Surroundings) throws(EditRefusal) -> LayoutPair {
        let start = place
        let isExplicit = text[place] == 0x3f && text.isGap(at: place + 1)
        if isExplicit { place += 1 }
        let name = try read(key, around)
        let before = (place: place, comments: comments.count)
        if isExplicit || around.isFlow { skipTrivia() } else { skipBlanks() }
        let isColon = text[place] == 0x3a && (around.isFlow || text.isGap(at: place + 1))
        guard isColon else {
            guard isExplicit || around.isFlow else { throw unclear() }
            place = before.place
            comments.removeSubrange(before.comments...)
            guard let scalar = value.scalar, scalar.string.isEmpty else { throw unclear() }
            let nothing = Layout(start: place, body: place..<place, shape: .scalar)
            return LayoutPair(start: start, name: nil, key: name, value: nothing)
        }
        let colon = place
        place += 1
        let inner = try read(value, around)
        return LayoutPair(start: start, name: key.scalar?.string, key: name, colon: colon, value: inner)
    }

    // MARK: Flow

    private mutating func flowList(_ items: [Node], _ around: Surroundings) throws(EditRefusal) -> Layout {
        let start = place
        try expect(0x5b)
        var found: [LayoutItem] = []
        for item in items {
            skipTrivia()
            let first = place
            let value = try read(item, around.inner(isFlow: true))
            found.append(LayoutItem(start: first, value: value, comma: comma()))
        }
        skipTrivia()
        try expect(0x5d)
        return Layout(start: start, body: start..<place, shape: .flowList(found))
    }

    private mutating func flowMapping(
        _ pairs: [(key: Node, value: Node)], _ around: Surroundings
    ) throws(EditRefusal) -> Layout {
        let start = place
        try expect(0x7b)
        var found: [LayoutPair] = []
        for (key, value) in pairs {
            skipTrivia()
            var pair = try pair(key, value, around.inner(isFlow: true))
            pair.comma = comma()
            found.append(pair)
        }
        skipTrivia()
        try expect(0x7d)
        return Layout(start: start, body: start..<place, shape: .flowMapping(found))
    }

    /// `[a: b]`: a mapping without braces.
    private mutating func loosePair(
        _ pairs: [(key: Node, value: Node)], _ around: Surroundings
    ) throws(EditRefusal) -> Layout {
        let start = place
        guard pairs.count == 1 else { throw unclear() }
        let pair = try pair(pairs[0].key, pairs[0].value, around.inner())
        // Nothing can be added to it, so it is as good as a scalar.
        return Layout(start: start, body: start..<pair.end, shape: .scalar)
    }

    /// Passes over the comma behind an item, and what stands before it.
    private mutating func comma() -> Int? {
        let before = (place: place, comments: comments.count)
        skipTrivia()
        guard text[place] == 0x2c else {
            place = before.place
            comments.removeSubrange(before.comments...)
            return nil
        }
        place += 1
        return place - 1
    }
}
