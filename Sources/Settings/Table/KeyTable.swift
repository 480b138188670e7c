/// README.md's table of keys.
enum KeyTable {
    static func lines(of table: Section) -> [String] {
        ["| key | default | meaning |", "|---|---|---|"]
            + rows(of: table).map { "| \($0.key) | \($0.usually) | \($0.meaning) |" }
    }

    private static func rows(of section: Section) -> [TableRow] {
        if let row = section.row { return [row] }
        return section.entries.flatMap { entry in
            switch entry {
            case .setting(let setting): rows(of: setting) + setting.parts.flatMap(rows)
            case .section(let section): rows(of: section)
            }
        }
    }

    private static func rows(of setting: Setting) -> [TableRow] {
        if let rows = setting.rows { return rows }
        let usually = setting.usually ?? "`\(value(of: setting))`"
        return [TableRow("`\(setting.path)`", usually, setting.help)]
    }

    private static func value(of setting: Setting) -> String {
        if case .written(let text) = setting.file { return text }
        return setting.show(Configuration(directory: "/")).line
    }
}
