internal import Wire

/// What key files hold: the binary form of 81 bytes, or standard base64 of it for people who paste keys.
extension PrivateKey {
    /// Characters of the text form. 81 divides by three, so it has no padding.
    public static let textCount = Base64.textCount(serializedCount)

    /// Parses the contents of a key file in either form. Blanks and line breaks are skipped anywhere in the text
    /// form, since base64(1) breaks its lines; the binary form is taken to the byte.
    public static func parse(file contents: UnsafeRawBufferPointer) throws(KeyError) -> PrivateKey {
        // Every binary form has a zero byte among its first two, and no text has one.
        if contents.prefix(2).contains(0) { return try PrivateKey(serialized: contents) }
        let binary = try decode(text: contents)
        return try binary.withBytes { (bytes) throws(KeyError) in try PrivateKey(serialized: bytes) }
    }

    /// The text form: 108 characters of standard base64, without a line break.
    public func text() -> SecretBytes {
        let text = SecretBytes(count: Self.textCount)
        serialized().withBytes { binary in
            text.withMutableBytes { Base64.standard.encode(binary, into: $0) }
        }
        return text
    }

    /// The bytes that a text stands for. It may be of any length, so that a cut or doubled one is named as such.
    private static func decode(text contents: UnsafeRawBufferPointer) throws(KeyError) -> SecretBytes {
        guard contents.count <= longestText else { throw .unrecognised }
        let compact = SecretBytes(count: contents.count)
        let count = try compact.withMutableBytes { (compact) throws(KeyError) -> Int in
            var count = 0
            for (offset, byte) in contents.enumerated() where !blanks.contains(byte) {
                guard Base64.standard.contains(byte) else {
                    // The first character decides whether this was meant to be text at all.
                    throw count == 0 ? .unrecognised : .badText(offset: offset)
                }
                compact[count] = byte
                count += 1
            }
            return count
        }
        guard count > 0 else { throw .empty }
        let binary = SecretBytes(count: count * 6 / 8)
        try compact.withBytes { (compact) throws(KeyError) in
            try binary.withMutableBytes { (binary) throws(KeyError) in
                do {
                    try Base64.standard.decode(UnsafeRawBufferPointer(rebasing: compact[..<count]), into: binary)
                } catch {
                    throw .brokenText
                }
            }
        }
        return binary
    }

    /// Bytes of a text that are looked at, blanks included: some other file given by mistake is not copied into locked
    /// memory.
    private static let longestText = 4096

    /// Space, tab, line feed, carriage return.
    private static let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
}
