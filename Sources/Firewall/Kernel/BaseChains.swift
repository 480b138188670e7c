internal import CNftnl
package import Netlink

/// A chain that packets enter from a hook of the IP layer or of a device.
package struct BaseChain: Hashable, Sendable, CustomStringConvertible {
    package enum Policy: UInt32, Sendable {
        case drop = 0
        case accept = 1
    }

    package let family: NftFamily
    package let table: String
    package let name: String
    package let hook: NftHook
    /// "filter", "nat" or "route".
    package let type: String
    /// Smaller comes first.
    package let priority: Int32
    /// What becomes of packets that no rule decides on.
    package let policy: Policy
    /// How many rules it has: nothing can jump to a base chain, so its use count counts them.
    package let rules: UInt32
    /// The devices that it is for, at a device's hook; a name may end with `*`.
    package let devices: [String]

    /// Whether packets of an interface come by: everywhere but at the hooks of other devices.
    package func isAt(_ interface: String) -> Bool {
        guard hook == .ingress || hook == .egress else { return true }
        return devices.contains { $0.hasSuffix("*") ? interface.hasPrefix($0.dropLast()) : $0 == interface }
    }

    /// Whether it can stop a packet at all.
    package var filters: Bool { type == "filter" && (policy == .drop || rules > 0) }

    /// "inet filter/input policy drop".
    package var description: String { "\(family) \(table)/\(name) policy \(policy)" }
}

/// The base chains of the IP layer and of devices, whoever made them. Listing them takes CAP_NET_ADMIN.
package struct BaseChains {
    private let socket: NetlinkSocket

    /// - Parameter socket: opened on the bus `.netfilter`.
    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// Sorted in the order in which packets pass them at each hook.
    package func list() throws(NetlinkError) -> [BaseChain] {
        let request = NetlinkRequest.nfTables(NFT_MSG_GETCHAIN, "list nftables chains")
        return try socket.collect(request, decode: Self.decode).sorted {
            ($0.hook.rawValue, $0.priority) < ($1.hook.rawValue, $1.priority)
        }
    }

    static func decode(_ message: NetlinkMessage) -> BaseChain? {
        guard message.isNfTables(NFT_MSG_NEWCHAIN), let parsed = ParsedChain(message) else { return nil }
        return parsed.value
    }
}

/// Owns libnftnl's picture of a chain.
private struct ParsedChain: ~Copyable {
    private let picture: NftPicture
    private var chain: OpaquePointer { picture.object }

    init?(_ message: NetlinkMessage) {
        guard
            let picture = NftPicture(
                message, alloc: nftnl_chain_alloc, parse: nftnl_chain_nlmsg_parse, free: nftnl_chain_free)
        else { return nil }
        self.picture = picture
    }

    /// Nil for a chain without a hook, and for one of bridges and of ARP.
    var value: BaseChain? {
        guard let family = NftFamily(rawValue: UInt8(truncatingIfNeeded: u32(NFTNL_CHAIN_FAMILY) ?? 0)),
            let hook = u32(NFTNL_CHAIN_HOOKNUM).flatMap({ NftHook($0, of: family) }),
            let table = text(NFTNL_CHAIN_TABLE), let name = text(NFTNL_CHAIN_NAME)
        else { return nil }
        return BaseChain(
            family: family, table: table, name: name, hook: hook, type: text(NFTNL_CHAIN_TYPE) ?? "",
            priority: nftnl_chain_get_s32(chain, UInt16(NFTNL_CHAIN_PRIO.rawValue)),
            policy: u32(NFTNL_CHAIN_POLICY).flatMap { BaseChain.Policy(rawValue: $0) } ?? .accept,
            rules: u32(NFTNL_CHAIN_USE) ?? 0, devices: devices)
    }

    /// One in an attribute of its own, or several as an array that ends with NULL.
    private var devices: [String] {
        if let one = text(NFTNL_CHAIN_DEV) { return [one] }
        let key = UInt16(NFTNL_CHAIN_DEVICES.rawValue)
        guard nftnl_chain_is_set(chain, key), let names = nftnl_chain_get_array(chain, key) else { return [] }
        var devices: [String] = []
        while let name = names[devices.count] { devices.append(String(cString: name)) }
        return devices
    }

    private func u32(_ attribute: nftnl_chain_attr) -> UInt32? {
        let key = UInt16(attribute.rawValue)
        return nftnl_chain_is_set(chain, key) ? nftnl_chain_get_u32(chain, key) : nil
    }

    private func text(_ attribute: nftnl_chain_attr) -> String? {
        nftnl_chain_get_str(chain, UInt16(attribute.rawValue)).map { String(cString: $0) }
    }
}
