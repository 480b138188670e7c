/// Base64 (RFC 4648) over one of two alphabets: three bytes are four characters, most significant bits first.
///
/// Addresses and keys have one text each: no padding, since their lengths need none or leave it out, and nothing in spare bits.
/// JSON carries the common form, with padding.
package struct Base64: Sendable {
    /// What is wrong with a text, seen as bytes.
    package enum Fault: Error {
        case foreignByte(offset: Int)
        /// A length that no whole number of bytes has.
        case impossibleLength
        /// Bits behind the last byte are set: the same bytes have another, canonical text.
        case spareBits
    }

    /// INET256's own alphabet, in the order of ASCII, so that texts sort as the bytes do.
    package static let ordered = Base64("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
    /// The common alphabet (RFC 4648 section 4).
    package static let standard = Base64("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    private let characters: [UInt8]
    /// The value of each byte, `foreign` where it is not in the alphabet.
    @usableFromInline let values: [UInt8]
    @usableFromInline static let foreign: UInt8 = 0xff

    private init(_ alphabet: StaticString) {
        characters = alphabet.withUTF8Buffer { [UInt8]($0) }
        precondition(characters.count == 64, "six bits tell 64 characters apart")
        var values = [UInt8](repeating: Self.foreign, count: 256)
        for (value, character) in characters.enumerated() { values[Int(character)] = UInt8(value) }
        self.values = values
    }

    @inlinable
    package func contains(_ byte: UInt8) -> Bool { values[Int(byte)] != Self.foreign }

    /// Characters that `byteCount` bytes take.
    package static func textCount(_ byteCount: Int) -> Int { (byteCount * 8 + 5) / 6 }

    /// Writes the text of `bytes` to `text`, which has room for `textCount(bytes.count)` (a precondition).
    package func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) {
        precondition(text.count >= Self.textCount(bytes.count), "no room for the text")
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        var index = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text[index] = characters[Int(pending >> bits & 63)]
                index += 1
            }
        }
        if bits > 0 { text[index] = characters[Int(pending << (6 - bits) & 63)] }
    }

    /// Writes the bytes of `text` to `bytes`, which has room for exactly them (a precondition).
    package func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) throws(Fault) {
        guard try decode(leniently: text, into: bytes) == 0 else { throw .spareBits }
    }

    /// As `decode`, and gives the bits that are left over, which should be zero.
    private func decode(
        leniently text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer
    ) throws(Fault) -> UInt32 {
        guard text.count % 4 != 1 else { throw .impossibleLength }
        precondition(bytes.count == text.count * 6 / 8, "no room for the bytes")
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        var index = 0
        for offset in 0..<text.count {
            let value = values[Int(text[offset])]
            guard value != Self.foreign else { throw .foreignByte(offset: offset) }
            pending = pending << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes[index] = UInt8(truncatingIfNeeded: pending >> bits)
                index += 1
            }
        }
        return pending & (1 << bits - 1)
    }

    // MARK: With padding

    /// The text of `bytes`, filled up with `=` to a multiple of four characters.
    package func padded(_ bytes: [UInt8]) -> String {
        let count = Self.textCount(bytes.count)
        let whole = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: whole) { text in
            text.initialize(repeating: UInt8(ascii: "="))
            bytes.withUnsafeBytes {
                encode($0, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(text)[..<count]))
            }
            return whole
        }
    }

    /// The bytes of such a text; nil for foreign characters, bytes that are not whole, and misplaced padding. Taken as others
    /// write it: the padding may be missing, all of it, and spare bits may be set.
    package func bytes(padded text: [UInt8]) -> [UInt8]? {
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let count = text.count - padding
        guard padding == 0 || padding < 3 && text.count % 4 == 0, count % 4 != 1 else { return nil }
        return text.withUnsafeBytes { text in
            try? [UInt8](unsafeUninitializedCapacity: count * 6 / 8) { bytes, written in
                written = count * 6 / 8
                let room = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[..<written]))
                _ = try decode(leniently: UnsafeRawBufferPointer(rebasing: text[..<count]), into: room)
            }
        }
    }
}
