/// JSON as far as the daemon's answers need it (RFC 8259): objects and texts are kept, the rest is only checked.
indirect enum JSONReading: Equatable {
    case object([String: JSONReading])
    case text(String)
    /// A number, a list, true, false or null.
    case other

    /// Nil when `bytes` are not one JSON value.
    init?(_ bytes: some Collection<UInt8>) {
        var parser = JSONParser(Array(bytes))
        guard let value = parser.value(depth: 0), parser.isAtEnd else { return nil }
        self = value
    }

    subscript(_ name: String) -> JSONReading? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var text: String? {
        if case .text(let text) = self { text } else { nil }
    }
}

private struct JSONParser {
    private let bytes: [UInt8]
    private var index = 0
    private static let deepest = 16

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool {
        mutating get {
            skipBlanks()
            return index == bytes.count
        }
    }

    mutating func value(depth: Int) -> JSONReading? {
        guard depth <= Self.deepest else { return nil }
        skipBlanks()
        switch peek {
        case UInt8(ascii: "{"): return object(depth)
        case UInt8(ascii: "["): return list(depth)
        case UInt8(ascii: "\""): return string().map { .text($0) }
        default: return word()
        }
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: UInt8) -> Bool {
        guard peek == character else { return false }
        index += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { index += 1 }
    }

    private mutating func object(_ depth: Int) -> JSONReading? {
        index += 1
        var members: [String: JSONReading] = [:]
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipBlanks()
            guard let name = string() else { return nil }
            skipBlanks()
            guard take(UInt8(ascii: ":")), let member = value(depth: depth + 1) else { return nil }
            members[name] = member
            skipBlanks()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func list(_ depth: Int) -> JSONReading? {
        index += 1
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .other }
        while true {
            guard value(depth: depth + 1) != nil else { return nil }
            skipBlanks()
            if take(UInt8(ascii: "]")) { return .other }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    /// A number, true, false or null: nothing here reads them, so any word of their letters will do.
    private mutating func word() -> JSONReading? {
        let start = index
        while let byte = peek, Self.letters.contains(byte) { index += 1 }
        return index > start ? .other : nil
    }

    private static let letters = Set("+-.0123456789abcdefghijklmnopqrstuvwxyzE".utf8)

    private mutating func string() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var scalars = String.UnicodeScalarView()
        var plain = index
        func text(_ range: Range<Int>) -> String.UnicodeScalarView {
            String(decoding: bytes[range], as: UTF8.self).unicodeScalars
        }
        while let byte = peek {
            if byte == UInt8(ascii: "\"") {
                scalars.append(contentsOf: text(plain..<index))
                index += 1
                return String(scalars)
            }
            guard byte >= 0x20 else { return nil }
            index += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            scalars.append(contentsOf: text(plain..<index - 1))
            guard let scalar = escaped() else { return nil }
            scalars.append(scalar)
            plain = index
        }
        return nil
    }

    private mutating func escaped() -> Unicode.Scalar? {
        guard let byte = peek else { return nil }
        index += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return codePoint()
        default: return nil
        }
    }

    private mutating func codePoint() -> Unicode.Scalar? {
        guard let first = fourDigits() else { return nil }
        guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) }
        // RFC 8259 section 7: characters beyond 16 bits are two escapes.
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let second = fourDigits(),
            (0xdc00...0xdfff).contains(second)
        else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    }

    private mutating func fourDigits() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[index..<index + 4], as: UTF8.self)
        guard digits.allSatisfy(\.isHexDigit) else { return nil }
        index += 4
        return UInt32(digits, radix: 16)
    }
}

/// `text` as a JSON string, quotes included.
func jsonQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\u{0}"..<"\u{20}":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
