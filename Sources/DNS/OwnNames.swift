internal import Wire

/// What a box calls itself, which it tells its peers: a suggestion. In a peer's zone such a name stands below the name that the peer has
/// given the box, as `NAME.of.BOB.ZONE`, and nowhere else.
package struct OwnNames: Hashable, Sendable {
    /// So many at most, of so many bytes each.
    package static let most = 8
    package static let longest = 63
    /// What stands between such a name and its box's.
    package static let label = "of"
    private static let version: UInt8 = 1

    /// In lower case, each once.
    package let names: [String]

    /// Nil where there are too many, one is none (labels of a-z, 0-9, - and _ with dots between them) or stands twice.
    package init?(_ names: [String]) {
        guard names.count <= Self.most, Set(names).count == names.count, names.allSatisfy(Self.isPossible) else {
            return nil
        }
        self.names = names
    }

    package static func isPossible(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count) && text == text.lowercased() && !text.hasPrefix("-")
            && !text.hasSuffix(".") && DomainName(text) != nil
    }

    // MARK: Between daemons

    /// Version (8 bits), then of each its length (8 bits) and its bytes.
    package var bytes: [UInt8] {
        names.reduce(into: [Self.version]) { bytes, name in
            bytes.append(UInt8(name.utf8.count))
            bytes += Array(name.utf8)
        }
    }

    /// Nil where anything in there is otherwise than this box would write it.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard reader.big(UInt8.self) == Self.version else { return nil }
        var names: [String] = []
        while let count = reader.big(UInt8.self) {
            guard names.count < Self.most, let text = reader.take(Int(count)) else { return nil }
            names.append(String(decoding: text, as: UTF8.self))
        }
        self.init(names)
    }
}
