internal import CNftnl

/// One transaction for nf_tables: a beginning, messages, an end, in one buffer that grows. The kernel takes all of it
/// or nothing, so it goes out in one piece.
///
/// Messages are numbered from 0 in their order; whoever sends the batch adds its own start. The same content always
/// gives the same bytes.
package struct NftBatch: ~Copyable {
    /// What each message is about, by its number.
    private(set) var subjects: [NftSubject] = []
    private var storage: UnsafeMutableRawBufferPointer
    private var count = 0
    /// Sets that are new in a batch have a number of their own there (NFTA_SET_ID).
    private var sets: UInt32 = 0

    /// Enough for any message without elements and rules: libnftnl writes without asking how much room there is.
    static let room = 16 << 10
    /// A nest of elements ends at 64 KiB; the one that goes beyond that is taken back after it was written.
    static let roomForElements = 128 << 10
    private static let initialSize = 256 << 10

    private init() { storage = Self.zeroed(Self.initialSize) }

    deinit { storage.deallocate() }

    /// A batch with the messages that `body` puts.
    static func transaction(_ body: (inout NftBatch) -> Void) -> NftBatch {
        var batch = NftBatch()
        // Only here: the one acknowledgement says that everything is done.
        batch.control(.begin) { start, number in
            let header = nftnl_batch_begin(start, number)
            header?.pointee.nlmsg_flags |= UInt16(NLM_F_ACK)
            return header
        }
        body(&batch)
        batch.control(.end) { start, number in nftnl_batch_end(start, number) }
        return batch
    }

    /// How many messages it has, its beginning and end included.
    package var messages: Int { subjects.count }

    package func withBytes<R, E: Error>(_ body: (UnsafeMutableRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeMutableRawBufferPointer(rebasing: storage[0..<count]))
    }

    /// A number for a set that is new in this batch.
    mutating func nextSet() -> UInt32 {
        sets += 1
        return sets
    }

    /// Puts one message for the family `inet`.
    mutating func put(
        _ type: nf_tables_msg_types, _ subject: NftSubject, flags: Int32 = 0, room: Int = Self.room,
        _ payload: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) {
        append(subject, room: room) { start, number in
            let header = nftnl_nlmsg_build_hdr(
                start, UInt16(type.rawValue), UInt16(NFPROTO_INET), UInt16(flags), number)
            if let header { payload(header) }
            return header
        }
    }

    private mutating func control(
        _ subject: NftSubject, _ write: (UnsafeMutablePointer<CChar>, UInt32) -> UnsafeMutablePointer<nlmsghdr>?
    ) { append(subject, room: Self.room, write) }

    private mutating func append(
        _ subject: NftSubject, room: Int,
        _ write: (UnsafeMutablePointer<CChar>, UInt32) -> UnsafeMutablePointer<nlmsghdr>?
    ) {
        reserve(room)
        guard let base = storage.baseAddress else { return }
        let start = (base + count).assumingMemoryBound(to: CChar.self)
        guard let header = write(start, UInt32(subjects.count)) else { return }
        // Every attribute is padded, and so is the whole.
        count += Int(header.pointee.nlmsg_len)
        precondition(count <= storage.count, "a message outgrew the room that was kept for it")
        subjects.append(subject)
    }

    private mutating func reserve(_ room: Int) {
        guard count + room > storage.count else { return }
        let larger = Self.zeroed(max(2 * storage.count, count + room))
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[0..<count]))
        storage.deallocate()
        storage = larger
    }

    /// Zeroes, so that what is left between fields is the same each time.
    private static func zeroed(_ size: Int) -> UnsafeMutableRawBufferPointer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        return buffer
    }
}
