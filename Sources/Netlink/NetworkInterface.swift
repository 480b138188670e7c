internal import CMnl
internal import Wire

/// A network interface as the kernel describes it (what `ip link` shows).
package struct NetworkInterface: Hashable, Sendable {
    package let index: UInt32
    package let name: String
    /// The driver's kind, "tun", "veth", "bridge"; empty for hardware and lo.
    package let kind: String
    /// Bytes of the largest packet.
    package let mtu: UInt32
    package let flags: InterfaceFlags
    /// Text that an administrator, or this program, put on it; empty by default.
    package let alias: String
    /// Whether there is a carrier: for a TUN device, whether a process holds it open. Nil when not told.
    package let hasCarrier: Bool?
    /// Packets that the transmit queue holds.
    package let transmitQueueLength: UInt32
    /// The index of the bridge it is a port of; 0 for none.
    package let master: UInt32
    /// How link-local IPv6 addresses come about; nil when not told (it has no IPv6 at all: its MTU is or was below 1280).
    package let addressGeneration: AddressGeneration?
    /// Bytes of the largest IPv6 packet (sysctl `mtu` of the interface); nil when not told.
    package let ipv6MTU: UInt32?
    /// Whether IPv6 is switched off (sysctl `disable_ipv6`); nil when not told.
    package let isIPv6Disabled: Bool?

    package var isUp: Bool { flags.contains(.up) }

    /// Decodes the body of an RTM_NEWLINK or RTM_DELLINK message. Nil when it is cut short, nameless, or not
    /// about the interface itself: bridges use the same message, with a family of theirs, for their ports.
    ///
    ///     family, pad (2), type (2), index (4), flags (4), changed (4), attributes (rtnetlink(7), `struct ifinfomsg`)
    package init?(decoding body: UnsafeRawBufferPointer) {
        guard body.host(UInt8.self, at: 0) == UInt8(AF_UNSPEC), let index = body.host(UInt32.self, at: 4),
            let flags = body.host(UInt32.self, at: 8), index > 0
        else { return nil }
        var name = ""
        var kind = ""
        var alias = ""
        var mtu: UInt32 = 0
        var carrier: UInt8?
        var queue: UInt32 = 0
        var master: UInt32 = 0
        var family = IPv6Settings()
        for attribute in Attributes(body.tail(from: MemoryLayout<ifinfomsg>.size)) {
            switch Int(attribute.type) {
            case IFLA_IFNAME: name = attribute.payload.text
            case IFLA_IFALIAS: alias = attribute.payload.text
            case IFLA_MTU: mtu = attribute.u32 ?? 0
            case IFLA_CARRIER: carrier = attribute.u8
            case IFLA_TXQLEN: queue = attribute.u32 ?? 0
            case IFLA_MASTER: master = attribute.u32 ?? 0
            case IFLA_LINKINFO:
                for part in attribute.nested where Int(part.type) == IFLA_INFO_KIND { kind = part.payload.text }
            case IFLA_AF_SPEC:
                family.read(attribute.nested)
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
        self.index = index
        self.name = name
        self.kind = kind
        self.mtu = mtu
        self.flags = InterfaceFlags(rawValue: flags)
        self.alias = alias
        self.hasCarrier = carrier.map { $0 != 0 }
        self.transmitQueueLength = queue
        self.master = master
        self.addressGeneration = family.generation
        self.ipv6MTU = family.mtu
        self.isIPv6Disabled = family.isDisabled
    }

    /// What IFLA_AF_SPEC says of IPv6. Its sysctls come as an array of int32 in the order of `DEVCONF_...` (linux/ipv6.h), which only
    /// ever grows at its end.
    private struct IPv6Settings {
        var generation: AddressGeneration?
        var mtu: UInt32?
        var isDisabled: Bool?

        private static let mtuPlace = 2
        private static let disabledPlace = 26

        mutating func read(_ families: Attributes) {
            for family in families where family.type == UInt16(AddressFamily.ipv6.rawValue) {
                for part in family.nested {
                    switch Int(part.type) {
                    case IFLA_INET6_ADDR_GEN_MODE: generation = part.u8.flatMap { AddressGeneration(rawValue: $0) }
                    case IFLA_INET6_CONF:
                        mtu = part.payload.host(UInt32.self, at: Self.mtuPlace * 4)
                        isDisabled = part.payload.host(Int32.self, at: Self.disabledPlace * 4).map { $0 != 0 }
                    default: break
                    }
                }
            }
        }
    }

    /// Why a text cannot be an interface's name (the kernel's `dev_valid_name`), or nil when it can.
    package static func nameFault(_ name: String) -> String? {
        let limit = Int(IFNAMSIZ) - 1
        switch true {
        case name.isEmpty: return "an interface name must not be empty"
        case name.utf8.count > limit: return "an interface name has at most \(limit) bytes"
        case name == "." || name == "..": return "\"\(name)\" is no interface name"
        case name.utf8.contains(where: {
            $0 <= 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":")
        }):
            return "an interface name consists of printable ASCII without spaces, '/' and ':'"
        case name.utf8.contains(UInt8(ascii: "%")):
            return "an interface name without '%': the kernel would put a number in its place"
        default: return nil
        }
    }
}

/// The flags of netdevice(7) that matter here.
package struct InterfaceFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Set up by the administrator.
    package static let up = InterfaceFlags(rawValue: 1 << 0)
    package static let loopback = InterfaceFlags(rawValue: 1 << 3)
    package static let pointToPoint = InterfaceFlags(rawValue: 1 << 4)
    /// Up, and with a carrier.
    package static let running = InterfaceFlags(rawValue: 1 << 6)
    package static let multicast = InterfaceFlags(rawValue: 1 << 12)
}

/// How the kernel makes an interface's link-local IPv6 address (`enum in6_addr_gen_mode`).
package enum AddressGeneration: UInt8, Sendable {
    case eui64 = 0
    /// None at all: no link-local address, and no router solicitation either.
    case none = 1
    case stablePrivacy = 2
    case random = 3
}
