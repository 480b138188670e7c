internal import CLinux

/// A QR code (ISO/IEC 18004), made by libqrencode where that is installed.
struct QRCode {
    private let width: Int
    private let modules: [UInt8]

    /// Nil without the library, or where the text is too long for a code (2,953 bytes).
    init?(_ text: String) {
        // The largest code has 177 modules a side.
        var modules = [UInt8](repeating: 0, count: 177 * 177)
        let width = clinux_qr_code(text, &modules, modules.count)
        guard width > 0 else { return nil }
        self.width = Int(width)
        self.modules = modules
    }

    /// Two rows of modules a line, with the quiet zone that readers need: dark on light where the terminal has colours, else as a dark
    /// terminal shows it.
    func lines(_ terminal: TerminalText) -> [String] {
        let margin = 2
        var lines: [String] = []
        for row in stride(from: -margin, to: width + margin, by: 2) {
            var line = ""
            for column in -margin..<width + margin {
                switch (isDark(row, column), isDark(row + 1, column)) {
                case (false, false): line += "█"
                case (false, true): line += "▀"
                case (true, false): line += "▄"
                case (true, true): line += " "
                }
            }
            lines.append(terminal.isTerminal ? "\u{1b}[97;40m\(line)\u{1b}[0m" : line)
        }
        return lines
    }

    private func isDark(_ row: Int, _ column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
        return modules[row * width + column] != 0
    }
}
