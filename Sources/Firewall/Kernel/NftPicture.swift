internal import CNftnl
internal import Netlink

/// Owns libnftnl's picture of something that a message tells of; read and then let go.
struct NftPicture: ~Copyable {
    let object: OpaquePointer
    private let free: (OpaquePointer?) -> Void

    /// Nil where there is no memory, or where the message is none of the kind that `parse` reads.
    init?(
        _ message: NetlinkMessage, alloc: () -> OpaquePointer?,
        parse: (UnsafePointer<nlmsghdr>?, OpaquePointer?) -> Int32, free: @escaping (OpaquePointer?) -> Void
    ) {
        guard let object = alloc() else { return nil }
        guard message.withHeader({ parse($0, object) }) == 0 else {
            free(object)
            return nil
        }
        self.object = object
        self.free = free
    }

    deinit { free(object) }
}
