internal import CNftnl
internal import Netlink
internal import Wire

/// What a table looks like from outside: enough to see that somebody changed it. Handles are never used twice, so a rule
/// that was replaced by its like shows too.
struct TablePicture: Hashable {
    struct Rule: Hashable {
        let chain: String
        let handle: UInt64
    }

    struct Chain: Hashable {
        let name: String
        let handle: UInt64
        /// Nil for a chain without a hook.
        let policy: UInt32?
    }

    let owner: UInt32?
    let isDormant: Bool
    let uses: UInt32
    let chains: [Chain]
    let rules: [Rule]

    /// Nil when there is no such table.
    init?(of name: String, _ socket: NetlinkSocket) throws(NetlinkError) {
        guard let table = try NftTables(socket).list().first(where: { $0.family == .inet && $0.name == name })
        else { return nil }
        owner = table.owner
        isDormant = table.isDormant
        uses = table.uses
        let all = NetlinkRequest.nfTables(NFT_MSG_GETCHAIN, "list nftables chains", family: .inet)
        chains = try socket.collect(all) { Self.chain($0, name) }
        var request = NetlinkRequest.nfTables(NFT_MSG_GETRULE, "list nftables rules", family: .inet)
        request.put(UInt16(NFTA_RULE_TABLE.rawValue), text: name)
        rules = try socket.collect(request) { Self.rule($0, name) }
    }

    private static func chain(_ message: NetlinkMessage, _ table: String) -> Chain? {
        guard message.isNfTables(NFT_MSG_NEWCHAIN), let reading = TableReading(message), reading.table == table
        else { return nil }
        return Chain(
            name: reading.text(NFTA_CHAIN_NAME.rawValue) ?? "", handle: reading.u64(NFTA_CHAIN_HANDLE.rawValue) ?? 0,
            policy: reading.u32(NFTA_CHAIN_POLICY.rawValue))
    }

    private static func rule(_ message: NetlinkMessage, _ table: String) -> Rule? {
        guard message.isNfTables(NFT_MSG_NEWRULE), let reading = TableReading(message), reading.table == table
        else { return nil }
        return Rule(
            chain: reading.text(NFTA_RULE_CHAIN.rawValue) ?? "", handle: reading.u64(NFTA_RULE_HANDLE.rawValue) ?? 0)
    }
}

/// A message about something within an `inet` table: whatever it is about, the table's name is attribute 1
/// (NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE and their like).
struct TableReading {
    private let attributes: Attributes
    let table: String

    /// Nil for other families, and for messages that bear no name.
    init?(_ message: NetlinkMessage) {
        let familyLength = MemoryLayout<nfgenmsg>.size
        guard message.type >> 8 == UInt16(NFNL_SUBSYS_NFTABLES), message.body.count >= familyLength,
            message.body.first == UInt8(NFPROTO_INET)
        else { return nil }
        attributes = Attributes(message.body.tail(from: familyLength))
        let first = attributes.first { $0.type == UInt16(NFTA_TABLE_NAME.rawValue) }
        guard let first else { return nil }
        table = first.payload.terminated
    }

    func text(_ type: UInt32) -> String? { attribute(type)?.payload.terminated }
    func u32(_ type: UInt32) -> UInt32? { attribute(type)?.payload.network(UInt32.self) }
    func u64(_ type: UInt32) -> UInt64? { attribute(type)?.payload.network(UInt64.self) }

    private func attribute(_ type: UInt32) -> Attribute? { attributes.first { $0.type == UInt16(type) } }
}

extension UnsafeRawBufferPointer {
    /// The text up to its NUL.
    var terminated: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }

    /// netfilter's integers are in network order; nil where the payload is too short.
    func network<T: FixedWidthInteger>(_: T.Type) -> T? {
        count >= MemoryLayout<T>.size ? T(bigEndian: loadUnaligned(as: T.self)) : nil
    }
}
