internal import CSodium
public import Wire

/// Looks for a key whose address begins with zero bits. Each such bit makes the IPv6 address bind one bit more
/// of the node's 256, and the key twice as dear to find.
public struct KeyMiner: Sendable {
    /// Zero bits that are wanted at least, 0 to 127: more do not show in an IPv6 address.
    public let leadingZeros: Int
    public static let mostLeadingZeros = 127

    /// Nil when `leadingZeros` is not 0 to 127.
    public init?(leadingZeros: Int) {
        guard (0...Self.mostLeadingZeros).contains(leadingZeros) else { return nil }
        self.leadingZeros = leadingZeros
    }

    /// How many attempts one key takes on average.
    public var expectedAttempts: Double { Double(sign: .plus, exponent: leadingZeros, significand: 1) }

    /// Tries up to `attempts` random seeds; nil when none of them would do. One attempt takes some 20
    /// microseconds; calling this with a few thousand at a time leaves the caller room to show progress and to
    /// stop. Threads that mine together each use a miner and a random source of their own.
    public func mine(attempts: Int, random: some RandomSource) -> PrivateKey? {
        Sodium.start()
        let seed = SecretBytes(count: PrivateKey.seedCount)
        let scratch = SecretBytes(count: 2 * PrivateKey.seedCount)
        for _ in 0..<max(0, attempts) {
            seed.withMutableBytes { random.fill($0) }
            let raw = seed.withBytes { seed in
                scratch.withMutableBytes { scratch in
                    Bytes32.filled {
                        _ = crypto_sign_seed_keypair($0.bytePointer, scratch.bytePointer, seed.bytePointer)
                    }
                }
            }
            if PublicKey.address(of: raw).leadingZeroBits >= leadingZeros { return PrivateKey(seed: seed) }
        }
        return nil
    }
}
