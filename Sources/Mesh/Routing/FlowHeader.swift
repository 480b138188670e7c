/// The bytes that an algorithm has in a relay frame, on their way there.
package struct FlowHeader: Sendable {
    /// The most bytes that an algorithm may have.
    package static let most = 32

    let count: Int
    private var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Zeros. More than `most` are a fault of the algorithm (a precondition).
    init(count: Int = 0) {
        precondition((0...Self.most).contains(count), "a flow's header has at most \(Self.most) bytes")
        self.count = count
    }

    mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        let count = count
        withUnsafeMutableBytes(of: &bytes) { body(UnsafeMutableRawBufferPointer(rebasing: $0[..<count])) }
    }

    @inline(__always)
    func write(to target: UnsafeMutableRawPointer) {
        guard count > 0 else { return }
        withUnsafeBytes(of: bytes) { bytes in
            if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: count) }
        }
    }
}
