internal import CSodium
public import Wire

/// A node's Ed25519 public key. Its hash is the node's address.
///
/// Any 32 bytes can be held; whether they are a key that somebody may have is what `x25519` tells.
public struct PublicKey: Hashable, Sendable {
    /// The encoded point (RFC 8032 section 5.1.2).
    public let raw: Bytes32
    /// The first 256 bits of SHAKE256 of the serialized key (INET256 specification, section 1.3).
    public let address: Address

    /// Length of the serialized form in bytes.
    public static let serializedCount = SerializedKey.publicCount

    public init(raw: Bytes32) {
        self.raw = raw
        address = Self.address(of: raw)
    }

    /// Parses the serialized form: exactly 41 bytes.
    public init(serialized: UnsafeRawBufferPointer) throws(KeyError) {
        let body = try SerializedKey.publicBody(serialized)
        self.init(raw: Bytes32.filled { $0.copyMemory(from: body) })
    }

    public init(serialized: [UInt8]) throws(KeyError) {
        self = try serialized.withRaw { (bytes) throws(KeyError) in try PublicKey(serialized: bytes) }
    }

    /// Tag length, tag `ed25519`, key: 41 bytes.
    public var serialized: [UInt8] {
        var bytes = SerializedKey.publicHeader
        bytes.append(raw)
        return bytes
    }

    /// Keys are equal when their bytes are; the address follows from them.
    public static func == (a: PublicKey, b: PublicKey) -> Bool { a.raw == b.raw }
    public func hash(into hasher: inout Hasher) { hasher.combine(raw) }

    /// The X25519 key that belongs to the same secret (RFC 7748 section 4.1). Nil unless this key is the
    /// canonical encoding of a point of the main subgroup, and so not of small order: other encodings would let one
    /// secret stand behind several addresses.
    public func x25519() -> Bytes32? {
        Sodium.start()
        var valid = false
        let point = raw.withBytes { raw in
            Bytes32.filled { point in
                valid =
                    crypto_core_ed25519_is_valid_point(raw.bytePointer) == 1
                    && crypto_sign_ed25519_pk_to_curve25519(point.bytePointer, raw.bytePointer) == 0
            }
        }
        return valid ? point : nil
    }

    /// Whether `signature` (64 bytes, else false) was made by this key's owner for `purpose` over `message`.
    public func verify(
        signature: UnsafeRawBufferPointer, purpose: String, message: UnsafeRawBufferPointer
    ) -> Bool {
        guard signature.count == SignatureScheme.signatureCount else { return false }
        Sodium.start()
        let digest = SignatureScheme.digest(purpose: purpose, message: message)
        return raw.withBytes { key in
            crypto_sign_verify_detached(
                signature.bytePointer, digest, UInt64(digest.count), key.bytePointer) == 0
        }
    }

    public func verify(signature: [UInt8], purpose: String, message: [UInt8]) -> Bool {
        signature.withUnsafeBytes { signature in
            message.withUnsafeBytes { verify(signature: signature, purpose: purpose, message: $0) }
        }
    }

    static func address(of raw: Bytes32) -> Address {
        var hash = Shake256()
        hash.absorb(SerializedKey.publicHeader)
        raw.withBytes { hash.absorb($0) }
        return Address(raw: hash.squeezeBytes32())
    }
}

extension PublicKey: CustomStringConvertible {
    /// The address, by which keys are known.
    public var description: String { "PublicKey(\(address))" }
}
