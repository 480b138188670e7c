internal import Wire

/// Why a text is not an address.
public enum AddressTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has this many characters instead of 43.
    case wrongLength(Int)
    /// A character outside of `-0-9A-Z_a-z`, at an offset counted from 0.
    case foreignCharacter(Character, offset: Int)
    /// The last character holds two bits more than an address has, and they are not zero. Such a text would be a
    /// second name of the same address.
    case notCanonical

    public var description: String {
        switch self {
        case .wrongLength(let count):
            "an address has \(Address.textCount) characters, this text has \(count)"
        case .foreignCharacter(let character, let offset):
            "character \(offset + 1) of the address, \(String(reflecting: "\(character)")), is not one of -0-9A-Z_a-z"
        case .notCanonical:
            "the last character of the address is not one that an address can end with: is it cut off or mistyped?"
        }
    }
}

/// The text form: base64 without padding over the alphabet `-0-9A-Z_a-z`, whose order is that of ASCII, so that
/// texts sort as addresses do. One address in 64 begins with `-`.
extension Address: LosslessStringConvertible {
    /// Characters of the text form.
    public static let textCount = 43

    public var description: String {
        raw.withBytes { bytes in
            String(unsafeUninitializedCapacity: Self.textCount) { text in
                Base64.ordered.encode(bytes, into: UnsafeMutableRawBufferPointer(text))
                return Self.textCount
            }
        }
    }

    /// Parses the text form. Only the one canonical text of an address is accepted.
    public init(parsing text: some StringProtocol) throws(AddressTextError) {
        // Searched for first: a stray character is the better hint when the length is wrong as well.
        for (offset, character) in text.enumerated() {
            guard let byte = character.asciiValue, Base64.ordered.contains(byte) else {
                throw .foreignCharacter(character, offset: offset)
            }
        }
        let bytes = [UInt8](text.utf8)
        guard bytes.count == Self.textCount else { throw .wrongLength(bytes.count) }
        do throws(Base64.Fault) {
            let raw = try Bytes32.filled { (raw) throws(Base64.Fault) in
                try bytes.withRaw { (text) throws(Base64.Fault) in
                    try Base64.ordered.decode(text, into: raw)
                }
            }
            self.init(raw: raw)
        } catch {
            // Characters and length were looked at above: only the spare bits are left.
            throw .notCanonical
        }
    }

    public init?(_ text: String) {
        guard let address = try? Address(parsing: text) else { return nil }
        self = address
    }
}

/// Coded as its text, also as the key of a dictionary.
extension Address: Codable, CodingKeyRepresentable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public var codingKey: any CodingKey { AddressCodingKey(stringValue: description) }
    public init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

private struct AddressCodingKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
