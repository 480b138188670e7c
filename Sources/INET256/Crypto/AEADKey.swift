internal import CCiphers
internal import CSodium

/// The key of one direction of a session. Sealing and opening work in place and allocate nothing.
///
/// Nonces are counters: 32 zero bits, then the 64-bit counter in little-endian order (Noise section 12.3
/// for ChaChaPoly; the same order is used for AES-GCM). The caller never uses a counter twice for sealing.
///
/// A key serves one thread at a time: some libraries keep the message at hand beside it.
public final class AEADKey: @unchecked Sendable {
    /// Bytes that sealing adds behind the text.
    public static let tagCount = 16
    /// Bytes of a key.
    public static let keyCount = 32
    /// Bytes of a nonce, for both ciphers.
    static let nonceCount = 12
    /// A text is no longer, in bytes: libcrypto counts with 32 bits. Far above any datagram.
    private static let maximumCount = Int(Int32.max) - tagCount

    public let cipher: Cipher
    public let backend: CipherBackend
    private let way: Way
    /// The key itself, or what its library made of it. Held as long as `material` points into it; nil where the library
    /// keeps its keys itself.
    private let secret: SecretBytes?
    private let material: UnsafeMutableRawPointer

    /// Cipher and backend as one, so that a message costs one branch.
    private enum Way {
        case sodiumChaCha, sodiumAES, openSSL, ipsecMBChaCha, ipsecMBAES
    }

    /// `key` has 32 bytes and `backend` has `cipher` on this machine (preconditions).
    public init(_ cipher: Cipher, key: SecretBytes, backend: CipherBackend = .libsodium) {
        precondition(key.count == Self.keyCount, "an AEAD key has 32 bytes")
        precondition(backend.trouble(with: cipher) == nil, "this cipher cannot be had from this library here")
        self.cipher = cipher
        self.backend = backend
        switch (backend, cipher) {
        case (.libsodium, .chaCha20Poly1305):
            way = .sodiumChaCha
            // A copy, because the caller may go on to derive the next key into its own.
            let copy = key.withBytes { SecretBytes(copying: $0) }
            secret = copy
            material = copy.address
        case (.libsodium, .aes256GCM):
            way = .sodiumAES
            let schedule = SecretBytes(count: MemoryLayout<crypto_aead_aes256gcm_state>.size)
            secret = schedule
            material = schedule.address
            let state = material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
            _ = key.withBytes { crypto_aead_aes256gcm_beforenm(state, $0.bytePointer) }
        case (.openSSL, _):
            way = .openSSL
            secret = nil
            material = key.withBytes { OpenSSL.prepare(cipher, key: $0) }
        case (.ipsecMB, _):
            way = cipher == .aes256GCM ? .ipsecMBAES : .ipsecMBChaCha
            let state = SecretBytes(count: IPsecMB.byteCount(cipher))
            secret = state
            material = state.address
            key.withBytes { IPsecMB.prepare(cipher, in: state.address, key: $0) }
        }
    }

    deinit {
        switch way {
        case .openSSL: OpenSSL.release(material)
        case .sodiumChaCha, .sodiumAES, .ipsecMBChaCha, .ipsecMBAES: break
        }
    }

    /// Encrypts the first `count` bytes of `buffer` in place and writes the 16-byte tag right behind them:
    /// `buffer` has room for `count + tagCount` bytes.
    @inline(__always)
    public func seal(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UInt64, additional: UnsafeRawBufferPointer
    ) {
        var nonce = Nonce(nonce)
        withUnsafeBytes(of: &nonce) { seal(buffer, count: count, nonce: $0.bytePointer, additional: additional) }
    }

    /// Checks the tag in the last 16 of `count` bytes and decrypts the others in place. False when anything
    /// was altered, when `count` is below `tagCount`, or when counter or additional bytes are not those of
    /// the sealing; `buffer` then holds nothing of use.
    @inline(__always)
    public func open(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UInt64, additional: UnsafeRawBufferPointer
    ) -> Bool {
        var nonce = Nonce(nonce)
        return withUnsafeBytes(of: &nonce) {
            open(buffer, count: count, nonce: $0.bytePointer, additional: additional)
        }
    }

    // MARK: With any nonce of 12 bytes, as published examples have them

    func seal(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UnsafePointer<UInt8>, additional: UnsafeRawBufferPointer
    ) {
        precondition(count >= 0 && count <= Self.maximumCount, "no datagram is that long")
        let text = buffer.assumingMemoryBound(to: UInt8.self)
        let extra = additional.bytePointer
        switch way {
        case .sodiumChaCha:
            _ = crypto_aead_chacha20poly1305_ietf_encrypt(
                text, nil, text, UInt64(count), extra, UInt64(additional.count), nil, nonce,
                material.assumingMemoryBound(to: UInt8.self))
        case .sodiumAES:
            _ = crypto_aead_aes256gcm_encrypt_afternm(
                text, nil, text, UInt64(count), extra, UInt64(additional.count), nil, nonce,
                material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self))
        case .openSSL:
            // Rather no process than text that goes out in the clear.
            let isSealed = OpenSSL.seal(material, text, count: count, nonce: nonce, additional: additional)
            precondition(isSealed, "libcrypto refuses to seal")
        case .ipsecMBChaCha:
            ipsecmb_chacha_seal(
                material.assumingMemoryBound(to: UInt8.self), text, count, nonce, extra, additional.count)
        case .ipsecMBAES:
            ipsecmb_gcm_seal(material.assumingMemoryBound(to: UInt8.self), text, count, nonce, extra, additional.count)
        }
    }

    func open(
        _ buffer: UnsafeMutableRawPointer, count: Int, nonce: UnsafePointer<UInt8>, additional: UnsafeRawBufferPointer
    ) -> Bool {
        guard count >= Self.tagCount, count <= Self.maximumCount else { return false }
        let text = buffer.assumingMemoryBound(to: UInt8.self)
        let extra = additional.bytePointer
        switch way {
        case .sodiumChaCha:
            return crypto_aead_chacha20poly1305_ietf_decrypt(
                text, nil, nil, text, UInt64(count), extra, UInt64(additional.count), nonce,
                material.assumingMemoryBound(to: UInt8.self)) == 0
        case .sodiumAES:
            return crypto_aead_aes256gcm_decrypt_afternm(
                text, nil, nil, text, UInt64(count), extra, UInt64(additional.count), nonce,
                material.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)) == 0
        case .openSSL:
            return OpenSSL.open(
                material, text, count: count - Self.tagCount, nonce: nonce, additional: additional)
        case .ipsecMBChaCha:
            return ipsecmb_chacha_open(
                material.assumingMemoryBound(to: UInt8.self), text, count - Self.tagCount, nonce, extra,
                additional.count)
        case .ipsecMBAES:
            return ipsecmb_gcm_open(
                material.assumingMemoryBound(to: UInt8.self), text, count - Self.tagCount, nonce, extra,
                additional.count)
        }
    }

    /// 12 bytes: 32 zero bits and the counter.
    private struct Nonce {
        let zero: UInt32 = 0
        let low: UInt32
        let high: UInt32

        init(_ counter: UInt64) {
            low = UInt32(truncatingIfNeeded: counter).littleEndian
            high = UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        }
    }
}
