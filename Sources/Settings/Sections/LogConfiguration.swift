package import Logging

package struct LogConfiguration: Equatable, Sendable {
    package enum Format: String, CaseIterable, Codable, Sendable {
        case text, json
    }

    package var level = Logger.Level.notice
    package var format = Format.text

    package init(level: Logger.Level = .notice, format: Format = .text) {
        self.level = level
        self.format = format
    }
}

extension LogConfiguration {
    static let table = Section("log", expected: "a level such as \"notice\", or a mapping") {
        Setting(
            "log.level", \.log.level, .word, .reload,
            comment: "trace, debug, info, notice, warning, error or critical", help: "`trace` to `critical`")
        Setting("log.format", \.log.format, .word, .restart, comment: "text or json", help: "`text` or `json`")
    }
    .short(for: "level")
}
