/// Keys more in a mapping, and values where there is nothing yet.
extension YAMLEditor {
    func add(_ field: YAMLField, to path: YAMLPath, behind: String?) -> [Way] {
        if path.isEmpty { return addToRoot(field) }
        guard let layout = text.layout(at: path) else {
            // The mapping is made with it.
            guard case .key(let key)? = path.last else { return [] }
            return add(YAMLField(key, .mapping([field])), to: path.dropLast(), behind: nil)
        }
        switch layout.shape {
        case .scalar where text.value.value(at: path)?.isNull == true:
            return fill(layout, at: path, with: .mapping([field]))
        case .flowMapping(let pairs) where pairs.isEmpty: return fill(layout, at: path, with: .mapping([field]))
        case .flowMapping(let pairs): return addFlow(field, pairs, layout, behind: behind)
        case .blockMapping(let pairs): return addLines(field, pairs, layout, behind: behind)
        case .scalar, .alias, .blockList, .flowList: return []
        }
    }

    private func addFlow(_ field: YAMLField, _ pairs: [LayoutPair], _ layout: Layout, behind: String?) -> [Way] {
        var writer = taste.writer(beside: layout)
        writer.taste.isFlow = true
        let new = String(writer.inline(.mapping([field]), key: "").dropFirst().dropLast())
        let index = pairs.firstIndex { $0.name == behind } ?? pairs.count - 1
        if index < pairs.count - 1, let comma = pairs[index].comma {
            return [[.insert(" \(new),", at: comma + 1)]]
        }
        return appendFlow(new, behind: pairs.map { ($0.start, $0.end, $0.comma) })
    }

    private func addLines(_ field: YAMLField, _ pairs: [LayoutPair], _ layout: Layout, behind: String?) -> [Way] {
        guard let last = pairs.last else { return [] }
        let column = lines.column(of: last.start)
        let written = taste.writer(beside: layout).field(field).map { spaces(column) + $0 }
        var places: [Int] = []
        if let pair = pairs.first(where: { $0.name == behind }) { places.append(lines.lineEnd(of: pair.end)) }
        places += below(layout, carrying: max(column, 1))
        return places.map { place in [.insert(written.map { lineBreak(at: place) + $0 }.joined(), at: place)] }
    }

    // MARK: The top level

    private func addToRoot(_ field: YAMLField) -> [Way] {
        if let root = text.document.root {
            switch root.shape {
            case .flowMapping(let pairs) where pairs.isEmpty:
                let inline = taste.writer().inline(.mapping([field]), key: "")
                let lined = taste.writer().field(field).joined(separator: lineBreak(at: root.end))
                return [[TextEdit(range: root.body, text: lined)], [TextEdit(range: root.body, text: inline)]]
            case .flowMapping(let pairs): return addFlow(field, pairs, root, behind: nil)
            case .blockMapping: break
            case .scalar where text.value.isNull && !root.hasProperties:
                return [[TextEdit(range: root.body, text: taste.writer().inline(.mapping([field]), key: ""))]]
            case .scalar, .alias, .blockList, .flowList: return []
            }
        }
        let column = text.document.root.map { lines.column(of: $0.body.lowerBound) } ?? 0
        let written = taste.writer().field(field).map { spaces(column) + $0 }
        let end = text.document.end
        var ways = hints(of: field.key).map { place -> Way in
            [.insert(written.map { lineBreak(at: place) + $0 }.joined(), at: place)]
        }
        ways.append([behindAll(written, at: end)])
        if let root = text.document.root { ways.append([behindAll(written, at: lines.lineEnd(of: root.end))]) }
        return ways
    }

    /// New lines at the end, behind an empty one where keys stand so.
    private func behindAll(_ written: [String], at end: Int) -> TextEdit {
        let lineBreak = lineBreak(at: end)
        let start = lines.lineStart(of: end)
        if lines.isEmptyLine(at: start), start == end {
            // The text has nothing, or ends with a line break.
            return .insert(written.map { $0 + lineBreak }.joined(), at: end)
        }
        let gap = separatesKeys ? lineBreak : ""
        return .insert(gap + written.map { lineBreak + $0 }.joined(), at: end)
    }

