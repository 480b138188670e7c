internal import CMnl
internal import Glibc

/// Interfaces: inspect and change them (RTM_GETLINK, RTM_NEWLINK, RTM_DELLINK).
package struct Links {
    private let socket: NetlinkSocket

    /// Leaves out the counters, which are most of a link's bytes (RTEXT_FILTER_SKIP_STATS).
    private static let skipStatistics: UInt32 = 1 << 3

    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// All interfaces of the namespace.
    package func list() throws(NetlinkError) -> [NetworkInterface] {
        var request = Self.request(RTM_GETLINK, NLM_F_DUMP, "list interfaces", "")
        request.put(fixed: ifinfomsg())
        request.put(UInt16(IFLA_EXT_MASK), u32: Self.skipStatistics)
        return try socket.collect(request) { NetworkInterface(decoding: $0.body) }
    }

    /// The interface of that name, or nil when there is none.
    package func find(_ name: String) throws(NetlinkError) -> NetworkInterface? {
        var request = Self.request(RTM_GETLINK, 0, "look up interface", name)
        request.put(fixed: ifinfomsg())
        request.put(UInt16(IFLA_IFNAME), text: name)
        request.put(UInt16(IFLA_EXT_MASK), u32: Self.skipStatistics)
        return try first(request)
    }

    /// The interface with that index, or nil when there is none.
    package func find(index: UInt32) throws(NetlinkError) -> NetworkInterface? {
        var request = Self.request(RTM_GETLINK, 0, "look up interface", "#\(index)")
        request.put(fixed: Self.fixed(index))
        request.put(UInt16(IFLA_EXT_MASK), u32: Self.skipStatistics)
        return try first(request)
    }

    package func setUp(_ index: UInt32) throws(NetlinkError) {
        try change(index, "set up interface", flags: UInt32(IFF_UP.rawValue), mask: UInt32(IFF_UP.rawValue)) { _ in }
    }

    package func setDown(_ index: UInt32) throws(NetlinkError) {
        try change(index, "set down interface", flags: 0, mask: UInt32(IFF_UP.rawValue)) { _ in }
    }

    /// - Parameter mtu: bytes; the kernel names its bounds when it refuses.
    package func setMTU(_ index: UInt32, _ mtu: UInt32) throws(NetlinkError) {
        try change(index, "set MTU \(mtu) on interface") { $0.put(UInt16(IFLA_MTU), u32: mtu) }
    }

    /// - Parameter alias: at most 255 bytes; an empty one clears it.
    package func setAlias(_ index: UInt32, _ alias: String) throws(NetlinkError) {
        try change(index, "set alias \"\(alias)\" on interface") { $0.put(UInt16(IFLA_IFALIAS), unterminated: alias) }
    }

    /// EBUSY where the kernel (before 6.2) does not rename what is up; EEXIST when another interface has the name.
    package func rename(_ index: UInt32, to name: String) throws(NetlinkError) {
        try change(index, "rename to \(name) interface") { $0.put(UInt16(IFLA_IFNAME), text: name) }
    }

    /// - Parameter length: in packets.
    package func setTransmitQueueLength(_ index: UInt32, _ length: UInt32) throws(NetlinkError) {
        try change(index, "set queue length \(length) on interface") { $0.put(UInt16(IFLA_TXQLEN), u32: length) }
    }

    /// To be called before the interface goes up: in one message with IFF_UP it would come too late, and a
    /// link-local address and a router solicitation would appear.
    package func setAddressGeneration(_ index: UInt32, _ mode: AddressGeneration) throws(NetlinkError) {
        try change(index, "set IPv6 address generation on interface") { request in
            request.nest(UInt16(IFLA_AF_SPEC)) { request in
                request.nest(UInt16(AddressFamily.ipv6.rawValue)) { request in
                    request.put(UInt16(IFLA_INET6_ADDR_GEN_MODE), u8: mode.rawValue)
                }
            }
        }
    }

    /// Makes the interface a port of a bridge, or of none (0).
    package func setMaster(_ index: UInt32, _ master: UInt32) throws(NetlinkError) {
        try change(index, "set master of interface") { $0.put(UInt16(IFLA_MASTER), u32: master) }
    }

    /// Makes an interface of a kind that needs no parameters: "bridge", "dummy". EEXIST when the name is taken.
    /// (A TUN device is made through /dev/net/tun instead.)
    package func create(_ name: String, kind: String) throws(NetlinkError) {
        var request = Self.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create \(kind) interface", name)
        request.put(fixed: ifinfomsg())
        request.put(UInt16(IFLA_IFNAME), text: name)
        request.nest(UInt16(IFLA_LINKINFO)) { $0.put(UInt16(IFLA_INFO_KIND), text: kind) }
        try socket.execute(request)
    }

    /// Makes two interfaces joined by a cable.
    package func createPair(_ name: String, _ peer: String) throws(NetlinkError) {
        var request = Self.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create veth pair", "\(name) - \(peer)")
        request.put(fixed: ifinfomsg())
        request.put(UInt16(IFLA_IFNAME), text: name)
        request.nest(UInt16(IFLA_LINKINFO)) { request in
            request.put(UInt16(IFLA_INFO_KIND), text: "veth")
            request.nest(UInt16(IFLA_INFO_DATA)) { request in
                request.nest(UInt16(VETH_INFO_PEER)) { request in
                    request.putBare(ifinfomsg())
                    request.put(UInt16(IFLA_IFNAME), text: peer)
                }
            }
        }
        try socket.execute(request)
    }

    /// - Returns: false when there was none.
    @discardableResult
    package func delete(_ index: UInt32) throws(NetlinkError) -> Bool {
        var request = Self.request(RTM_DELLINK, 0, "delete interface", interfaceName(index))
        request.put(fixed: Self.fixed(index))
        do {
            try socket.execute(request)
            return true
        } catch  where error.isMissing {
            return false
        }
    }

    private func first(_ request: borrowing NetlinkRequest) throws(NetlinkError) -> NetworkInterface? {
        do {
            return try socket.collect(request) { NetworkInterface(decoding: $0.body) }.first
        } catch  where error.isMissing {
            return nil
        }
    }

    private func change(
        _ index: UInt32, _ operation: String, flags: UInt32 = 0, mask: UInt32 = 0,
        _ attributes: (inout NetlinkRequest) -> Void
    ) throws(NetlinkError) {
        var request = Self.request(RTM_NEWLINK, 0, operation, interfaceName(index))
        var fixed = Self.fixed(index)
        fixed.ifi_flags = flags
        fixed.ifi_change = mask
        request.put(fixed: fixed)
        attributes(&request)
        try socket.execute(request)
    }

    private static func fixed(_ index: UInt32) -> ifinfomsg {
        var fixed = ifinfomsg()
        // The kernel's indexes are positive 32-bit integers; another value finds no interface.
        fixed.ifi_index = Int32(truncatingIfNeeded: index)
        return fixed
    }

    private static func request(
        _ type: Int, _ flags: Int32, _ operation: String, _ object: String
    ) -> NetlinkRequest {
        NetlinkRequest(type: UInt16(type), flags: UInt16(flags), operation: operation, object: object)
    }
}
