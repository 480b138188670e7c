internal import CSodium
public import Wire

/// Key material in locked memory: never swapped out, not in core dumps, zeroed when the last reference goes.
///
/// A reference, so that handing a key on makes no copy of it. Whoever writes through `withMutableBytes`
/// must be the only user at that moment; afterwards it can be read from any thread.
public final class SecretBytes: @unchecked Sendable {
    /// Length in bytes.
    public let count: Int
    private let slot: SecretSlot

    /// `count` zero bytes.
    public init(count: Int) {
        precondition(count >= 0, "a length is not negative")
        self.count = count
        slot = SecretPool.shared.take(count)
    }

    /// A copy of `bytes`; wiping the original is the caller's business.
    public convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count)
        withMutableBytes { $0.copyMemory(from: bytes) }
    }

    deinit { SecretPool.shared.release(slot) }

    /// The bytes, 16-byte aligned, valid during `body` only.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withExtendedLifetime(self) { () throws(E) -> R in
            try body(UnsafeRawBufferPointer(start: slot.address, count: count))
        }
    }

    /// The bytes for writing, 16-byte aligned, valid during `body` only.
    public func withMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withExtendedLifetime(self) { () throws(E) -> R in
            try body(UnsafeMutableRawBufferPointer(start: slot.address, count: count))
        }
    }

    /// Where the bytes are, for keys that hold `self` as long as they use it.
    var address: UnsafeMutableRawPointer { slot.address }

    /// `count` random bytes.
    public convenience init(count: Int, from random: some RandomSource) {
        self.init(count: count)
        withMutableBytes { random.fill($0) }
    }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
    /// Never the content.
    public var description: String { "SecretBytes(\(count) bytes)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Overwrites memory in a way the optimiser does not drop, for copies of secrets on the stack or in buffers.
func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    sodium_memzero(base, bytes.count)
}
