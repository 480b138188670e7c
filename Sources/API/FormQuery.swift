/// The fields of a form that was sent by GET: `from=alice&to=tcp%2F22` (WHATWG URL, application/x-www-form-urlencoded). Bounded;
/// what is not in order is left out.
package struct FormQuery: Sendable {
    private var fields: [String: String] = [:]

    /// Fields at most.
    private static let most = 16

    package init(_ query: String) {
        for pair in query.utf8.split(separator: UInt8(ascii: "&"), maxSplits: Self.most).prefix(Self.most) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = parts.count == 2 ? Self.decoded(parts[1]) : "" else {
                continue
            }
            // The first one counts.
            if fields[name] == nil { fields[name] = value }
        }
    }

    package subscript(name: String) -> String? { fields[name] }

    /// Nil for what is no UTF-8 or has a "%" that two hexadecimal digits do not follow.
    private static func decoded(_ bytes: some Sequence<UInt8>) -> String? {
        var result: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): result.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                result.append(high << 4 | low)
            default: result.append(byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
