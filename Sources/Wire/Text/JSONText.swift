/// What stands between the quotes of a JSON string that was scanned, character by character.
struct JSONText {
    private let bytes: UnsafeRawBufferPointer
    private(set) var index: Int
    private let end: Int

    /// `range` lies within `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
    }

    /// The next character: nil at the end, `.some(nil)` where it is none that is ASCII or escaped.
    mutating func next() -> Unicode.Scalar?? {
        guard index < end else { return .none }
        let byte = bytes[index]
        index += 1
        guard byte == UInt8(ascii: "\\") else { return .some(byte < 0x80 ? Unicode.Scalar(byte) : nil) }
        return .some(escaped())
    }

    /// The whole of it.
    static func string(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> String {
        var scalars = String.UnicodeScalarView()
        var text = JSONText(bytes, range)
        while text.index < text.end {
            let plain = text.index
            while text.index < text.end, bytes[text.index] != UInt8(ascii: "\\") { text.index += 1 }
            if plain < text.index {
                scalars.append(contentsOf: String(decoding: bytes[plain..<text.index], as: UTF8.self).unicodeScalars)
            } else if let scalar = text.next() ?? nil {
                scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// Whether it says `wanted`, which is ASCII.
    static func equal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ wanted: UnsafeBufferPointer<UInt8>)
        -> Bool
    {
        let name = bytes[range]
        if !name.contains(UInt8(ascii: "\\")) { return name.elementsEqual(wanted) }
        var text = JSONText(bytes, range)
        for byte in wanted {
            guard let next = text.next(), let scalar = next, scalar.value == UInt32(byte) else { return false }
        }
        return text.index == text.end
    }

    /// The character of an escape whose backslash is read; nil when it is none.
    mutating func escaped() -> Unicode.Scalar? {
        guard index < end else { return nil }
        let letter = bytes[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return codePoint()
        default: return nil
        }
    }

    private mutating func codePoint() -> Unicode.Scalar? {
        guard let first = fourDigits() else { return nil }
        guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) }
        // RFC 8259 section 7: characters beyond 16 bits are two escapes.
        guard index < end &- 1, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
            return nil
        }
        index += 2
        guard let second = fourDigits(), (0xdc00...0xdfff).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    }

    private mutating func fourDigits() -> UInt32? {
        guard end - index >= 4 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Self.digit(bytes[index]) else { return nil }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
