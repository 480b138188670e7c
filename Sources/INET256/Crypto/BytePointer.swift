extension UnsafeRawBufferPointer {
    /// The bytes as C functions take them. Never null, not even when empty: some of libsodium's parameters are
    /// declared so, and a length of zero goes with it.
    @inline(__always)
    var bytePointer: UnsafePointer<UInt8> {
        baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(nowhere.pointer)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The bytes as C functions take them, never null.
    @inline(__always)
    var bytePointer: UnsafeMutablePointer<UInt8> {
        baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nowhere.pointer
    }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, which forgets what kind of error its body throws.
    func withRaw<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (bytes) throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}

/// Stands in for the address of a buffer without bytes. Nobody reads or writes there.
private struct Nowhere: @unchecked Sendable {
    let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
}

private let nowhere = Nowhere()
