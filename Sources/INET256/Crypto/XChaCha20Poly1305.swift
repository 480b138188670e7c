internal import CSodium
public import Wire

/// ChaCha20-Poly1305 with a 24-byte nonce (draft-irtf-cfrg-xchacha-03), long enough to be drawn at random:
/// for cookie replies, where there is no counter to share. Not for the data path; it allocates its results.
public enum XChaCha20Poly1305 {
    public static let nonceCount = 24
    public static let keyCount = 32
    public static let tagCount = 16

    /// `message` encrypted, with the 16-byte tag behind it. `nonce` has 24 bytes, `key` 32 (preconditions).
    public static func seal(
        _ message: [UInt8], nonce: [UInt8], additional: [UInt8], key: UnsafeRawBufferPointer
    ) -> [UInt8] {
        precondition(nonce.count == nonceCount && key.count == keyCount, "a nonce has 24 bytes, a key 32")
        Sodium.start()
        return [UInt8](unsafeUninitializedCapacity: message.count + tagCount) { output, count in
            _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                UnsafeMutableRawBufferPointer(output).bytePointer, nil, message, UInt64(message.count), additional,
                UInt64(additional.count), nil,
                nonce, key.bytePointer)
            count = message.count + tagCount
        }
    }

    /// The message in `sealed`, tag included; nil when it is forged, too short or not sealed with these
    /// arguments. A nonce of another length than 24 opens nothing. `key` has 32 bytes (a precondition).
    public static func open(
        _ sealed: [UInt8], nonce: [UInt8], additional: [UInt8], key: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        precondition(key.count == keyCount, "a key has 32 bytes")
        guard sealed.count >= tagCount, nonce.count == nonceCount else { return nil }
        Sodium.start()
        var opened = false
        let message = [UInt8](unsafeUninitializedCapacity: sealed.count - tagCount) { output, count in
            opened =
                crypto_aead_xchacha20poly1305_ietf_decrypt(
                    UnsafeMutableRawBufferPointer(output).bytePointer, nil, nil, sealed, UInt64(sealed.count),
                    additional,
                    UInt64(additional.count), nonce, key.bytePointer) == 0
            count = opened ? sealed.count - tagCount : 0
        }
        return opened ? message : nil
    }

    public static func seal(_ message: [UInt8], nonce: [UInt8], additional: [UInt8], key: Bytes32) -> [UInt8] {
        key.withBytes { seal(message, nonce: nonce, additional: additional, key: $0) }
    }

    public static func open(_ sealed: [UInt8], nonce: [UInt8], additional: [UInt8], key: Bytes32) -> [UInt8]? {
        key.withBytes { open(sealed, nonce: nonce, additional: additional, key: $0) }
    }

    public static func seal(_ message: [UInt8], nonce: [UInt8], additional: [UInt8], key: SecretBytes) -> [UInt8] {
        key.withBytes { seal(message, nonce: nonce, additional: additional, key: $0) }
    }

    public static func open(_ sealed: [UInt8], nonce: [UInt8], additional: [UInt8], key: SecretBytes) -> [UInt8]? {
        key.withBytes { open(sealed, nonce: nonce, additional: additional, key: $0) }
    }
}
