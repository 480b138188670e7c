/// The members of one JSON object (RFC 8259), found in place: requests and answers are an object with a string or two, and
/// a private key among them should not be copied about. Valid as long as the bytes are.
///
/// Members that nobody asks for may hold anything that is JSON. Of two with one name the last counts.
package struct JSONObject {
    enum Value {
        /// What is between the quotes, escapes and all.
        case text(Range<Int>)
        case number(Range<Int>)
        /// With its braces.
        case object(Range<Int>)
        /// A list, true, false or null.
        case other
    }

    typealias Member = (name: Range<Int>, value: Value)

    /// Members of the object.
    package static let mostMembers = 64
    /// Objects and lists inside each other, this one among them.
    package static let deepest = 32

    private let bytes: UnsafeRawBufferPointer
    private let members: [Member]

    /// Nil when `bytes` is not one whole object and nothing else.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(bytes)
        guard let members = scanner.object() else { return nil }
        self.bytes = bytes
        self.members = members
    }

    /// The string called `name` without its escapes, all of it ASCII; nil when there is no such string. It is written
    /// to `target`, which is as long as the whole text at least; what is given is the part written.
    package func copyText(_ name: StaticString, to target: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard case .text(let range)? = value(name), target.count >= range.count else { return nil }
        var count = 0
        var text = JSONText(bytes, range)
        while let scalar = text.next() {
            guard let scalar, scalar.isASCII else { return nil }
            target[count] = UInt8(truncatingIfNeeded: scalar.value)
            count += 1
        }
        return UnsafeRawBufferPointer(rebasing: target[..<count])
    }

    /// As `copyText`, for texts that are no secret.
    package func text(_ name: StaticString) -> [UInt8]? {
        var result: [UInt8]?
        withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 1) { target in
            result = copyText(name, to: target).map { [UInt8]($0) }
        }
        return result
    }

    /// The string called `name`, whatever it says; what is no UTF-8 in it is replaced (U+FFFD).
    package func string(_ name: StaticString) -> String? {
        guard case .text(let range)? = value(name) else { return nil }
        return JSONText.string(bytes, range)
    }

    /// The whole number called `name`.
    package func integer(_ name: StaticString) -> Int? {
        guard case .number(let range)? = value(name) else { return nil }
        return Int(String(decoding: bytes[range], as: UTF8.self))
    }

    /// The object called `name`.
    package func object(_ name: StaticString) -> JSONObject? {
        guard case .object(let range)? = value(name) else { return nil }
        return JSONObject(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    /// Whether there is a member of this name, of whatever kind.
    package func has(_ name: StaticString) -> Bool { value(name) != nil }

    private func value(_ name: StaticString) -> Value? {
        name.withUTF8Buffer { wanted in
            members.last { JSONText.equal(bytes, $0.name, wanted) }?.value
        }
    }
}
