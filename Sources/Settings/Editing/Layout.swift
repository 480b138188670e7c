/// Where a value stands in the text, with all that it consists of.
struct Layout: Sendable {
    indirect enum Shape: Sendable {
        /// `*name`, and what has that name.
        case alias(of: Layout?)
        case scalar
        case blockList([LayoutItem])
        case flowList([LayoutItem])
        case blockMapping([LayoutPair])
        case flowMapping([LayoutPair])
    }

    /// Where its anchor and tag begin, if it has any, else what follows.
    var start: Int
    /// The value itself. That of a block ends with its last line, less the line break.
    var body: Range<Int>
    var shape: Shape
    /// A block scalar is the last thing in it: comments below would be text.
    var endsInBlockScalar = false

    var end: Int { body.upperBound }
    var hasProperties: Bool { start != body.lowerBound }

    var items: [LayoutItem]? {
        switch shape {
        case .blockList(let items), .flowList(let items): items
        default: nil
        }
    }

    var pairs: [LayoutPair]? {
        switch shape {
        case .blockMapping(let pairs), .flowMapping(let pairs): pairs
        default: nil
        }
    }

    /// Itself, or what it is an alias of.
    var named: Layout? { if case .alias(let named) = shape { named } else { self } }

    var isAlias: Bool { if case .alias = shape { true } else { false } }

    var isScalar: Bool { if case .scalar = shape { true } else { false } }

    var isFlow: Bool {
        switch shape {
        case .flowList, .flowMapping: true
        default: false
        }
    }
}

/// An item of a list.
struct LayoutItem: Sendable {
    /// Where its dash stands, or in a flow list the item itself.
    var start: Int
    var value: Layout
    /// The comma behind it, in a flow list.
    var comma: Int?
}

/// A key with its value.
struct LayoutPair: Sendable {
    /// The key's place, or that of a question mark before it.
    var start: Int
    /// The key, when it is a text.
    var name: String?
    var key: Layout
    var colon: Int?
    var value: Layout
    var comma: Int?

    /// Where it ends, with its value.
    var end: Int { max(value.end, colon.map { $0 + 1 } ?? key.end) }
}
