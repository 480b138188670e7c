internal import Wire

/// The serialized form of keys (INET256 specification, section 1.2):
///
///     | tag length, 16 bits little-endian | tag, ASCII | key |
///
/// Strict: one algorithm, exact lengths, nothing behind.
enum SerializedKey {
    /// The public key: tag "ed25519", 32 bytes. 41 bytes in all.
    static let publicHeader = header("ed25519")
    static let publicCount = publicHeader.count + Bytes32.count
    /// The private key: tag "ed25519.private", seed and public key of 32 bytes each. 81 bytes in all.
    static let privateHeader = header("ed25519.private")
    static let privateCount = privateHeader.count + 2 * Bytes32.count

    private static let lengthCount = 2
    /// Tags longer than this are not shown to people, nor taken for tags.
    private static let longestTag = 64

    private static func header(_ tag: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittle(UInt16(tag.utf8.count))
        return bytes + Array(tag.utf8)
    }

    /// The key bytes behind `publicHeader`.
    static func publicBody(_ bytes: UnsafeRawBufferPointer) throws(KeyError) -> UnsafeRawBufferPointer {
        try body(bytes, behind: publicHeader, count: publicCount, other: privateHeader, otherIs: .privateKeyGiven)
    }

    /// The key bytes behind `privateHeader`.
    static func privateBody(_ bytes: UnsafeRawBufferPointer) throws(KeyError) -> UnsafeRawBufferPointer {
        try body(bytes, behind: privateHeader, count: privateCount, other: publicHeader, otherIs: .publicKeyGiven)
    }

    private static func body(
        _ bytes: UnsafeRawBufferPointer, behind header: [UInt8], count: Int, other: [UInt8], otherIs otherKind: KeyError
    ) throws(KeyError) -> UnsafeRawBufferPointer {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.starts(with: header) else {
            if header.starts(with: bytes) { throw .truncated(expected: count, actual: bytes.count) }
            if bytes.starts(with: other) { throw otherKind }
            if let tag = tag(bytes) { throw .unsupportedAlgorithm(tag) }
            throw .unrecognised
        }
        if bytes.count < count { throw .truncated(expected: count, actual: bytes.count) }
        if bytes.count > count { throw .trailingBytes(expected: count, actual: bytes.count) }
        return UnsafeRawBufferPointer(rebasing: bytes[header.count...])
    }

    /// The type tag that `bytes` begins with, if it is one that people can read.
    private static func tag(_ bytes: UnsafeRawBufferPointer) -> String? {
        var reader = ByteReader(bytes)
        guard let length = reader.little(UInt16.self), (1...longestTag).contains(Int(length)),
            let tag = reader.take(Int(length)), tag.allSatisfy({ (0x20...0x7e).contains($0) })
        else { return nil }
        return String(decoding: tag, as: UTF8.self)
    }
}