    /// Whether empty lines stand between the keys of the top level.
    private var separatesKeys: Bool {
        guard let pairs = text.document.root?.pairs, pairs.count > 1 else {
            return text.document.root == nil && !text.document.comments.isEmpty
        }
        return pairs.indices.dropFirst().contains { index in
            var place = lines.nextLine(after: pairs[index - 1].end)
            while let line = place, line < pairs[index].start {
                if lines.isEmptyLine(at: line) { return true }
                place = lines.nextLine(after: line)
            }
            return false
        }
    }

    /// Where the file shows the key behind a "#", as the default file does: directly below that.
    private func hints(of key: String) -> [Int] {
        text.document.comments.compactMap { comment in
            let start = lines.lineStart(of: comment.lowerBound)
            guard start == comment.lowerBound, let margin = self.margin(of: comment),
                lines.text(margin.place..<comment.upperBound).hasPrefix(key + ":")
            else { return nil }
            var end = comment.upperBound
            while let next = lines.nextLine(after: end), lines[next] == 0x23,
                let inner = self.margin(of: next..<lines.lineEnd(of: next)),
                inner.width >= margin.width + 2 || inner.width == margin.width && lines[inner.place] == 0x2d
            {
                end = lines.lineEnd(of: next)
            }
            return end
        }
    }

    /// Where a comment's text begins, and how far from its sign; nil where it has none.
    private func margin(of comment: Range<Int>) -> (place: Int, width: Int)? {
        var place = comment.lowerBound + 1
        while place < comment.upperBound, lines[place] == 0x20 { place += 1 }
        return place < comment.upperBound ? (place, place - comment.lowerBound - 1) : nil
    }

    // MARK: Nothing yet

    /// Puts a first value where there is nothing: `key:`, `key: ~`, `[]`, `{}`.
    func fill(_ layout: Layout, at path: YAMLPath, with content: YAMLContent) -> [Way] {
        let writer = taste.writer()
        let inline = writer.inline(content, key: "")
        var ways: [Way] = []
        if let pair = pair(at: path), let colon = pair.colon, !layout.hasProperties, isInBlock(path),
            lines.isFirst(pair.start) || !lines.bytes[lines.lineStart(of: pair.start)..<pair.start].contains(0x3f)
        {
            // What there was is taken away from behind the key, and the lines go below that.
            let column = lines.column(of: pair.start)
            let written = block(content, writer).map { spaces(column) + $0 }
            let emptied = layout.body.isEmpty ? nil : TextEdit(range: colon + 1..<layout.end, text: "")
            var key = layout
            if layout.body.isEmpty { key.body = colon + 1..<colon + 1 }
            key.endsInBlockScalar = false
            if !written.isEmpty {
                ways = below(key, carrying: column + 1).map { place in
                    [emptied].compactMap(\.self)
                        + [.insert(written.map { lineBreak(at: place) + $0 }.joined(), at: place)]
                }
            }
        }
        if layout.isFlow {
            // Between the brackets, whatever stands there.
            let inner = String(inline.dropFirst().dropLast())
            let between = layout.body.lowerBound + 1..<layout.end - 1
            let isEmpty = lines.bytes[between].allSatisfy { TextLines.isBlank($0) }
            ways.append([isEmpty ? TextEdit(range: between, text: inner) : .insert(inner, at: between.lowerBound)])
        } else {
            let blank = layout.body.isEmpty ? " " : ""
            ways.append([TextEdit(range: layout.body, text: blank + inline)])
        }
        return ways
    }

    /// The lines of a value below its key; none where it goes into the key's own line.
    private func block(_ content: YAMLContent, _ writer: YAMLWriter) -> [String] {
        switch content {
        case .mapping: return writer.block(content, column: 0).map { spaces(writer.step) + $0 }
        case .list(let items) where items.contains(where: \.isMapping):
            return writer.block(content, column: 0).map { spaces(writer.listStep) + $0 }
        default: return []
        }
    }

    func pair(at path: YAMLPath) -> LayoutPair? {
        guard case .key(let name)? = path.last else { return nil }
        return text.layout(at: path.dropLast())?.pairs?.first { $0.name == name }
    }

    /// Whether nothing on the way is between brackets.
    private func isInBlock(_ path: YAMLPath) -> Bool {
        !path.indices.contains { text.layout(at: path[..<$0])?.isFlow == true }
    }
}
