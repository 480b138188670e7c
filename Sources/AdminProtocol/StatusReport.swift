/// What the daemon tells about itself: the body of `GET /admin/status`, and what `status` and `peers` print.
/// Keys are snake_case on the wire; fields are added over time, never renamed.
package struct StatusReport: Codable, Sendable, Equatable {
    package var version: String
    package var pid: Int32
    package var uptimeSeconds: Double
    /// The address of the box's own key, 43 characters.
    package var mainAddr: String
    /// The main address's place in the portal's prefix (RFC 5952 text).
    package var ip6Addr: String?
    package var network: NetworkStatus
    package var transportAddrs: [TransportStatus] = []
    package var portal: PortalStatus
    package var peers: [PeerStatus] = []
    package var sessions: [SessionStatus] = []
    package var nodes: [LocalNodeStatus] = []
    /// Threads that carry packets; nil while the data plane does not answer.
    package var threads: Int?
    /// How they stand to other programs: `realtime` or `normal`; nil while the data plane does not answer.
    package var scheduling: String?
    /// Packets that the further threads left to the first one; nil with one thread.
    package var threadHandovers: UInt64?
    /// Nil while the data plane does not answer.
    package var applicationMessages: MessageCounts?
    /// Packets dropped since the start, by reason.
    package var drops: [String: UInt64] = [:]
    package var firewall = FirewallStatus()
    /// What this box offers to seal sessions with, its favourite first.
    package var suites: [SuiteStatus] = []
    /// Handshakes that ended with keys, since the start.
    package var handshakes: UInt64 = 0
    /// How often something was due again in the instant in which it was done, and was put off: a fault of this program.
    package var stuckDeadlines: UInt64?
    /// Addresses whose key is on two machines; nil while the data plane does not answer.
    package var sameKey: [SameKeyStatus]?
    /// Nil while the data plane does not answer.
    package var reach: ReachReport?
    /// Bytes held in queues and for reassembly.
    package var queuedBytes: UInt64 = 0
    /// What the operator should look at, one sentence each.
    package var warnings: [String] = []
    package var memoryRssBytes: UInt64 = 0
    /// Nil where peers are not looked for, and of a daemon that does not say.
    package var discovery: DiscoveryStatus?
    /// Nil of a daemon that does not say.
    package var dns: NamesStatus?
    /// The key that the box had before, while it answers under that as well.
    package var formerKey: FormerKeyStatus?
    /// Peers that have a new key, which waits to be accepted; nil of a daemon that does not say.
    package var newKeys: [NewKeyStatus]?
    /// Keys of the configuration's file whose values, read by a reload, wait for a restart; nil of a daemon that does not say.
    package var needsRestart: [String]?
    /// The configuration's file has been written since it was last taken over.
    package var configurationUnread: Bool?
    /// Where that file is; nil of a daemon that does not say.
    package var configurationFile: String?

    package init(
        version: String, pid: Int32, uptimeSeconds: Double, mainAddr: String, network: NetworkStatus,
        portal: PortalStatus
    ) {
        self.version = version
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.mainAddr = mainAddr
        self.network = network
        self.portal = portal
    }

    enum CodingKeys: String, CodingKey {
        case version, pid
        case uptimeSeconds = "uptime_seconds"
        case mainAddr = "main_addr"
        case ip6Addr = "ip6_addr"
        case network
        case transportAddrs = "transport_addrs"
        case threads, scheduling
        case threadHandovers = "thread_handovers"
        case portal, peers, sessions, nodes, drops, firewall, suites, handshakes, warnings, reach, discovery, dns
        case applicationMessages = "application_messages"
        case stuckDeadlines = "stuck_deadlines"
        case sameKey = "same_key"
        case queuedBytes = "queued_bytes"
        case memoryRssBytes = "memory_rss_bytes"
        case formerKey = "former_key"
        case newKeys = "new_keys"
        case needsRestart = "needs_restart"
        case configurationUnread = "configuration_unread"
        case configurationFile = "configuration_file"
    }
}

/// A key that is on two machines, of which one is reached.
package struct SameKeyStatus: Codable, Sendable, Equatable {
    package var address: String
    /// Whether one of the two is this one.
    package var isHere: Bool
    /// Since the last sign of it.
    package var ageSeconds: Double

    package init(address: String, isHere: Bool, ageSeconds: Double) {
        self.address = address
        self.isHere = isHere
        self.ageSeconds = ageSeconds
    }

    enum CodingKeys: String, CodingKey {
        case address
        case isHere = "is_here"
        case ageSeconds = "age_seconds"
    }
}

/// The routing algorithm and its own numbers.
package struct NetworkStatus: Codable, Sendable, Equatable {
    package var name: String
    package var statistics: [String: Int64]

    package init(name: String, statistics: [String: Int64] = [:]) {
        self.name = name
        self.statistics = statistics
    }
}

/// A suite of the handshake, and the library that its cipher is taken from here.
package struct SuiteStatus: Codable, Sendable, Equatable {
    /// The suite's number on the wire.
    package var suite: Int
    package var cipher: String
    package var backend: String

    package init(suite: Int, cipher: String, backend: String) {
        self.suite = suite
        self.cipher = cipher
        self.backend = backend
    }
}

