internal import CNftnl
internal import Netlink

/// nf_tables within netfilter's netlink: the subsystem stands in the upper byte of the message type.
extension NetlinkRequest {
    /// A dump, over all families or of one. Where a table is named, the family must be: the kernel ends with the first
    /// table of that name.
    static func nfTables(
        _ message: nf_tables_msg_types, _ operation: String, family: NftFamily? = nil
    ) -> NetlinkRequest {
        var request = NetlinkRequest(
            type: nfTablesType(message), flags: UInt16(NLM_F_DUMP), operation: operation, object: "")
        request.put(
            fixed: nfgenmsg(
                nfgen_family: family?.rawValue ?? UInt8(NFPROTO_UNSPEC), version: UInt8(NFNETLINK_V0), res_id: 0))
        return request
    }
}

extension NetlinkMessage {
    func isNfTables(_ message: nf_tables_msg_types) -> Bool {
        type == nfTablesType(message) && body.count >= MemoryLayout<nfgenmsg>.size
    }

    /// The message as libnftnl takes it. It reads by the header's length, which was checked against the
    /// datagram when the message was cut out of it.
    func withHeader<R>(_ body: (UnsafePointer<nlmsghdr>?) -> R) -> R {
        body(whole.baseAddress?.assumingMemoryBound(to: nlmsghdr.self))
    }
}

private func nfTablesType(_ message: nf_tables_msg_types) -> UInt16 {
    UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(message.rawValue)
}
