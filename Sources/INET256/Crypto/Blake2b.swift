internal import CSodium

/// BLAKE2b (RFC 7693), and HMAC over it as Noise's key derivation wants.
public enum Blake2b {
    /// Longest output and longest key, in bytes.
    public static let maximumCount = 64
    /// What HMAC pads its key to, in bytes.
    public static let blockCount = 128
    /// CRYPTO_ALIGN(64) of crypto_generichash_blake2b_state, in bytes.
    private static let stateAlignment = 64

    /// The hash of a and b, one behind the other. `output` has 1 to 64 bytes and decides the hash's length
    /// (a shorter hash is not the beginning of a longer one); `key` has at most 64 bytes and may be empty.
    public static func hash(
        into output: UnsafeMutableRawBufferPointer, key: UnsafeRawBufferPointer, _ a: UnsafeRawBufferPointer,
        _ b: UnsafeRawBufferPointer
    ) {
        precondition((1...maximumCount).contains(output.count), "BLAKE2b gives 1 to 64 bytes")
        precondition(key.count <= maximumCount, "a BLAKE2b key has at most 64 bytes")
        Sodium.start()
        withState { state in
            _ = crypto_generichash_blake2b_init(state, key.bytePointer, key.count, output.count)
            absorb(a, state)
            absorb(b, state)
            _ = crypto_generichash_blake2b_final(state, output.bytePointer, output.count)
        }
    }

    /// HMAC-BLAKE2b of a and b, one behind the other (RFC 2104, block of 128 bytes). `output` has 64 bytes.
    /// A key longer than a block is hashed first.
    public static func hmac(
        into output: UnsafeMutableRawBufferPointer, key: UnsafeRawBufferPointer, _ a: UnsafeRawBufferPointer,
        _ b: UnsafeRawBufferPointer
    ) {
        precondition(output.count == maximumCount, "HMAC-BLAKE2b gives 64 bytes")
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        // Padded key, then the inner hash, in one stretch that is wiped at the end.
        withUnsafeTemporaryAllocation(byteCount: blockCount + maximumCount, alignment: 16) { scratch in
            let pad = UnsafeMutableRawBufferPointer(rebasing: scratch[..<blockCount])
            let inner = UnsafeMutableRawBufferPointer(rebasing: scratch[blockCount...])
            scratch.initializeMemory(as: UInt8.self, repeating: 0)
            if key.count > blockCount {
                hash(into: UnsafeMutableRawBufferPointer(rebasing: pad[..<maximumCount]), key: none, key, none)
            } else {
                pad.copyMemory(from: key)
            }
            for i in 0..<blockCount { pad[i] ^= 0x36 }
            Sodium.start()
            withState { state in
                _ = crypto_generichash_blake2b_init(state, nil, 0, maximumCount)
                absorb(UnsafeRawBufferPointer(pad), state)
                absorb(a, state)
                absorb(b, state)
                _ = crypto_generichash_blake2b_final(state, inner.bytePointer, inner.count)
            }
            for i in 0..<blockCount { pad[i] ^= 0x36 ^ 0x5c }
            hash(into: output, key: none, UnsafeRawBufferPointer(pad), UnsafeRawBufferPointer(inner))
            wipe(scratch)
        }
    }

    /// A hash state on the stack, wiped afterwards. The C type demands an alignment of 64 bytes, which Swift
    /// has no type for: so it is asked for by number and handed on as an opaque pointer.
    @inline(__always)
    private static func withState(_ body: (OpaquePointer) -> Void) {
        let size = crypto_generichash_blake2b_statebytes()
        withUnsafeTemporaryAllocation(byteCount: size, alignment: stateAlignment) { memory in
            body(OpaquePointer(memory.bytePointer))
            wipe(memory)
        }
    }

    @inline(__always)
    private static func absorb(_ bytes: UnsafeRawBufferPointer, _ state: OpaquePointer) {
        guard !bytes.isEmpty else { return }
        _ = crypto_generichash_blake2b_update(state, bytes.bytePointer, UInt64(bytes.count))
    }
}
