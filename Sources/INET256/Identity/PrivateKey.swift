internal import CSodium
public import Wire

/// A node's Ed25519 private key, in locked memory. It is never printed.
public final class PrivateKey: Sendable {
    public let publicKey: PublicKey
    /// The same secret for Diffie-Hellman, 32 bytes. `publicKey.x25519()` is its public half.
    public let x25519Secret: SecretBytes
    /// Seed and public key, as libsodium signs with: 64 bytes.
    private let secret: SecretBytes

    /// Lengths in bytes.
    public static let seedCount = 32
    public static let serializedCount = SerializedKey.privateCount

    public var address: Address { publicKey.address }

    /// The key that grows from a seed of 32 bytes (a precondition; RFC 8032 section 5.1.5).
    public init(seed: SecretBytes) {
        precondition(seed.count == Self.seedCount, "an Ed25519 seed has 32 bytes")
        Sodium.start()
        let secret = SecretBytes(count: 2 * Self.seedCount)
        let raw = secret.withMutableBytes { secret in
            seed.withBytes { seed in
                Bytes32.filled {
                    _ = crypto_sign_seed_keypair($0.bytePointer, secret.bytePointer, seed.bytePointer)
                }
            }
        }
        let exchange = SecretBytes(count: Bytes32.count)
        exchange.withMutableBytes { exchange in
            secret.withBytes {
                _ = crypto_sign_ed25519_sk_to_curve25519(exchange.bytePointer, $0.bytePointer)
            }
        }
        self.secret = secret
        x25519Secret = exchange
        publicKey = PublicKey(raw: raw)
    }

    /// A new key.
    public convenience init(generatedFrom random: some RandomSource) {
        self.init(seed: SecretBytes(count: Self.seedCount, from: random))
    }

    /// Parses the binary form: exactly 81 bytes. The public half is computed again from the seed and must be
    /// the one that is given.
    public convenience init(serialized: UnsafeRawBufferPointer) throws(KeyError) {
        let body = try SerializedKey.privateBody(serialized)
        let seed = UnsafeRawBufferPointer(rebasing: body[..<Self.seedCount])
        let given = UnsafeRawBufferPointer(rebasing: body[Self.seedCount...])
        self.init(seed: SecretBytes(copying: seed))
        guard publicKey.raw.withBytes({ constantTimeEqual($0, given) }) else { throw .publicHalfMismatch }
    }

    /// Tag length, tag `ed25519.private`, seed, public key: 81 bytes, as other INET256 software stores them.
    public func serialized() -> SecretBytes {
        let output = SecretBytes(count: Self.serializedCount)
        output.withMutableBytes { output in
            output.copyBytes(from: SerializedKey.privateHeader)
            secret.withBytes { secret in
                UnsafeMutableRawBufferPointer(rebasing: output[SerializedKey.privateHeader.count...])
                    .copyMemory(from: secret)
            }
        }
        return output
    }

    /// Signs `message` for a purpose of this implementation, which begins with `inet256/` (a precondition): 64 bytes.
    public func sign(purpose: String, message: UnsafeRawBufferPointer) -> [UInt8] {
        precondition(SignatureScheme.isReserved(purpose), "our own purposes begin with inet256/")
        return signature(purpose: purpose, message: message)
    }

    public func sign(purpose: String, message: [UInt8]) -> [UInt8] {
        message.withUnsafeBytes { sign(purpose: purpose, message: $0) }
    }

    /// Signs `message` for an application: 64 bytes. Refuses purposes that begin with `inet256/`, so that no
    /// application can make a node speak for itself.
    public func signForApplication(
        purpose: String, message: UnsafeRawBufferPointer
    ) throws(PurposeError) -> [UInt8] {
        guard !SignatureScheme.isReserved(purpose) else { throw .reserved(purpose) }
        return signature(purpose: purpose, message: message)
    }

    public func signForApplication(purpose: String, message: [UInt8]) throws(PurposeError) -> [UInt8] {
        try message.withRaw { (bytes) throws(PurposeError) in
            try signForApplication(purpose: purpose, message: bytes)
        }
    }

    private func signature(purpose: String, message: UnsafeRawBufferPointer) -> [UInt8] {
        let digest = SignatureScheme.digest(purpose: purpose, message: message)
        var signature = [UInt8](repeating: 0, count: SignatureScheme.signatureCount)
        secret.withBytes {
            _ = crypto_sign_detached(&signature, nil, digest, UInt64(digest.count), $0.bytePointer)
        }
        return signature
    }
}

extension PrivateKey: CustomStringConvertible, CustomReflectable {
    /// The address; never the key.
    public var description: String { "PrivateKey(\(address))" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