/// One configured transport and the sockets it has.
package struct TransportStatus: Codable, Sendable, Equatable {
    /// As configured, such as "udp://[::]:25632".
    package var listen: String
    /// The endpoints that the kernel gave.
    package var bound: [String]
    /// Whether datagrams cross the kernel several at once: "segmentation" out, "joining" in.
    package var offloads: [String] = []

    package init(listen: String, bound: [String]) {
        self.listen = listen
        self.bound = bound
    }
}

/// Counts of both directions, since the thing they belong to began.
package struct Traffic: Codable, Sendable, Equatable {
    package var rxPackets: UInt64
    package var rxBytes: UInt64
    package var txPackets: UInt64
    package var txBytes: UInt64

    package init(rxPackets: UInt64 = 0, rxBytes: UInt64 = 0, txPackets: UInt64 = 0, txBytes: UInt64 = 0) {
        self.rxPackets = rxPackets
        self.rxBytes = rxBytes
        self.txPackets = txPackets
        self.txBytes = txBytes
    }

    enum CodingKeys: String, CodingKey {
        case rxPackets = "rx_packets"
        case rxBytes = "rx_bytes"
        case txPackets = "tx_packets"
        case txBytes = "tx_bytes"
    }
}

/// Messages of applications' nodes since the start, wherever they go and come from.
package struct MessageCounts: Codable, Sendable, Equatable {
    /// Taken from applications.
    package var sent: UInt64
    /// Handed to them.
    package var received: UInt64

    package init(sent: UInt64, received: UInt64) {
        self.sent = sent
        self.received = received
    }
}

/// The portal: `traffic.rx` is what came out of the mesh into the interface.
package struct PortalStatus: Codable, Sendable, Equatable {
    package var enabled: Bool
    /// Whether interface, address and routes are as they should be, as measured for this report.
    package var up = false
    /// What is not, a sentence each.
    package var damage: [String] = []
    /// How often something that others had changed was put back, since the start.
    package var repairs: UInt64 = 0
    /// What the interface is called now.
    package var interface: String?
    /// What it should be called.
    package var configuredInterface: String?
    package var address: String?
    package var prefix: String?
    /// In bytes.
    package var mtu: Int?
    /// What the kernel leaves to the portal and takes from it (TUN offloads); empty when all packets cross one by one.
    package var offloads: [String] = []
    package var traffic = Traffic()
    /// Packets the portal dropped, by reason.
    package var drops: [String: UInt64] = [:]
    /// When the prefix is held unreachable while the portal does not serve it: "always", "running" or "off".
    package var guarding: String?
    /// Parts of the prefix that stay with the machine's own network.
    package var exceptions: [PortalExceptionStatus] = []

    package init(enabled: Bool) { self.enabled = enabled }

    enum CodingKeys: String, CodingKey {
        case enabled, up, damage, repairs, interface, address, prefix, mtu, offloads, traffic, drops, exceptions
        case configuredInterface = "configured_interface"
        case guarding = "guard"
    }
}

/// A part of the portal's prefix that is not the mesh's on this machine.
package struct PortalExceptionStatus: Codable, Sendable, Equatable {
    package var prefix: String
    /// "portal.except", or what the machine has there, such as its nameserver.
    package var reason: String
    /// Where packets for it go, such as "via fe80::1 dev eth0".
    package var way: String
    /// Whether the route there is one of ours.
    package var isLaid: Bool

    package init(prefix: String, reason: String, way: String, isLaid: Bool) {
        self.prefix = prefix
        self.reason = reason
        self.way = way
        self.isLaid = isLaid
    }

    enum CodingKeys: String, CodingKey {
        case prefix, reason, way
        case isLaid = "is_laid"
    }
}

/// A node that this box hosts: its own, further ones of the configuration, or an application's.
package struct LocalNodeStatus: Codable, Sendable, Equatable {
    package var address: String
    package var ip6Addr: String?
    /// "main", "configured" or "application".
    package var origin: String

    package init(address: String, ip6Addr: String?, origin: String) {
        self.address = address
        self.ip6Addr = ip6Addr
        self.origin = origin
    }

    enum CodingKeys: String, CodingKey {
        case address, origin
        case ip6Addr = "ip6_addr"
    }
}

/// Whether anything filters what comes in by the portal. `firewall show` has the rules.
package struct FirewallStatus: Codable, Sendable, Equatable {
    /// Whether this daemon enforces a policy of its own: its table is in the kernel, whole, and about the portal's interface, as measured
    /// for this report.
    package var enforced: Bool
    /// Such as "inet inet256vpn".
    package var table: String?
    /// Whether the kernel keeps everybody else from changing the table.
    package var owned = false
    /// What becomes of inbound packets that no rule decides on: "deny", "reject" or "allow".
    package var inboundDefault: String?
    /// Of both directions.
    package var rules = 0
    /// Other tables' input chains that were found, such as "inet filter input".
    package var inputFilters: [String]
    /// Chains of other tables that can drop what goes through the portal, either way, each with its hook: "inet filter/out policy drop
    /// at output".
    package var otherFilters: [String] = []
    package var note: String?

    package init(enforced: Bool = false, inputFilters: [String] = [], note: String? = nil) {
        self.enforced = enforced
        self.inputFilters = inputFilters
        self.note = note
    }

    enum CodingKeys: String, CodingKey {
        case enforced, table, owned, rules, note
        case inboundDefault = "inbound_default"
        case inputFilters = "input_filters"
        case otherFilters = "other_filters"
    }
}
