package import Portal
package import Wire

/// The TUN interface.
package struct PortalConfiguration: Equatable, Sendable {
    package var enabled = true
    package var interface = "inet256"
    package var prefix = standardPrefix
    /// In bytes; nil follows the largest that a path to a peer carries, from `PortalConfiguration.leastMTU` up.
    package var mtu: Int?
    /// Whether the kernel hands over and takes packets that are cut and summed later (TUN offloads), where it can.
    package var offload = OffloadChoice.auto
    /// What the datagrams that carry packets bear as DSCP.
    package var dscp = DSCPChoice.clear
    /// Whether the device outlives the daemon.
    package var persistent = false
    /// When the prefix and the networks behind others are held unreachable.
    package var guarding = PortalGuard.always
    /// Parts of the prefix that are not the mesh's on this machine; sorted, none within another.
    package var except: [IPv6Prefix] = []
    /// The routing table of the prefix's route; nil is the kernel's main table.
    package var table: UInt32?
    /// The route's metric; nil leaves it to the kernel.
    package var metric: UInt32?
    package var allow = PortalAccess.any

    package init() {}

    /// fd00::/8, the locally assigned half of the unique local addresses (RFC 4193).
    package static let standardPrefix: IPv6Prefix = {
        guard let prefix = IPv6Prefix("fd00::/8") else { preconditionFailure("fd00::/8 is a prefix") }
        return prefix
    }()
    /// The longest prefix: the map needs 7 bits and identity bits behind it.
    static let prefixLengths = 1...64
    /// In bytes: what any IPv6 link carries (RFC 8200 section 5). Larger ones need a path that carries
    /// them, or the session fragments.
    package static let leastMTU = 1280
    package static let mtus = 1280...65535
    /// 0 stands for "unspecified" in rtnetlink(7).
    static let tables = 1...Int(UInt32.max)
    /// What is beyond is the metric of the guard and of what is kept out of the portal.
    static let metrics = 1...Int(PortalMark.exceptionMetric - 1)
}

extension PortalConfiguration {
    static let table = Section(
        "portal", expected: "a mapping such as {interface: inet256}",
        comment: "The TUN interface. With `enabled: false` the daemon needs no privilege and only relays."
    ) {
        Setting(
            "portal.enabled", \.portal.enabled, .flag, .restart,
            help: "`false`: no interface, and no privilege is needed")
        Setting(
            "portal.interface", \.portal.interface, interfaceName, .restart,
            help:
                "the interface's name; [given back when it is renamed](docs/portal.md), like everything about it that others change"
        )
        Setting(
            "portal.prefix", \.portal.prefix, prefix, .restart,
            comment: "Where the IPv6 addresses of all nodes lie. The same on every box of a network.",
            help:
                "where all nodes' IPv6 addresses lie, {range}; the same on every box; see [*Your own networks*](#your-own-networks)"
        )
        Setting(
            "portal.except", \.portal.except, exceptions, .reload,
            comment: """
                Parts of the prefix that are not the mesh's on this machine, such as a company's own networks behind the
                default router: what goes there takes the way that it would have without the portal.
                """,
            help: "parts of the prefix that are not the mesh's on this machine: `[fd12:3456:789a::/48]`"
        )
        .turn(.last).placed(in: .told, behind: "portal.allow")
        .inFile(.lines("except: []\n#  - fd12:3456:789a::/48"))
        Setting(
            "portal.guard", \.portal.guarding, .word, .restart,
            comment: """
                While the portal does not serve it the prefix is unreachable, so that nothing meant for the mesh ever goes out
                in clear by the default route: always (whatever ends the daemon; `inet256vpn guard release` ends it), running
                (until the daemon has stopped) or off.
                """,
            help:
                "for how long the prefix is unreachable while no portal serves it: `always`, `running`, `off`; see [*On the machine*](#security)"
        )
        .placed(in: .told, behind: "portal.persistent")
        Setting(
            "portal.mtu", \.portal.mtu, .number(mtus, or: "auto"), .restart,
            comment: "In bytes, {range}; auto follows what paths to peers carry.",
            help: "what the best path to a neighbour carries, found by probing; or {range}; see *Limits*")
        Setting(
            "portal.offload", \.portal.offload, .word, .restart,
            comment:
                "Whether the kernel may hand over and take large packets that are cut and summed here: auto or off.",
            help: "`off`: packets cross the kernel one by one, with whole checksums")
        Setting(
            "portal.dscp", \.portal.dscp, dscp, .restart,
            comment:
                "The DSCP of the datagrams that carry packets: clear, inherit (that of the packet inside) or {range}.",
            help:
                "what the datagrams that carry packets bear: `clear`, `inherit` (that of the packet inside) or {range}. ECN is carried either way"
        )
        .placed(in: .told, behind: "portal.mtu")
        Setting(
            "portal.persistent", \.portal.persistent, .flag, .restart,
            comment: "Whether the interface stays when the daemon stops.",
            help:
                "keep the interface when the daemon stops; one that is there already is taken into use, and stays as it was"
        )
        Setting(
            "portal.table", \.portal.table, .number(tables), .restart,
            comment: """
                The routing table and the metric of the prefix's route (the kernel's choice by default), \(tables.lowerBound) to
                \(tables.upperBound) and \(metrics.upperBound).
                """,
            help: "of the prefix's route, {range}"
        )
        .inFile(.sample("254")).usually("kernel's")
        Setting(
            "portal.metric", \.portal.metric, .number(metrics), .restart,
            help: "of the prefix's route, {range}; beyond are the guard's"
        )
        .inFile(.sample("1024")).usually("kernel's")
        Setting(
            "portal.allow", \.portal.allow, .access, .reload,
            comment: "Whose packets pass: any, peers, and names and addresses of nodes.",
            help: "whose packets pass the portal: `any`, `peers`, names, addresses"
        )
        .turn(.behindNames)
    }
}
