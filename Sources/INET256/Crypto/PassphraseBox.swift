internal import CSodium
package import Wire

/// Bytes under a passphrase: a key by Argon2id (RFC 9106) from it, then XChaCha20-Poly1305.
///
///     magic (16) | passes (8) | memory in bytes (8) | salt (16) | nonce (24) | sealed bytes and tag
///
/// Integers are little-endian; everything before the sealed bytes is authenticated with them.
package enum PassphraseBox {
    private static let magic = Array("INET256 BACKUP 1".utf8)
    private static let saltCount = 16
    private static let headerCount = 16 + 8 + 8 + saltCount + XChaCha20Poly1305.nonceCount
    /// What libsodium calls moderate: 3 passes over 256 MiB, about a second.
    private static let passes: UInt64 = 3
    private static let memory: UInt64 = 256 << 20
    /// What is asked for by a file is asked for by anybody: no more than this.
    private static let mostPasses: UInt64 = 16
    private static let mostMemory: UInt64 = 1 << 30

    package enum Fault: Error, Equatable, CustomStringConvertible {
        case notOne
        case wrongPassphrase
        case noMemory(UInt64)

        package var description: String {
            switch self {
            case .notOne: "this is no backup of inet256vpn, or a part of it is missing"
            case .wrongPassphrase: "the passphrase is not the right one, or the file was changed"
            case .noMemory(let bytes): "there are no \(bytes >> 20) MiB of memory, which the passphrase takes"
            }
        }
    }

    /// - Parameter passphrase: in UTF-8; wiping it is the caller's business.
    package static func seal(
        _ message: [UInt8], passphrase: [UInt8], random: some RandomSource
    ) throws(Fault) -> [UInt8] {
        var header = magic
        header.appendLittle(passes)
        header.appendLittle(memory)
        var drawn = [UInt8](repeating: 0, count: saltCount + XChaCha20Poly1305.nonceCount)
        drawn.withUnsafeMutableBytes { random.fill($0) }
        header += drawn
        let key = try key(passphrase, salt: Array(drawn.prefix(saltCount)), passes, memory)
        return header
            + XChaCha20Poly1305.seal(
                message, nonce: Array(drawn.dropFirst(saltCount)), additional: header, key: key)
    }

    package static func open(_ bytes: [UInt8], passphrase: [UInt8]) throws(Fault) -> [UInt8] {
        guard bytes.count >= headerCount + XChaCha20Poly1305.tagCount, Array(bytes.prefix(magic.count)) == magic else {
            throw .notOne
        }
        let header = Array(bytes.prefix(headerCount))
        let (passes, memory) = header.withUnsafeBytes { raw in
            (raw.little(UInt64.self, at: 16) ?? 0, raw.little(UInt64.self, at: 24) ?? 0)
        }
        guard (1...mostPasses).contains(passes), (8192...mostMemory).contains(memory) else { throw .notOne }
        let salt = Array(header[32..<32 + saltCount])
        let nonce = Array(header[(32 + saltCount)...])
        let key = try key(passphrase, salt: salt, passes, memory)
        guard
            let message = XChaCha20Poly1305.open(
                Array(bytes.dropFirst(headerCount)), nonce: nonce, additional: header, key: key)
        else { throw .wrongPassphrase }
        return message
    }

    private static func key(
        _ passphrase: [UInt8], salt: [UInt8], _ passes: UInt64, _ memory: UInt64
    ) throws(Fault) -> SecretBytes {
        guard !passphrase.isEmpty else { throw .wrongPassphrase }
        Sodium.start()
        let key = SecretBytes(count: XChaCha20Poly1305.keyCount)
        let code = key.withMutableBytes { key in
            passphrase.withUnsafeBytes { words in
                // The bytes of an empty array need not be anywhere.
                guard let first = words.bindMemory(to: CChar.self).baseAddress else { return Int32(-1) }
                return crypto_pwhash(
                    key.bytePointer, UInt64(key.count), first, UInt64(words.count), salt, passes, Int(memory),
                    Int32(crypto_pwhash_ALG_ARGON2ID13))
            }
        }
        guard code == 0 else { throw .noMemory(memory) }
        return key
    }
}
