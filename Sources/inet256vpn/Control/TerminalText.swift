internal import Glibc

/// Text that goes to a person's terminal.
struct TerminalText {
    /// Whether emphasis by escape sequences is understood.
    let isTerminal: Bool

    /// For standard output. NO_COLOR and TERM=dumb turn emphasis off.
    static var standardOutput: TerminalText {
        let plain = getenv("NO_COLOR") != nil || getenv("TERM").map { String(cString: $0) } == "dumb"
        return TerminalText(isTerminal: isatty(STDOUT_FILENO) == 1 && !plain)
    }

    func bold(_ text: String) -> String { isTerminal ? "\u{1b}[1m\(text)\u{1b}[0m" : text }

    /// `text` without control characters: what a peer said must not move the cursor.
    static func clean(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) ? "?" : $0 }))
    }
}

/// Columns aligned by spaces. The last column is not padded.
struct TextTable {
    /// Whose cells are pushed to the right, by index.
    var rightAligned: Set<Int> = []
    private var rows: [[String]] = []

    init(header: [String], rightAligned: Set<Int> = []) {
        rows = [header]
        self.rightAligned = rightAligned
    }

    mutating func add(_ row: [String]) { rows.append(row.map(TerminalText.clean)) }

    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                if rightAligned.contains(column) {
                    line += padding + cell
                } else {
                    line += column == row.count - 1 ? cell : cell + padding
                }
                if column < row.count - 1 { line += "  " }
            }
            return line
        }
    }
}
