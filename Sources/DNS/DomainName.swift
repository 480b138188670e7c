internal import Wire

/// A whole domain name as messages have it (RFC 1035 section 3.1): labels with a byte of length each and a closing zero, in lower
/// case, so that two names are the same where the protocol says so (RFC 4343).
package struct DomainName: Hashable, Sendable {
    /// At most 255 bytes, and at least the zero.
    package let wire: [UInt8]

    /// In bytes, lengths and the closing zero included.
    package static let longest = 255
    package static let longestLabel = 63

    /// Parses labels with dots between them, and perhaps one behind. Nil where a label is empty or too long, the name is too long, or a
    /// character is none of a-z, 0-9, - and _ in either case: nobody's names here need more.
    package init?(_ text: some StringProtocol) {
        var wire: [UInt8] = []
        let body = text.hasSuffix(".") ? text.dropLast() : text[...]
        for label in body.split(separator: ".", omittingEmptySubsequences: false) {
            let bytes = label.utf8.map(Self.lowered)
            guard (1...Self.longestLabel).contains(bytes.count), bytes.allSatisfy(Self.isPlain) else { return nil }
            wire.append(UInt8(bytes.count))
            wire += bytes
        }
        wire.append(0)
        guard wire.count <= Self.longest else { return nil }
        self.wire = wire
    }

    /// Labels in front of a name; nil where that gets too long.
    package init?(_ labels: String, in parent: DomainName) {
        guard let front = DomainName(labels), front.wire.count - 1 + parent.wire.count <= Self.longest else {
            return nil
        }
        wire = front.wire.dropLast() + parent.wire
    }

    /// Whole and well-formed already.
    init(checked wire: [UInt8]) { self.wire = wire }

    static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Where each label begins, the root's not counted.
    var starts: [Int] {
        var starts: [Int] = []
        var place = 0
        while wire[place] > 0 {
            starts.append(place)
            place += 1 + Int(wire[place])
        }
        return starts
    }

    package var labelCount: Int { starts.count }

    /// Whether it is arpa or below: the names of addresses.
    package var isReverse: Bool { bytes(above: DomainName(checked: [4] + Array("arpa".utf8) + [0])) != nil }

    /// The name without its first label; nil of the root.
    var parent: DomainName? {
        guard let length = wire.first, length > 0 else { return nil }
        return DomainName(checked: Array(wire[(1 + Int(length))...]))
    }

    /// How many bytes of it stand in front of `parent`; nil where it is not that or below it.
    func bytes(above parent: DomainName) -> Int? {
        let front = wire.count - parent.wire.count
        guard front >= 0, wire[front...].elementsEqual(parent.wire) else { return nil }
        // A label may hold what looks like lengths and labels.
        return front == 0 || starts.contains(front) ? front : nil
    }

    /// The labels in front of `parent`; nil where it is not that or below it.
    func labels(above parent: DomainName) -> [ArraySlice<UInt8>]? {
        guard let front = bytes(above: parent) else { return nil }
        return starts.filter { $0 < front }.map { wire[($0 + 1)...($0 + Int(wire[$0]))] }
    }
}

extension DomainName: CustomStringConvertible {
    /// Without a closing dot; "." for the root. What is no plain character is written as RFC 1035 section 5.1 says.
    package var description: String {
        if wire.count == 1 { return "." }
        return starts.map { start in
            wire[(start + 1)...(start + Int(wire[start]))].map { byte in
                if Self.isPlain(byte) { return String(UnicodeScalar(byte)) }
                let digits = String(byte)
                return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }.joined()
        }.joined(separator: ".")
    }
}
