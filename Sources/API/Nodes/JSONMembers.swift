/// The members of one JSON object (RFC 8259), found in place: the requests for nodes are an object with a string or
/// two, and a private key among them should not be copied about.
///
/// Members that nobody asks for may hold anything. Of two with one name the last counts.
struct JSONMembers {
    enum Value {
        /// What is between the quotes, escapes and all.
        case text(Range<Int>)
        case number(Range<Int>)
        case other
    }

    private let bytes: UnsafeRawBufferPointer
    private var members: [(name: Range<Int>, value: Value)] = []
    private var position = 0

    /// Objects and arrays inside each other.
    private static let deepest = 32
    /// Members of the object.
    private static let most = 64

    /// Nil when `bytes` is not one whole object and nothing else.
    init?(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        guard readMembers(), skipBlanks() == nil else { return nil }
    }

    /// The string called `name` without its escapes, all of it ASCII; nil when there is no such string. It is written
    /// to `target`, which is as long as the whole text at least; what is given is the part written.
    func copyText(_ name: StaticString, to target: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard case .text(let range)? = value(name), target.count >= range.count else { return nil }
        var count = 0
        var index = range.lowerBound
        while index < range.upperBound {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\\") {
                guard let escaped = unescape(&index, range.upperBound) else { return nil }
                byte = escaped
            }
            guard byte < 0x80 else { return nil }
            target[count] = byte
            count += 1
        }
        return UnsafeRawBufferPointer(rebasing: target[..<count])
    }

    /// As `copyText`, for texts that are no secret.
    func text(_ name: StaticString) -> [UInt8]? {
        var result: [UInt8]?
        withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 1) { target in
            result = copyText(name, to: target).map { [UInt8]($0) }
        }
        return result
    }

    /// The whole number called `name`.
    func integer(_ name: StaticString) -> Int? {
        guard case .number(let range)? = value(name) else { return nil }
        return Int(String(decoding: bytes[range], as: UTF8.self))
    }

    private func value(_ name: StaticString) -> Value? {
        name.withUTF8Buffer { wanted in
            members.last { bytes[$0.name].elementsEqual(wanted) }?.value
        }
    }

    /// The ASCII character of an escape whose backslash is read.
    private func unescape(_ index: inout Int, _ end: Int) -> UInt8? {
        guard index < end else { return nil }
        let letter = bytes[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return letter
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0c
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "r"): return 0x0d
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"):
            guard end - index >= 4 else { return nil }
            let digits = bytes[index..<(index + 4)]
            index += 4
            guard digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
            return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        default: return nil
        }
    }

    // MARK: - Reading

    private mutating func readMembers() -> Bool {
        guard take("{") else { return false }
        if take("}") { return true }
        repeat {
            guard members.count < Self.most, skipBlanks() != nil, let name = readString(), take(":"),
                let value = readValue(depth: 1)
            else { return false }
            members.append((name, value))
        } while take(",")
        return take("}")
    }

    private mutating func readValue(depth: Int) -> Value? {
        guard depth < Self.deepest, let first = skipBlanks() else { return nil }
        switch first {
        case UInt8(ascii: "\""): return readString().map { .text($0) }
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            position += 1
            return readElements(of: first, depth: depth) ? .other : nil
        default:
            let start = position
            while position < bytes.count, Self.isBare(bytes[position]) { position += 1 }
            let word = String(decoding: bytes[start..<position], as: UTF8.self)
            switch word {
            case "true", "false", "null": return .other
            default: return Double(word) == nil ? nil : .number(start..<position)
            }
        }
    }

    /// The rest of an object or array whose bracket is read.
    private mutating func readElements(of opening: UInt8, depth: Int) -> Bool {
        let isObject = opening == UInt8(ascii: "{")
        let closing: Unicode.Scalar = isObject ? "}" : "]"
        if take(closing) { return true }
        repeat {
            if isObject {
                guard skipBlanks() != nil, readString() != nil, take(":") else { return false }
            }
            guard readValue(depth: depth + 1) != nil else { return false }
        } while take(",")
        return take(closing)
    }

    private mutating func readString() -> Range<Int>? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        position = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"): position += 2
            case ..<0x20: return nil
            default: position += 1
            }
        }
        return nil
    }

    /// The next byte that is no blank, not taken.
    private mutating func skipBlanks() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return bytes[position]
            }
        }
        return nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard let next = skipBlanks(), UInt32(next) == scalar.value else { return false }
        position += 1
        return true
    }

    /// Letters, digits and signs: what numbers and the three names consist of.
    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
