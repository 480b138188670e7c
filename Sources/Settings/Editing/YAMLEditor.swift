/// The ways in which a change can be written, the best one first. Whether one is right is not known here: `YAMLText` finds out.
struct YAMLEditor {
    let text: YAMLText
    var lines: TextLines { text.lines }
    let taste: TextTaste

    typealias Way = [TextEdit]

    init(_ text: YAMLText) {
        self.text = text
        taste = TextTaste(text: text)
    }

    func ways(of change: YAMLChange) -> [Way] {
        switch change {
        case .insert(let content, let path, let before): insert(content, into: path, before: before)
        case .add(let field, let path, let behind): add(field, to: path, behind: behind)
        case .remove(let path): remove(path)
        case .replace(let paths, let new): replace(paths, with: new)
        }
    }

    // MARK: Scalars

    private func replace(_ paths: [YAMLPath], with new: String) -> [Way] {
        var ranges: Set<Range<Int>> = []
        for path in paths {
            guard let layout = text.layout(at: path, throughAliases: true)?.named, layout.isScalar else { return [] }
            ranges.insert(layout.body)
        }
        let way = ranges.map { range in
            let quotes: YAMLWord.Quotes =
                switch lines[range.lowerBound] {
                case 0x27: .single
                case 0x22: .double
                default: .none
                }
            return TextEdit(range: range, text: YAMLWord.written(new, quotes))
        }
        return [way]
    }

    // MARK: Lists

    private func insert(_ content: YAMLContent, into path: YAMLPath, before: Int?) -> [Way] {
        guard let last = path.last else { return [] }
        guard let layout = text.layout(at: path) else {
            guard case .key(let key) = last, before == nil else { return [] }
            return add(YAMLField(key, .list([content])), to: path.dropLast(), behind: nil)
        }
        switch layout.shape {
        case .alias(let named):
            // What it names stays as it is, and is an item now.
            guard named?.isScalar == true, before == nil else { return [] }
            let item = taste.writer().inline(content, key: "")
            return [[.insert("[", at: layout.start), .insert(" , \(item)]", at: layout.end)]]
        case .scalar:
            if text.value.value(at: path)?.isNull == true {
                return fill(layout, at: path, with: .list([content]))
            }
            let writer = taste.writer(beside: layout)
            let item = writer.inline(content, key: "")
            return [
                before == 0
                    ? [.insert("[\(item), ", at: layout.body.lowerBound), .insert("]", at: layout.end)]
                    : [.insert("[", at: layout.body.lowerBound), .insert(", \(item)]", at: layout.end)]
            ]
        case .blockList(let items):
            let place = before ?? items.count
            return place < items.count
                ? insertLines(content, items, before: place) : append(content, to: items, layout, at: path)
        case .flowList(let items):
            guard !items.isEmpty else { return fill(layout, at: path, with: .list([content])) }
            let place = before ?? items.count
            let neighbour = items[min(place, items.count - 1)].value
            let item = taste.writer(beside: neighbour).inline(content, key: "")
            return place < items.count
                ? insertFlow(item, before: items[place])
                : appendFlow(item, behind: items.map { ($0.start, $0.value.end, $0.comma) })
        case .blockMapping, .flowMapping: return []
        }
    }

    private func append(_ content: YAMLContent, to items: [LayoutItem], _ layout: Layout, at path: YAMLPath) -> [Way] {
        guard let last = items.last else { return [] }
        let column = lines.column(of: last.start)
        let written = itemLines(content, beside: last, column: column)
        // A comment further to the right than the key is the list's, one further than the dashes its last item's.
        let outer = parentColumn(of: path)
        return below(layout, carrying: column > outer ? column : column + 1).map { place in
            [.insert(written.map { lineBreak(at: place) + $0 }.joined(), at: place)]
        }
    }

    private func itemLines(_ content: YAMLContent, beside item: LayoutItem, column: Int) -> [String] {
        var writer = taste.writer(beside: item.value)
        if let gap = taste.gap(of: item) { writer.gap = gap }
        return writer.item(content).map { spaces(column) + $0 }
    }

    private func insertLines(_ content: YAMLContent, _ items: [LayoutItem], before place: Int) -> [Way] {
        let item = items[place]
        guard lines.isFirst(item.start) else { return [] }
        let column = lines.column(of: item.start)
        let written = itemLines(content, beside: item, column: column)
        let start = lines.lineStart(of: item.start)
        var above = start
        let limit = place > 0 ? items[place - 1].value.end : 0
        while above > 0 {
            let line = lines.lineStart(of: above - 1)
            guard line > limit, lines.commentColumn(at: line) == column else { break }
            above = line
        }
        return (above < start ? [above, start] : [start]).map { place in
            [.insert(written.map { $0 + lineBreak(at: start) }.joined(), at: place)]
        }
    }

    private func insertFlow(_ item: String, before next: LayoutItem) -> [Way] {
        let inline: Way = [.insert(item + ", ", at: next.start)]
        guard lines.isFirst(next.start) else { return [inline] }
        let own = item + "," + lineBreak(at: next.start) + spaces(lines.column(of: next.start))
        return [[.insert(own, at: next.start)], inline]
    }

    /// Behind the last of what stands between brackets or braces.
    func appendFlow(_ new: String, behind entries: [(start: Int, end: Int, comma: Int?)]) -> [Way] {
        guard let last = entries.last else { return [] }
        let end = last.comma.map { $0 + 1 } ?? last.end
        var isTight = false
        if let comma = entries.first?.comma, entries.count > 1 { isTight = !lines.isGap(at: comma + 1) }
        let blank = isTight ? "" : " "
        let inline: Way = [.insert(last.comma == nil ? ",\(blank)\(new)" : "\(blank)\(new),", at: end)]
        let lineEnd = lines.lineEnd(of: end)
        let rest = lines.bytes[end..<lineEnd].drop { TextLines.isBlank($0) }
        guard lines.isFirst(last.start), rest.isEmpty || rest.first == 0x23 else { return [inline] }
        let own = lineBreak(at: end) + spaces(lines.column(of: last.start)) + new
        return last.comma == nil
            ? [[.insert(",", at: end), .insert(own, at: lineEnd)], inline]
            : [[.insert(own + ",", at: lineEnd)], inline]
    }

    // MARK: Places

    /// Where lines can follow a block: behind the comments that are its own, directly behind it.
    func below(_ layout: Layout, carrying column: Int) -> [Int] {
        let direct = lines.lineEnd(of: layout.end)
        guard !layout.endsInBlockScalar else { return [direct] }
        var place = direct
        while let next = lines.nextLine(after: place), let at = lines.commentColumn(at: next), at >= column {
            place = lines.lineEnd(of: next)
        }
        return place == direct ? [direct] : [place, direct]
    }

    /// The column of the key that the value at `path` stands behind, -1 where there is none.
    func parentColumn(of path: YAMLPath) -> Int {
        guard !path.isEmpty, let parent = text.layout(at: path.dropLast()), let pairs = parent.pairs,
            case .key(let name)? = path.last, let pair = pairs.first(where: { $0.name == name })
        else { return -1 }
        return lines.column(of: pair.start)
    }

    func lineBreak(at place: Int) -> String { String(decoding: lines.lineBreak(around: place), as: UTF8.self) }

    func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
