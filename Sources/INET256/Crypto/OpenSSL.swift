internal import COpenSSL

/// OpenSSL's libcrypto: its two AEADs behind the EVP interface.
///
/// A library context of its own, with the default provider: neither the system's openssl.cnf nor a provider that it
/// names has a say in what seals our datagrams, and no file is opened after privileges are dropped.
enum OpenSSL {
    private struct Library: @unchecked Sendable {
        let chaCha: OpaquePointer?
        let aes: OpaquePointer?
    }

    /// Loaded once a process and kept.
    private static let library: Library = {
        guard let context = OSSL_LIB_CTX_new(), OSSL_PROVIDER_load(context, "default") != nil else {
            return Library(chaCha: nil, aes: nil)
        }
        return Library(
            chaCha: EVP_CIPHER_fetch(context, "ChaCha20-Poly1305", "provider=default"),
            aes: EVP_CIPHER_fetch(context, "AES-256-GCM", "provider=default"))
    }()

    private static func algorithm(_ cipher: Cipher) -> OpaquePointer? {
        switch cipher {
        case .chaCha20Poly1305: library.chaCha
        case .aes256GCM: library.aes
        }
    }

    /// Why it cannot be used; nil when it can.
    static func trouble(with cipher: Cipher) -> String? {
        algorithm(cipher) == nil ? "libcrypto's default provider does not have it" : nil
    }

    // MARK: Keys

    /// A key of 32 bytes made ready. It lies in libcrypto's memory, which `release` zeroes. Running out of memory ends
    /// the process, as everywhere in Swift.
    static func prepare(_ cipher: Cipher, key: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer {
        guard let algorithm = algorithm(cipher), let context = EVP_CIPHER_CTX_new(),
            EVP_CipherInit_ex(context, algorithm, nil, key.bytePointer, nil, 1) == 1
        else { preconditionFailure("libcrypto does not take a key") }
        return UnsafeMutableRawPointer(context)
    }

    static func release(_ key: UnsafeMutableRawPointer) { EVP_CIPHER_CTX_free(OpaquePointer(key)) }

    // MARK: Messages, in place

    /// False when libcrypto refuses, and then the text may still be readable.
    @inline(__always)
    static func seal(
        _ key: UnsafeMutableRawPointer, _ text: UnsafeMutablePointer<UInt8>, count: Int, nonce: UnsafePointer<UInt8>,
        additional: UnsafeRawBufferPointer
    ) -> Bool {
        let context = OpaquePointer(key)
        var written: Int32 = 0
        guard EVP_CipherInit_ex(context, nil, nil, nil, nonce, 1) == 1,
            authenticate(additional, context),
            count == 0 || EVP_CipherUpdate(context, text, &written, text, Int32(count)) == 1,
            EVP_CipherFinal_ex(context, text + count, &written) == 1
        else { return false }
        return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(AEADKey.tagCount), text + count) == 1
    }

    /// `count` is without the tag, which stands behind. When it is wrong the text is zeroed: what libcrypto has
    /// decrypted by then must not be taken for a message.
    @inline(__always)
    static func open(
        _ key: UnsafeMutableRawPointer, _ text: UnsafeMutablePointer<UInt8>, count: Int, nonce: UnsafePointer<UInt8>,
        additional: UnsafeRawBufferPointer
    ) -> Bool {
        let context = OpaquePointer(key)
        var written: Int32 = 0
        guard EVP_CipherInit_ex(context, nil, nil, nil, nonce, 0) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(AEADKey.tagCount), text + count) == 1,
            authenticate(additional, context),
            count == 0 || EVP_CipherUpdate(context, text, &written, text, Int32(count)) == 1,
            EVP_CipherFinal_ex(context, text + count, &written) == 1
        else {
            text.update(repeating: 0, count: count)
            return false
        }
        return true
    }

    @inline(__always)
    private static func authenticate(_ additional: UnsafeRawBufferPointer, _ context: OpaquePointer) -> Bool {
        guard !additional.isEmpty else { return true }
        var written: Int32 = 0
        return EVP_CipherUpdate(context, nil, &written, additional.bytePointer, Int32(additional.count)) == 1
    }
}
