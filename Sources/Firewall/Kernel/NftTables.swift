internal import CNftnl
package import Netlink

/// A table of nf_tables.
package struct NftTable: Hashable, Sendable, CustomStringConvertible {
    package let family: NftFamily
    package let name: String
    /// Its chains are out of force (NFT_TABLE_F_DORMANT).
    package let isDormant: Bool
    /// The netlink port of the socket that owns it: the table goes with the socket, and nobody else may
    /// change it (NFT_TABLE_F_OWNER). Nil for an ordinary table.
    package let owner: UInt32?
    /// How many chains, sets and objects it has.
    package let uses: UInt32

    /// "inet filter".
    package var description: String { "\(family) \(name)" }
}

/// The tables that are present, whoever made them. Listing them takes CAP_NET_ADMIN.
package struct NftTables {
    private let socket: NetlinkSocket

    /// - Parameter socket: opened on the bus `.netfilter`.
    package init(_ socket: NetlinkSocket) { self.socket = socket }

    package func list() throws(NetlinkError) -> [NftTable] {
        let request = NetlinkRequest.nfTables(NFT_MSG_GETTABLE, "list nftables tables")
        return try socket.collect(request, decode: Self.decode)
    }

    static func decode(_ message: NetlinkMessage) -> NftTable? {
        guard message.isNfTables(NFT_MSG_NEWTABLE), let parsed = ParsedTable(message) else { return nil }
        return parsed.value
    }
}

/// Owns libnftnl's picture of a table.
private struct ParsedTable: ~Copyable {
    private let picture: NftPicture
    private var table: OpaquePointer { picture.object }

    init?(_ message: NetlinkMessage) {
        guard
            let picture = NftPicture(
                message, alloc: nftnl_table_alloc, parse: nftnl_table_nlmsg_parse, free: nftnl_table_free)
        else { return nil }
        self.picture = picture
    }

    var value: NftTable? {
        guard let family = NftFamily(rawValue: UInt8(truncatingIfNeeded: u32(NFTNL_TABLE_FAMILY) ?? 0)),
            let name = nftnl_table_get_str(table, UInt16(NFTNL_TABLE_NAME.rawValue))
        else { return nil }
        let flags = u32(NFTNL_TABLE_FLAGS) ?? 0
        return NftTable(
            family: family, name: String(cString: name), isDormant: flags & UInt32(NFT_TABLE_F_DORMANT.rawValue) != 0,
            owner: u32(NFTNL_TABLE_OWNER), uses: u32(NFTNL_TABLE_USE) ?? 0)
    }

    private func u32(_ attribute: nftnl_table_attr) -> UInt32? {
        let key = UInt16(attribute.rawValue)
        return nftnl_table_is_set(table, key) ? nftnl_table_get_u32(table, key) : nil
    }
}
