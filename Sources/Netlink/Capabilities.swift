internal import CMnl

/// What the calling thread may do.
package enum Capabilities {
    /// CAP_NET_ADMIN is effective in the calling thread: links, addresses and routes of its network
    /// namespace can be changed (capabilities(7)). Inside a user namespace of its own a thread may have
    /// it and still be refused, so errors of the kernel are to be heeded as well.
    package static var hasNetAdmin: Bool {
        netlink_effective_capabilities() & (1 << UInt64(CAP_NET_ADMIN)) != 0
    }
}
