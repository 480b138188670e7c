package import INET256
package import Wire

/// What proves that somebody was invited: 16 random bytes that only the invitation's line holds. A key is made of them, of which the inviter
/// keeps the public half alone, so that what it keeps is of no use to whoever reads it; and the secret itself is never sent.
package struct InvitationSecret: Sendable {
    /// In bytes: 128 bits, which nobody guesses.
    package static let count = 16

    let bytes: [UInt8]

    package init(random: some RandomSource) {
        var bytes = [UInt8](repeating: 0, count: Self.count)
        bytes.withUnsafeMutableBytes { random.fill($0) }
        self.bytes = bytes
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = bytes
    }

    /// The key that signs for it.
    package var key: PrivateKey {
        let seed = SecretBytes(count: PrivateKey.seedCount)
        seed.withMutableBytes { $0.hash(Array("inet256vpn invitation".utf8), bytes) }
        return PrivateKey(seed: seed)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Fills it, 1 to 64 bytes, with the BLAKE2b hash of both.
    func hash(_ a: [UInt8], _ b: [UInt8]) {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in Blake2b.hash(into: self, key: nothing, a, b) } }
    }
}

/// Which invitation somebody means: the first 64 bits of the hash of its public key. No secret.
package struct InvitationID: Hashable, Sendable, CustomStringConvertible {
    package let value: UInt64

    package init(_ key: PublicKey) { value = key.address.raw.withBytes { $0.loadUnaligned(as: UInt64.self).bigEndian } }

    init(value: UInt64) { self.value = value }

    /// 16 hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, text.utf8.allSatisfy({ $0 < 128 }), let value = UInt64(text, radix: 16) else {
            return nil
        }
        self.value = value
    }

    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
