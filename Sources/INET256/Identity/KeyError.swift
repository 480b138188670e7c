/// Why bytes or a file are not the key they should be.
public enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing, or nothing but blanks.
    case empty
    /// Begins like the key, but ends early. Counts are in bytes of the binary form.
    case truncated(expected: Int, actual: Int)
    /// The key, with something behind it.
    case trailingBytes(expected: Int, actual: Int)
    /// A public key where a private one is wanted.
    case publicKeyGiven
    /// A private key where a public one is wanted.
    case privateKeyGiven
    /// A key of an algorithm that is not supported, with its type tag.
    case unsupportedAlgorithm(String)
    /// Looks like base64 text, but is not: the offset, counted from 0, of the first wrong character.
    case badText(offset: Int)
    /// Base64 text that ends in the middle of a byte or with bits left over.
    case brokenText
    /// Neither the binary nor the text form of a key.
    case unrecognised
    /// The public half in the file is not that of the seed next to it: the file is damaged or forged.
    case publicHalfMismatch

    public var description: String {
        switch self {
        case .empty: "it is empty"
        case .truncated(let expected, let actual): "it is cut off: \(actual) bytes of \(expected)"
        case .trailingBytes(let expected, let actual): "it has \(actual - expected) bytes too many behind the key"
        case .publicKeyGiven: "it is a public key, a private key is wanted"
        case .privateKeyGiven: "it is a private key, a public key is wanted"
        case .unsupportedAlgorithm(let tag): "keys of type \(String(reflecting: tag)) are not supported, only ed25519"
        case .badText(let offset): "character \(offset + 1) is not base64"
        case .brokenText: "it is base64 text that is cut off or altered at its end"
        case .unrecognised: "it is not an INET256 key, neither in binary form nor as base64 text"
        case .publicHalfMismatch: "its public half does not belong to its seed: it is damaged"
        }
    }
}
