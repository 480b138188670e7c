internal import CNftnl
internal import Netlink

/// What a counter has counted.
package struct FirewallCount: Hashable, Sendable {
    package var packets: UInt64
    package var bytes: UInt64

    package init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }

    /// All counters of a table, by name.
    static func all(in table: String, _ socket: NetlinkSocket) throws(NetlinkError) -> [String: FirewallCount] {
        var request = NetlinkRequest.nfTables(NFT_MSG_GETOBJ, "list nftables counters", family: .inet)
        request.put(UInt16(NFTA_OBJ_TABLE.rawValue), text: table)
        request.put(UInt16(NFTA_OBJ_TYPE.rawValue), u32: UInt32(NFT_OBJECT_COUNTER).bigEndian)
        let pairs = try socket.collect(request) { decode($0, table) }
        return Dictionary(pairs, uniquingKeysWith: { _, last in last })
    }

    private static func decode(_ message: NetlinkMessage, _ table: String) -> (String, FirewallCount)? {
        guard message.isNfTables(NFT_MSG_NEWOBJ), let parsed = ParsedCounter(message), parsed.table == table
        else { return nil }
        return parsed.value
    }
}

/// Owns libnftnl's picture of a counter.
private struct ParsedCounter: ~Copyable {
    private let picture: NftPicture
    private var object: OpaquePointer { picture.object }

    /// Nil for what is no counter of the family inet.
    init?(_ message: NetlinkMessage) {
        guard
            let picture = NftPicture(
                message, alloc: nftnl_obj_alloc, parse: nftnl_obj_nlmsg_parse, free: nftnl_obj_free),
            nftnl_obj_get_u32(picture.object, UInt16(NFTNL_OBJ_TYPE)) == UInt32(NFT_OBJECT_COUNTER),
            nftnl_obj_get_u32(picture.object, UInt16(NFTNL_OBJ_FAMILY)) == UInt32(NFPROTO_INET)
        else { return nil }
        self.picture = picture
    }

    var table: String? { nftnl_obj_get_str(object, UInt16(NFTNL_OBJ_TABLE)).map { String(cString: $0) } }

    var value: (String, FirewallCount)? {
        guard let name = nftnl_obj_get_str(object, UInt16(NFTNL_OBJ_NAME)) else { return nil }
        let count = FirewallCount(
            packets: nftnl_obj_get_u64(object, UInt16(NFTNL_OBJ_CTR_PKTS)),
            bytes: nftnl_obj_get_u64(object, UInt16(NFTNL_OBJ_CTR_BYTES)))
        return (String(cString: name), count)
    }
}
