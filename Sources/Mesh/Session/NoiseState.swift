internal import INET256
internal import Wire

/// Why a handshake message was refused. Counted, never answered.
enum HandshakeError: Error, Equatable, Sendable {
    /// A sealed part does not open: forged, or meant for another session.
    case forged
    /// A Diffie-Hellman result is zero: the other end sent a point of small order.
    case zeroSecret
    /// The identity in the payload is not a valid key, or not the one of the Noise static key.
    case badIdentity
    /// The other end proved to be somebody else than was called.
    case wrongAddress(Address)
    /// The other end chose a suite that was not offered, or offers none that is accepted here.
    case noCommonSuite
}

/// The symmetric state of Noise (revision 34, section 5.2) for 25519, ChaChaPoly and BLAKE2b.
///
/// A value: each step works on a copy, so a forged message that fails half-way leaves the handshake as it was. Secrets live in locked memory
/// that is zeroed with the last copy.
struct NoiseState {
    static let protocolName = "Noise_XX_25519_ChaChaPoly_BLAKE2b"
    /// HASHLEN of BLAKE2b.
    static let hashCount = 64

    private(set) var hash: [UInt8]
    private var chainingKey: SecretBytes
    private var key: AEADKey?
    private var nonce: UInt64 = 0

    init(prologue: [UInt8]) {
        // The name is shorter than HASHLEN: padded with zeros, it is the first hash (section 5.2).
        hash = Array(Self.protocolName.utf8)
        hash += [UInt8](repeating: 0, count: Self.hashCount - hash.count)
        chainingKey = hash.withUnsafeBytes { SecretBytes(copying: $0) }
        mixHash(prologue)
    }

    mutating func mixHash(_ bytes: [UInt8]) {
        var next = [UInt8](repeating: 0, count: Self.hashCount)
        next.withUnsafeMutableBytes { out in
            hash.withUnsafeBytes { h in
                bytes.withUnsafeBytes {
                    Blake2b.hash(into: out, key: UnsafeRawBufferPointer(start: nil, count: 0), h, $0)
                }
            }
        }
        hash = next
    }

    /// MixKey with the result of a Diffie-Hellman, or its refusal when that is zero.
    mutating func mixSecret(_ secret: SecretBytes, _ point: Bytes32) throws(HandshakeError) {
        guard let shared = X25519.agree(secret, point) else { throw .zeroSecret }
        let (chaining, cipherKey) = derive(from: shared)
        chainingKey = chaining
        key = AEADKey(.chaCha20Poly1305, key: cipherKey)
        nonce = 0
    }

    mutating func sealAndHash(_ plaintext: [UInt8]) -> [UInt8] {
        guard let key else {
            mixHash(plaintext)
            return plaintext
        }
        var sealed = plaintext + [UInt8](repeating: 0, count: AEADKey.tagCount)
        sealed.withUnsafeMutableBytes { buffer in
            hash.withUnsafeBytes { key.seal(buffer.baseAddress!, count: plaintext.count, nonce: nonce, additional: $0) }
        }
        nonce += 1
        mixHash(sealed)
        return sealed
    }

    mutating func openAndHash(_ sealed: [UInt8]) throws(HandshakeError) -> [UInt8] {
        guard let key else {
            mixHash(sealed)
            return sealed
        }
        guard sealed.count >= AEADKey.tagCount else { throw .forged }
        var opened = sealed
        let good = opened.withUnsafeMutableBytes { buffer in
            hash.withUnsafeBytes { key.open(buffer.baseAddress!, count: sealed.count, nonce: nonce, additional: $0) }
        }
        guard good else { throw .forged }
        nonce += 1
        opened.removeLast(AEADKey.tagCount)
        mixHash(sealed)
        return opened
    }

    /// Split (section 5.2): the keys of initiator to responder and of responder to initiator, 32 bytes each.
    func split() -> (initiator: SecretBytes, responder: SecretBytes) {
        let (first, second) = derive(from: SecretBytes(count: 0))
        return (first.prefix32(), second)
    }

    /// HKDF with two outputs (section 4.3), over HMAC-BLAKE2b: 64 bytes of chaining key, 32 of cipher key.
    private func derive(from input: SecretBytes) -> (SecretBytes, SecretBytes) {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        let temporary = SecretBytes(count: Self.hashCount)
        let first = SecretBytes(count: Self.hashCount)
        let second = SecretBytes(count: Self.hashCount)
        let one: [UInt8] = [1]
        let two: [UInt8] = [2]
        temporary.withMutableBytes { out in
            chainingKey.withBytes { ck in input.withBytes { Blake2b.hmac(into: out, key: ck, $0, empty) } }
        }
        first.withMutableBytes { out in
            temporary.withBytes { key in one.withUnsafeBytes { Blake2b.hmac(into: out, key: key, $0, empty) } }
        }
        second.withMutableBytes { out in
            temporary.withBytes { key in
                first.withBytes { a in two.withUnsafeBytes { Blake2b.hmac(into: out, key: key, a, $0) } }
            }
        }
        return (first, second.prefix32())
    }
}

extension SecretBytes {
    /// The first 32 bytes: what a HASHLEN of 64 is truncated to for a cipher key.
    fileprivate func prefix32() -> SecretBytes {
        withBytes { SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[0..<32])) }
    }
}
