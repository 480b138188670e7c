/// What is taken away.
extension YAMLEditor {
    func remove(_ path: YAMLPath) -> [Way] {
        guard let step = path.last, let parent = text.layout(at: path.dropLast()) else { return [] }
        switch (step, parent.shape) {
        case (.index(let index), .blockList(let items)) where items.indices.contains(index):
            let entries = items.map { (start: $0.start, end: max($0.start + 1, $0.value.end), layout: $0.value) }
            return removeBlock(entries, index, of: path.dropLast(), leaving: "[]")
        case (.index(let index), .flowList(let items)) where items.indices.contains(index):
            return removeFlow(items.map { ($0.start, $0.value.end, $0.comma) }, index)
        case (.key(let name), .blockMapping(let pairs)):
            guard let index = pairs.firstIndex(where: { $0.name == name }) else { return [] }
            let entries = pairs.map { (start: $0.start, end: $0.end, layout: $0.value) }
            return removeBlock(entries, index, of: path.dropLast(), leaving: "{}")
        case (.key(let name), .flowMapping(let pairs)):
            guard let index = pairs.firstIndex(where: { $0.name == name }) else { return [] }
            return removeFlow(pairs.map { ($0.start, $0.end, $0.comma) }, index)
        default: return []
        }
    }

    private func removeBlock(
        _ entries: [(start: Int, end: Int, layout: Layout)], _ index: Int, of path: YAMLPath, leaving empty: String
    ) -> [Way] {
        let entry = entries[index]
        guard lines.isFirst(entry.start) else {
            // It stands in the line of what is around it, and the next one takes its place there.
            return entries.indices.contains(index + 1) ? [[.remove(entry.start..<entries[index + 1].start)]] : []
        }
        let gone = TextEdit.remove(wholeLines(entry.start, entry.end))
        guard entries.count == 1 else { return [[gone]] }
        // The last one: something must be left that is still empty, and not nothing.
        guard let pair = pair(at: path), let colon = pair.colon else {
            return path.isEmpty
                ? [[TextEdit(range: entry.start..<lines.lineEnd(of: entry.end), text: empty, removesLines: true)]] : []
        }
        let place = pair.value.hasProperties ? endOfProperties(pair.value) : colon + 1
        return [[.insert(" " + empty, at: place), gone]]
    }

    /// From the first byte of the first line to the end of the last one's break. Where that is missing at the end of the file, it stays so.
    private func wholeLines(_ start: Int, _ end: Int) -> Range<Int> {
        let first = lines.lineStart(of: start)
        if let next = lines.nextLine(after: end) { return first..<next }
        let before = first > 0 ? lines.lineEnd(of: lines.lineStart(of: first - 1)) : 0
        return before..<lines.count
    }

    /// Behind anchor and tag, less what separates them from the value.
    private func endOfProperties(_ layout: Layout) -> Int {
        let end = lines.lineEnd(of: layout.start)
        var place = layout.start
        while place < min(end, layout.body.lowerBound), lines[place] != 0x23 { place += 1 }
        while place > layout.start, TextLines.isBlank(lines[place - 1]) { place -= 1 }
        return place
    }

    private func removeFlow(_ entries: [(start: Int, end: Int, comma: Int?)], _ index: Int) -> [Way] {
        let entry = entries[index]
        let end = entry.comma.map { $0 + 1 } ?? entry.end
        var ways: [Way] = []
        let lineEnd = lines.lineEnd(of: end)
        let rest = lines.bytes[end..<lineEnd].drop { TextLines.isBlank($0) }
        if lines.isFirst(entry.start), rest.isEmpty || rest.first == 0x23 {
            ways.append([.remove(wholeLines(entry.start, end))])
        }
        // With what separates it from the next one or the one before. Comments that stand there are not its own, and stay.
        var after = end
        while TextLines.isBlank(lines[after]) { after += 1 }
        if entry.comma != nil, index + 1 < entries.count { ways.append([.remove(entry.start..<after)]) }
        if index > 0, entry.comma == nil {
            let before = entries[index - 1].end
            ways.append([TextEdit(range: before..<entry.start, text: ""), .remove(entry.start..<entry.end)])
        }
        ways.append([.remove(entry.start..<end)])
        return ways
    }
}
