/// Writes new values as what is around them is written.
struct YAMLWriter: Sendable {
    /// How many columns a mapping stands to the right of its key.
    var step = 2
    /// The same of a list.
    var listStep = 2
    /// Between a dash and its item.
    var gap = " "
    var quotes = YAMLWord.Quotes.double
    /// What the entry beside the new one looks like, by its keys.
    var taste = Taste()

    /// Of one mapping: how its texts are quoted, and which lists have lines for their items.
    struct Taste: Sendable {
        var quotes: [String: YAMLWord.Quotes] = [:]
        var blockLists: Set<String> = []
        /// It stands in braces itself.
        var isFlow = false
    }

    /// The lines of a value that has lines of its own, the first at `column` 0 of them.
    func block(_ content: YAMLContent, column: Int) -> [String] {
        switch content {
        case .text, .quoted: [inline(content, key: "")]
        case .list(let items): items.flatMap { item($0) }
        case .mapping(let fields): fields.flatMap { field($0) }
        }
    }

    /// `- item`, the first line at the margin.
    func item(_ content: YAMLContent) -> [String] {
        let inner: [String] =
            if case .mapping(let fields) = content, !taste.isFlow, !fields.isEmpty {
                fields.flatMap { field($0) }
            } else {
                [inline(content, key: "")]
            }
        let indent = String(repeating: " ", count: 1 + gap.count)
        return inner.enumerated().map { $0.offset == 0 ? "-" + gap + $0.element : indent + $0.element }
    }

    /// `key: value`, the first line at the margin.
    func field(_ field: YAMLField) -> [String] {
        let key = YAMLWord.written(field.key, .none)
        switch field.value {
        case .text, .quoted: return ["\(key): \(inline(field.value, key: field.key))"]
        case .mapping(let fields):
            guard !fields.isEmpty else { return ["\(key): {}"] }
            return ["\(key):"] + indented(fields.flatMap { self.field($0) }, step)
        case .list(let items):
            let hasLines = items.contains(where: \.isMapping) || taste.blockLists.contains(field.key)
            guard hasLines, !items.isEmpty else { return ["\(key): \(inline(field.value, key: field.key))"] }
            return ["\(key):"] + indented(items.flatMap { scalars(of: field.key).item($0) }, listStep)
        }
    }

    /// In one line. `key` is what a text stands behind.
    func inline(_ content: YAMLContent, key: String) -> String {
        switch content {
        case .text(let text): YAMLWord.written(text, taste.quotes[key] ?? .none)
        case .quoted(let text): YAMLWord.written(text, taste.quotes[key] ?? quotes)
        case .list(let items): "[" + items.map { inline($0, key: key) }.joined(separator: ", ") + "]"
        case .mapping(let fields):
            "{"
                + fields.map { "\(YAMLWord.written($0.key, .none)): \(inline($0.value, key: $0.key))" }
                .joined(separator: ", ") + "}"
        }
    }

    /// For the items of the list behind `key`, which have no key of their own.
    private func scalars(of key: String) -> YAMLWriter {
        var writer = self
        writer.taste = Taste()
        writer.taste.quotes[""] = taste.quotes[key]
        writer.gap = " "
        return writer
    }

    private func indented(_ lines: [String], _ columns: Int) -> [String] {
        lines.map { String(repeating: " ", count: columns) + $0 }
    }
}

/// What a text looks like, as far as new lines should look alike.
struct TextTaste {
    let text: YAMLText

    /// A writer for what is to stand at `path`, beside `neighbour` if there is one.
    func writer(beside neighbour: Layout? = nil) -> YAMLWriter {
        var writer = YAMLWriter()
        var singles = 0
        var doubles = 0
        var step: Int?
        var listStep: Int?
        visit(text.document.root) { layout in
            switch text.lines[layout.body.lowerBound] {
            case 0x27 where layout.isScalar: singles += 1
            case 0x22 where layout.isScalar: doubles += 1
            default: break
            }
            guard case .blockMapping(let pairs) = layout.shape else { return }
            let column = text.lines.column(of: layout.body.lowerBound)
            for pair in pairs {
                let inner = text.lines.column(of: pair.value.body.lowerBound) - column
                switch pair.value.shape {
                case .blockMapping where step == nil && inner > 0: step = inner
                case .blockList where listStep == nil && inner >= 0: listStep = inner
                default: break
                }
            }
        }
        writer.quotes = singles > doubles ? .single : .double
        writer.step = min(step ?? 2, 8)
        writer.listStep = min(listStep ?? (step.map { min($0, 4) } ?? 2), 8)
        if let neighbour { writer.taste = taste(of: neighbour) }
        return writer
    }

    /// What stands between the dash and the item, when that is spaces alone.
    func gap(of item: LayoutItem) -> String? {
        let between = text.lines.bytes[min(item.start + 1, text.lines.count)..<max(item.start + 1, item.value.start)]
        return !between.isEmpty && between.count <= 8 && between.allSatisfy { $0 == 0x20 }
            ? String(repeating: " ", count: between.count) : nil
    }

    /// How a scalar is quoted.
    func quotes(of layout: Layout) -> YAMLWord.Quotes? {
        guard layout.isScalar, !layout.endsInBlockScalar, !layout.body.isEmpty else { return nil }
        return switch text.lines[layout.body.lowerBound] {
        case 0x27: .single
        case 0x22: .double
        default: YAMLWord.Quotes.none
        }
    }

    private func taste(of layout: Layout) -> YAMLWriter.Taste {
        var taste = YAMLWriter.Taste()
        switch layout.shape {
        case .scalar: taste.quotes[""] = quotes(of: layout)
        case .blockMapping(let pairs), .flowMapping(let pairs):
            if case .flowMapping = layout.shape { taste.isFlow = true }
            for pair in pairs {
                guard let name = pair.name else { continue }
                taste.quotes[name] = quotes(of: pair.value) ?? pair.value.items?.last.flatMap { quotes(of: $0.value) }
                if case .blockList = pair.value.shape { taste.blockLists.insert(name) }
            }
        default: break
        }
        return taste
    }

    private func visit(_ layout: Layout?, _ body: (Layout) -> Void) {
        guard let layout else { return }
        body(layout)
        for item in layout.items ?? [] { visit(item.value, body) }
        for pair in layout.pairs ?? [] { visit(pair.value, body) }
    }
}
