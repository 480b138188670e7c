/// Base64 over an alphabet of one's choice: three bytes are four characters, most significant bits first.
/// No padding: the lengths in use need none or leave it out.
struct SixBitText: Sendable {
    /// What is wrong with a text, seen as bytes.
    enum Fault: Error {
        case foreignByte(offset: Int)
        /// A length that no whole number of bytes has.
        case impossibleLength
        /// Bits behind the last byte are set: the same bytes have another, canonical text.
        case spareBits
    }

    /// INET256's own alphabet, in the order of ASCII, so that texts sort as the bytes do.
    static let ordered = SixBitText("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
    /// The common alphabet (RFC 4648 section 4).
    static let standard = SixBitText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    private let characters: [UInt8]
    /// The value of each byte, `foreign` where it is not in the alphabet.
    private let values: [UInt8]
    private static let foreign: UInt8 = 0xff

    private init(_ alphabet: StaticString) {
        characters = alphabet.withUTF8Buffer { [UInt8]($0) }
        precondition(characters.count == 64, "six bits tell 64 characters apart")
        var values = [UInt8](repeating: Self.foreign, count: 256)
        for (value, character) in characters.enumerated() { values[Int(character)] = UInt8(value) }
        self.values = values
    }

    func contains(_ byte: UInt8) -> Bool { values[Int(byte)] != Self.foreign }

    /// Characters that `byteCount` bytes take.
    static func textCount(_ byteCount: Int) -> Int { (byteCount * 8 + 5) / 6 }

    /// Writes the text of `bytes` to `text`, which has room for `textCount(bytes.count)` (a precondition).
    func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) {
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
    func decode(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) throws(Fault) {
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
        guard pending & (1 << bits - 1) == 0 else { throw .spareBits }
    }
}
