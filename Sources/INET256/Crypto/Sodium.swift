internal import CSodium
public import Wire

/// The cryptographic library of the box. Everything in this folder starts it before first use, so calling
/// `start` is only needed to pay that cost at a known moment, such as before privileges are dropped.
public enum Sodium {
    /// Runs `sodium_init` once per process: it picks the fastest implementations that the processor has and
    /// opens the system's random source. Safe from any thread; later calls cost one comparison.
    public static func start() { _ = ready }

    private static let ready: Void = {
        // Without random bytes no key may be made and no handshake begun: there is nothing to go on with.
        precondition(sodium_init() >= 0, "libsodium cannot be initialised: no source of randomness")
    }()
}

/// Random bytes from the operating system (getrandom, through libsodium).
public final class SystemRandom: RandomSource, Sendable {
    public init() { Sodium.start() }

    public func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress else { return }
        randombytes_buf(base, buffer.count)
    }
}

/// Compares two buffers in a time that depends on their length alone. Buffers of different lengths are
/// unequal; their lengths are not secret.
public func constantTimeEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let first = a.baseAddress, let second = b.baseAddress else { return true }
    return sodium_memcmp(first, second, a.count) == 0
}
