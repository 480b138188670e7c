internal import CMnl
internal import Wire

/// Whether the kernel forwards IPv6 between interfaces: net.ipv6.conf.all.forwarding, asked over netlink
/// (RTM_GETNETCONF), because a service under systemd's ProcSubset=pid sees no /proc/sys.
package enum Forwarding {
    package static func isOn(_ socket: NetlinkSocket) throws(NetlinkError) -> Bool {
        var request = NetlinkRequest(
            type: UInt16(RTM_GETNETCONF), flags: 0, operation: "look up forwarding", object: "of IPv6")
        // struct netconfmsg: the family alone.
        request.put(fixed: AddressFamily.ipv6.rawValue)
        request.put(Self.interfaceIndex, u32: Self.allInterfaces)
        let answers = try socket.collect(request) { message in
            Attributes(message.body.tail(from: Self.headerSize)).first { $0.type == Self.forwarding }?.u32
        }
        return answers.contains { $0 != 0 }
    }

    // linux/netconf.h: NETCONFA_IFINDEX, NETCONFA_FORWARDING, and NETCONFA_IFINDEX_ALL, which is -1.
    private static let interfaceIndex: UInt16 = 1
    private static let forwarding: UInt16 = 2
    private static let allInterfaces = UInt32.max
    /// `struct netconfmsg`, padded as the attributes behind it want it (NLMSG_ALIGNTO).
    private static let headerSize = 4
}
