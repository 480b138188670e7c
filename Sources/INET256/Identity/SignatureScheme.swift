/// Why a signature was refused.
public enum PurposeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The purpose begins with `inet256/`, which is kept for implementations (INET256 specification, section 5).
    case reserved(String)

    public var description: String {
        switch self {
        case .reserved(let purpose):
            "the purpose \(String(reflecting: purpose)) begins with \(SignatureScheme.reservedPrefix): it is reserved"
        }
    }
}

/// The INET256 Signature Scheme (specification, section 5), by which one key serves many purposes without a
/// signature for one being good for another:
///
///     sigCtx = CSHAKE256("", purpose)
///     sig = Sign(private_key, CSHAKE256("", sigCtx, input))
///
/// Read with the arguments in the order of a cSHAKE library: function name N, customisation S, then the message X.
/// So both lines leave N empty; the first customises with the purpose and has no message, the second customises with
/// sigCtx and hashes the input. "CSHAKE is customized with a purpose string. The input to CSHAKE is the bytes of the
/// message to be signed. Signatures are performed on 512 bits of output from CSHAKE": 64 bytes, of sigCtx too.
public enum SignatureScheme {
    /// Length of an Ed25519 signature in bytes.
    public static let signatureCount = 64
    /// What the purposes of implementations begin with, and those of applications must not.
    public static let reservedPrefix = "inet256/"
    /// 512 bits, in bytes.
    static let digestCount = 64

    /// Whether `purpose` is kept for implementations. Compared byte by byte: to Unicode, texts may be equal that
    /// are not the same bytes.
    public static func isReserved(_ purpose: String) -> Bool {
        purpose.utf8.starts(with: reservedPrefix.utf8)
    }

    /// The 64 bytes that are signed in place of `message`.
    static func digest(purpose: String, message: UnsafeRawBufferPointer) -> [UInt8] {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let context = Array(purpose.utf8).withUnsafeBytes { purpose in
            var hash = Shake256(functionName: none, customization: purpose)
            return hash.squeeze(count: digestCount)
        }
        return context.withUnsafeBytes { context in
            var hash = Shake256(functionName: none, customization: context)
            hash.absorb(message)
            return hash.squeeze(count: digestCount)
        }
    }
}
