package import INET256

/// A key that is the same for the same number.
package func key(_ number: UInt8) -> PrivateKey {
    let seed = [UInt8](repeating: number, count: PrivateKey.seedCount)
    return PrivateKey(seed: seed.withUnsafeBytes { SecretBytes(copying: $0) })
}
