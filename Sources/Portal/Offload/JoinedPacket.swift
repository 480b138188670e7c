internal import Glibc

/// One packet on its way to the kernel, in the pieces that it lies in: headers of the joiner's, then payload where it was
/// received. Valid until the joiner's next `add`, and as long as the packets that were added.
package struct JoinedPacket {
    let slices: UnsafePointer<iovec>
    let sliceCount: Int
    /// How many packets it was.
    package let packets: Int
    /// Bytes in all, the virtio header not included.
    package let length: Int
    /// What the kernel must be able to take for it: `.tcpJoining`, `.udpJoining` or nothing.
    package let needs: PortalOffloads
    /// Whether the first slice begins with a virtio header.
    let hasHeader: Bool

    /// Copies everything, the virtio header first, to memory with room for it. Gives the number of bytes.
    func gather(into target: UnsafeMutableRawBufferPointer) -> Int {
        var place = 0
        for index in 0..<sliceCount {
            let slice = slices[index]
            let bytes = UnsafeRawBufferPointer(start: slice.iov_base, count: slice.iov_len)
            UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: bytes)
            place += bytes.count
        }
        return place
    }
}
