internal import INET256
internal import Wire

/// DATA frames alone, one behind the other as they stand on the wire (`NodeFrame`): what the data plane walks over, a message
/// at a time.
package enum DataFrame {
    /// Where the type and the address stand.
    @inlinable static var type: Int { NodeFrame.lengthCount }
    @inlinable package static var address: Int { NodeFrame.lengthCount + NodeFrame.typeCount }
    @inlinable package static var header: Int { NodeFrame.dataHeaderCount }
    @inlinable static var lengths: ClosedRange<Int> { header - type...NodeFrame.longest }
    /// A header's bytes, to be filled in.
    package static let blank = [UInt8](repeating: 0, count: header)

    /// Bytes of the whole frame that begins at `offset`, or nil when there is none.
    @inlinable @inline(__always)
    package static func count(at offset: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count - offset >= header, let length = bytes.big(UInt32.self, at: offset).map({ Int($0) }),
            let found = bytes.big(UInt32.self, at: offset + type), found == NodeFrame.Kind.data.rawValue,
            lengths.contains(length), bytes.count - offset >= type + length
        else { return nil }
        return type + length
    }

    /// How many whole frames `bytes` begins with.
    package static func messages(in bytes: UnsafeRawBufferPointer) -> UInt64 {
        var offset = 0
        var messages: UInt64 = 0
        while let count = count(at: offset, in: bytes) {
            offset += count
            messages += 1
        }
        return messages
    }
}
