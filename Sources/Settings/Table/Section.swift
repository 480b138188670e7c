/// A mapping of keys: settings, and mappings of such.
package struct Section: Sendable {
    enum Entry: Sendable {
        case setting(Setting)
        case section(Section)

        var key: String {
            switch self {
            case .setting(let setting): setting.key
            case .section(let section): section.key
            }
        }

        fileprivate var places: [Order: String] {
            switch self {
            case .setting(let setting): setting.places
            case .section: [:]
            }
        }
    }

    /// In dotted form; empty for the whole.
    let path: String
    /// What should stand there, where something else does.
    let expected: String
    /// Above it in the default file.
    let comment: String
    let entries: [Entry]
    /// The key that a scalar in the mapping's place is for.
    private(set) var short: String?
    /// Whether it is commented out in the default file, with all that it has.
    private(set) var isSample = false
    /// One row of README.md's table for all that it has.
    private(set) var row: TableRow?
    /// Whether what a reload applies together is the same in both; told by the section's path where it is not.
    private(set) var isSame: (@Sendable (Configuration, Configuration) -> Bool)?

    init(
        _ path: String, expected: String = "a mapping", comment: String = "", @EntryBuilder _ entries: () -> [Entry]
    ) {
        self.path = path
        self.expected = expected
        self.comment = comment
        self.entries = entries()
    }

    var key: String { path.split(separator: ".").last.map(String.init) ?? path }

    func short(for key: String) -> Section { with { $0.short = key } }

    func asSample() -> Section { with { $0.isSample = true } }

    func row(_ usually: String, _ meaning: String) -> Section {
        with { $0.row = TableRow("`\(path)`", usually, meaning) }
    }

    func together(_ isSame: @escaping @Sendable (Configuration, Configuration) -> Bool) -> Section {
        with { $0.isSame = isSame }
    }

    private func with(_ change: (inout Section) -> Void) -> Section {
        var section = self
        change(&section)
        return section
    }
}

/// Entries one below the other, each checked by itself.
@resultBuilder enum EntryBuilder {
    static func buildExpression(_ setting: Setting) -> Section.Entry { .setting(setting) }
    static func buildExpression(_ section: Section) -> Section.Entry { .section(section) }
    static func buildBlock(_ entries: Section.Entry...) -> [Section.Entry] { entries }
}

extension Section {
    /// Takes in a mapping; what has to wait for its turn is kept by `reading`.
    func read(_ value: ConfigurationValue, _ reading: Reading) {
        if value.isScalar, let short, let entry = entries.first(where: { $0.key == short }) {
            return take(value, entry, reading)
        }
        value.fields(arranged(.words).map(\.key), expected: expected) { key, value in
            if let entry = entries.first(where: { $0.key == key }) { take(value, entry, reading) }
        }
    }

    private func take(_ value: ConfigurationValue, _ entry: Entry, _ reading: Reading) {
        switch entry {
        case .setting(let setting): reading.take(value, for: setting)
        case .section(let section): section.read(value, reading)
        }
    }

    /// Everything with its value.
    func shown(_ configuration: Configuration) -> Shown {
        .mapping(
            arranged(.shown).map { entry in
                switch entry {
                case .setting(let setting): (setting.key, setting.show(configuration))
                case .section(let section): (section.key, section.shown(configuration))
                }
            })
    }

    func arranged(_ order: Order) -> [Entry] {
        Arrangement.of(entries, name: \.key, behind: { $0.places[order] })
    }

    /// All settings, those in mappings and in parts of others too.
    var settings: [Setting] {
        entries.flatMap { entry in
            switch entry {
            case .setting(let setting): [setting] + setting.parts.flatMap(\.settings)
            case .section(let section): section.settings
            }
        }
    }

    /// This one and those within.
    var sections: [Section] {
        [self]
            + entries.flatMap { entry in
                if case .section(let section) = entry { section.sections } else { [Section]() }
            }
    }
}

/// Items in their order, some of them directly behind others.
enum Arrangement {
    static func of<Item>(_ items: [Item], name: (Item) -> String, behind: (Item) -> String?) -> [Item] {
        let followers = Dictionary(grouping: items.filter { behind($0) != nil }) { behind($0) ?? "" }
        func withFollowers(_ item: Item) -> [Item] {
            [item] + (followers[name(item)] ?? []).flatMap(withFollowers)
        }
        return items.filter { behind($0) == nil }.flatMap(withFollowers)
    }
}
