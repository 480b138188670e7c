internal import CSodium
public import Wire

/// Diffie-Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// The public key of a secret of 32 bytes (a precondition). Any 32 bytes are a secret.
    public static func publicKey(of secret: SecretBytes) -> Bytes32 {
        precondition(secret.count == Bytes32.count, "an X25519 secret has 32 bytes")
        Sodium.start()
        return secret.withBytes { secret in
            Bytes32.filled { _ = crypto_scalarmult_curve25519_base($0.bytePointer, secret.bytePointer) }
        }
    }

    /// What the holder of `secret` (32 bytes, a precondition) and the holder of `point`'s secret have in
    /// common. Nil when that is all zero, as a point of small order makes it whatever the secret
    /// (RFC 7748 section 6.1).
    public static func agree(_ secret: SecretBytes, _ point: Bytes32) -> SecretBytes? {
        precondition(secret.count == Bytes32.count, "an X25519 secret has 32 bytes")
        Sodium.start()
        let shared = SecretBytes(count: Bytes32.count)
        let agreed = shared.withMutableBytes { shared in
            secret.withBytes { secret in
                point.withBytes { point in
                    crypto_scalarmult_curve25519(shared.bytePointer, secret.bytePointer, point.bytePointer) == 0
                        && sodium_is_zero(shared.bytePointer, shared.count) == 0
                }
            }
        }
        return agreed ? shared : nil
    }
}

extension Bytes32 {
    /// The 32 bytes that `body` writes; zero where it writes nothing.
    static func filled<E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) -> Bytes32 {
        var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        try withUnsafeMutableBytes(of: &words) { (bytes) throws(E) in try body(bytes) }
        return Bytes32(
            words: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian))
    }
}
