internal import Wire

/// How long a library takes for a message.
public struct CipherMeasurement: Sendable, Equatable {
    /// Bytes of text in each message.
    public let byteCount: Int
    /// Nanoseconds a message, the best of several rounds: what the machine can do when it is left alone.
    public let sealing: Double
    public let opening: Double

    /// Messages that are sealed one behind the other, then opened: enough for the clock's own time not to show.
    private static let batch = 16

    /// What one thread seals or opens, on average of the two, in Gbit/s of text.
    public var gigabitsPerSecond: Double { Double(byteCount) * 16 / (sealing + opening) }

    /// Measures messages of `byteCount` bytes for about `microseconds`. The cipher can be had from the library on this
    /// machine (a precondition).
    public init(_ cipher: Cipher, _ backend: CipherBackend, byteCount: Int, microseconds: Double = 500) {
        self.byteCount = byteCount
        let key = AEADKey(
            cipher, key: SecretBytes(count: AEADKey.keyCount, from: SystemRandom()), backend: backend)
        let stride = byteCount + AEADKey.tagCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: stride * Self.batch, alignment: 64)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0x5a)
        let messages = UnsafeMutableRawPointer(buffer.bytePointer)
        let header = [UInt8](repeating: 4, count: 16)
        let clock = ContinuousClock()
        (sealing, opening) = header.withRaw { header in
            var best = (sealing: Double.infinity, opening: Double.infinity)
            let end = clock.now + .nanoseconds(Int64(microseconds * 1000))
            // The first rounds find cold caches, and wide registers that the processor still has to power up.
            var rounds = 0
            while rounds < 4 || clock.now < end {
                let began = clock.now
                for place in 0..<Self.batch {
                    key.seal(messages + place * stride, count: byteCount, nonce: UInt64(place), additional: header)
                }
                let middle = clock.now
                var opened = true
                for place in 0..<Self.batch {
                    let message = messages + place * stride
                    opened = key.open(message, count: stride, nonce: UInt64(place), additional: header) && opened
                }
                let finish = clock.now
                precondition(opened, "a library that was checked does not open what it sealed")
                let count = Double(Self.batch)
                best.sealing = min(best.sealing, (middle - began) / .nanoseconds(1) / count)
                best.opening = min(best.opening, (finish - middle) / .nanoseconds(1) / count)
                rounds += 1
            }
            return best
        }
    }
}
