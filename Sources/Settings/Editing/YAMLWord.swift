/// How texts are written as scalars.
enum YAMLWord {
    enum Quotes: Hashable, Sendable {
        case none, single, double
    }

    /// Words that mean something else than themselves to one YAML or another (YAML 1.1 types bool, null).
    private static let special: Set<String> = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ]

    /// Whether `text` can stand without quotes anywhere and is taken for nothing but that text: letters, digits, `_`, `.`, `/` and `-`,
    /// beginning with a letter. More is possible, and quotes are never wrong.
    static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first), !special.contains(text.lowercased()) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "_./-".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    /// `text` as a scalar, in these quotes where that is possible.
    static func written(_ text: String, _ quotes: Quotes) -> String {
        let needsEscapes =
            text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            || text.contains { $0.isNewline }
        switch quotes {
        case .none where isPlain(text): return text
        case .single where !needsEscapes: return "'" + text.replacing("'", with: "''") + "'"
        default: return doubleQuoted(text)
        }
    }

    private static func doubleQuoted(_ text: String) -> String {
        var written = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": written += "\\\(scalar)"
            case "\n": written += "\\n"
            case "\t": written += "\\t"
            default:
                let isPlain =
                    scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
                    && ![0x2028, 0x2029, 0xfeff].contains(scalar.value)
                if isPlain {
                    written.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    written += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
                }
            }
        }
        return written + "\""
    }
}
