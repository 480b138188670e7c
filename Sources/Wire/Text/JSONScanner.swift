/// Walks over JSON in place and checks all of it against the grammar of RFC 8259; only what is no UTF-8 within strings is
/// left to whoever reads them.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The members of the one object that the bytes are; nil when they are something else.
    mutating func object() -> [JSONObject.Member]? {
        guard skipBlanks() == UInt8(ascii: "{") else { return nil }
        position += 1
        var members: [JSONObject.Member] = []
        if !take("}") {
            repeat {
                guard members.count < JSONObject.mostMembers, skipBlanks() != nil, let name = string(), take(":"),
                    let value = value(depth: 1)
                else { return nil }
                members.append((name, value))
            } while take(",")
            guard take("}") else { return nil }
        }
        return skipBlanks() == nil ? members : nil
    }

    private mutating func value(depth: Int) -> JSONObject.Value? {
        guard depth < JSONObject.deepest, let first = skipBlanks() else { return nil }
        let start = position
        switch first {
        case UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "{"):
            position += 1
            return elements(until: "}", named: true, depth) ? .object(start..<position) : nil
        case UInt8(ascii: "["):
            position += 1
            return elements(until: "]", named: false, depth) ? .other : nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return number() ? .number(start..<position) : nil
        default: return word("true") || word("false") || word("null") ? .other : nil
        }
    }

    /// The rest of an object or list whose bracket is read.
    private mutating func elements(until closing: Unicode.Scalar, named: Bool, _ depth: Int) -> Bool {
        if take(closing) { return true }
        repeat {
            if named {
                guard skipBlanks() != nil, string() != nil, take(":") else { return false }
            }
            guard value(depth: depth + 1) != nil else { return false }
        } while take(",")
        return take(closing)
    }

    /// What is between the quotes, each escape being one.
    private mutating func string() -> Range<Int>? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        position += 1
        let start = position
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"):
                position += 1
                var text = JSONText(bytes, position..<bytes.count)
                guard text.escaped() != nil else { return nil }
                position = text.index
            case ..<0x20: return nil
            default: position += 1
            }
        }
        return nil
    }

    /// `-`? (`0` | digits) (`.` digits)? ((`e` | `E`) sign? digits)?
    private mutating func number() -> Bool {
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) {
            guard digits() else { return false }
        }
        if skip(UInt8(ascii: ".")) {
            guard digits() else { return false }
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func word(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            guard let found = bytes.slice(position, wanted.count), found.elementsEqual(wanted) else { return false }
            position += wanted.count
            return true
        }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// The next byte that is no blank, not taken.
    private mutating func skipBlanks() -> UInt8? {
        while let byte = peek {
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return byte
            }
        }
        return nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard let next = skipBlanks(), UInt32(next) == scalar.value else { return false }
        position += 1
        return true
    }
}
