internal import CCiphers
internal import CSodium

/// The ciphers that seal datagrams. The raw value is the suite's number on the wire.
public enum Cipher: UInt8, Sendable, CaseIterable {
    /// RFC 8439. Fast everywhere.
    case chaCha20Poly1305 = 1
    /// NIST SP 800-38D with a 256-bit key. Only where the processor has AES instructions.
    case aes256GCM = 2

    /// Whether libsodium, which is always there, has it on this processor. Other libraries may have it nonetheless.
    public var isAvailable: Bool { CipherBackend.libsodium.trouble(with: self) == nil }

    /// For status and logs.
    public var name: String {
        switch self {
        case .chaCha20Poly1305: "ChaCha20-Poly1305"
        case .aes256GCM: "AES-256-GCM"
        }
    }
}

/// The libraries that a cipher may be taken from. What they make of the same bytes is the same.
public enum CipherBackend: String, Sendable, CaseIterable, Codable {
    /// Always there: the floor that the others are checked against.
    case libsodium
    /// OpenSSL's libcrypto, on every kind of processor.
    case openSSL = "openssl"
    /// Intel's Multi-Buffer Crypto for IPsec: amd64, looked for at run time.
    case ipsecMB = "ipsec-mb"

    /// Why it cannot do `cipher` on this machine; nil when it can.
    func trouble(with cipher: Cipher) -> String? {
        if cipher == .aes256GCM, !ciphers_processor_has_aes() { return "the processor has no AES instructions" }
        switch self {
        case .libsodium:
            Sodium.start()
            guard cipher == .aes256GCM, crypto_aead_aes256gcm_is_available() != 1 else { return nil }
            return "libsodium has no AES-256-GCM for this processor"
        case .openSSL: return OpenSSL.trouble(with: cipher)
        case .ipsecMB: return IPsecMB.trouble
        }
    }
}
