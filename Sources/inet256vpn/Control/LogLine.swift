internal import Foundation
internal import Logging

/// One event, and how it is written.
struct LogLine {
    var level: Logger.Level
    var label: String
    var message: String
    var metadata: Logger.Metadata

    /// Metadata under these keys is never written, whatever somebody puts there.
    private static let secretKeys: Set<String> = ["private_key", "secret", "seed", "key_bytes"]
    private static let redacted = "REDACTED"

    /// `level message key=value ...`, keys in order. Control characters are escaped: some values come from peers.
    var text: String {
        var line = "\(level.rawValue) \(Self.escaped(message))"
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            line += " \(Self.escaped(key))=\(Self.quoted(value))"
        }
        return line
    }

    /// One JSON object: level, logger, message, time, and the metadata's keys beside them.
    var json: String {
        var fields = values
        fields["level"] = level.rawValue
        fields["logger"] = label
        fields["message"] = message
        fields["time"] = Date().formatted(.iso8601)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(fields) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// syslog(3)'s number, as the journal reads it.
    var journalPriority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private var values: [String: String] {
        var values: [String: String] = [:]
        for (key, value) in metadata {
            values[key] = Self.secretKeys.contains(key.lowercased()) ? Self.redacted : "\(value)"
        }
        return values
    }

    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && !value.unicodeScalars.contains {
                $0.value <= 0x20 || $0 == "\"" || $0 == "=" || $0 == "\\" || $0.value == 0x7f
            }
        if isPlain { return escaped(value) }
        return "\"" + escaped(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")) + "\""
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: result += "\\n"
            case 0x0d: result += "\\r"
            case 0x09: result += "\\t"
            case ..<0x20, 0x7f, 0x80..<0xa0: result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
