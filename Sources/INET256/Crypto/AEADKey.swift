internal import CSodium

/// The ciphers that seal datagrams. The raw value is the suite's number on the wire.
public enum Cipher: UInt8, Sendable, CaseIterable {
    /// RFC 8439. Fast everywhere.
    case chaCha20Poly1305 = 1
    /// NIST SP 800-38D with a 256-bit key. Only where the processor has AES instructions.
    case aes256GCM = 2

    /// Whether this machine can use it.
    public var isAvailable: Bool {
        switch self {
        case .chaCha20Poly1305: return true
        case .aes256GCM:
            Sodium.start()
            return crypto_aead_aes256gcm_is_available() == 1
        }
    }

    /// For status and logs.
    public var name: String {
        switch self {
        case .chaCha20Poly1305: "ChaCha20-Poly1305"
        case .aes256GCM: "AES-256-GCM"
        }
    }
}

/// The key of one direction of a session. Sealing and opening work in place and allocate nothing.
///
/// Nonces are counters: 32 zero bits, then the 64-bit counter in little-endian order (Noise section 12.3
/// for ChaChaPoly; the same order is used for AES-GCM). The caller never uses a counter twice for sealing.
public final class AEADKey: @unchecked Sendable {
    /// Bytes that sealing adds behind the text.
    public static let tagCount = 16
    /// Bytes of a key.
    public static let keyCount = 32
    /// Bytes of a nonce, for both ciphers.
    private static let nonceCount = 12

    public let cipher: Cipher
    /// The key itself, or AES's round keys and tables. Held as long as `material` points into it.
    private let secret: SecretBytes
    private let material: UnsafeMutableRawPointer

    /// `key` has 32 bytes and `cipher` is available on this machine (preconditions).
    public init(_ cipher: Cipher, key: SecretBytes) {
        precondition(key.count == Self.keyCount, "an AEAD key has 32 bytes")
        precondition(cipher.isAvailable, "the processor lacks the instructions for this cipher")
        Sodium.start()
        self.cipher = cipher
        switch cipher {
        case .chaCha20Poly1305:
            // A copy, because the caller may go on to derive the next key into its own.
            secret = key.withBytes { SecretBytes(copying: $0) }
            material = secret.address
        case .aes256GCM:
            secret = SecretBytes(count: MemoryLayout<crypto_aead_aes256gcm_state>.size)
            material = secret.address
            let state = material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
            _ = key.withBytes { crypto_aead_aes256gcm_beforenm(state, $0.bytePointer) }
        }
    }

    /// Encrypts the first `count` bytes of `buffer` in place and writes the 16-byte tag right behind them:
    /// `buffer` has room for `count + tagCount` bytes.
    public func seal(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UInt64, additional: UnsafeRawBufferPointer
    ) {
        let text = buffer.assumingMemoryBound(to: UInt8.self)
        let length = UInt64(count)
        let extra = UInt64(additional.count)
        Self.withNonce(nonce) { nonce in
            switch cipher {
            case .chaCha20Poly1305:
                let key = material.assumingMemoryBound(to: UInt8.self)
                _ = crypto_aead_chacha20poly1305_ietf_encrypt(
                    text, nil, text, length, additional.bytePointer, extra, nil, nonce, key)
            case .aes256GCM:
                let state = material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
                _ = crypto_aead_aes256gcm_encrypt_afternm(
                    text, nil, text, length, additional.bytePointer, extra, nil, nonce, state)
            }
        }
    }

    /// Checks the tag in the last 16 of `count` bytes and decrypts the others in place. False when anything
    /// was altered, when `count` is below `tagCount`, or when counter or additional bytes are not those of
    /// the sealing; `buffer` then holds nothing of use.
    public func open(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UInt64, additional: UnsafeRawBufferPointer
    ) -> Bool {
        guard count >= Self.tagCount else { return false }
        let text = buffer.assumingMemoryBound(to: UInt8.self)
        let length = UInt64(count)
        let extra = UInt64(additional.count)
        return Self.withNonce(nonce) { nonce in
            switch cipher {
            case .chaCha20Poly1305:
                let key = material.assumingMemoryBound(to: UInt8.self)
                return crypto_aead_chacha20poly1305_ietf_decrypt(
                    text, nil, nil, text, length, additional.bytePointer, extra, nonce, key) == 0
            case .aes256GCM:
                let state = material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
                return crypto_aead_aes256gcm_decrypt_afternm(
                    text, nil, nil, text, length, additional.bytePointer, extra, nonce, state) == 0
            }
        }
    }

    @inline(__always)
    private static func withNonce<R>(_ counter: UInt64, _ body: (UnsafePointer<UInt8>) -> R) -> R {
        var nonce = (
            UInt32(0), UInt32(truncatingIfNeeded: counter).littleEndian,
            UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        )
        return withUnsafeMutablePointer(to: &nonce) { pointer in
            pointer.withMemoryRebound(to: UInt8.self, capacity: nonceCount) { body($0) }
        }
    }
}
