/// What the daemon tells about itself: the body of `GET /admin/status`, and what `status` and `peers` print.
/// Keys are snake_case on the wire; fields are added over time, never renamed.
public struct StatusReport: Codable, Sendable, Equatable {
    public var version: String
    public var pid: Int32
    public var uptimeSeconds: Double
    /// The address of the box's own key, 43 characters.
    public var mainAddr: String
    /// The main address's place in the portal's prefix (RFC 5952 text).
    public var ip6Addr: String?
    public var network: NetworkStatus
    public var transportAddrs: [TransportStatus] = []
    public var portal: PortalStatus
    public var peers: [PeerStatus] = []
    public var sessions: [SessionStatus] = []
    public var nodes: [LocalNodeStatus] = []
    /// Threads that carry packets; nil while the data plane does not answer.
    public var threads: Int?
    /// How they stand to other programs: `realtime` or `normal`; nil while the data plane does not answer.
    public var scheduling: String?
    /// Packets that the further threads left to the first one; nil with one thread.
    public var threadHandovers: UInt64?
    /// Nil while the data plane does not answer.
    public var applicationMessages: MessageCounts?
    /// Packets dropped since the start, by reason.
    public var drops: [String: UInt64] = [:]
    public var firewall: FirewallStatus
    /// What this box offers to seal sessions with, its favourite first.
    public var suites: [SuiteStatus] = []
    /// Handshakes that ended with keys, since the start.
    public var handshakes: UInt64 = 0
    /// How often something was due again in the instant in which it was done, and was put off: a fault of this program.
    public var stuckDeadlines: UInt64?
    /// Addresses whose key is on two machines; nil while the data plane does not answer.
    public var sameKey: [SameKeyStatus]?
    /// Bytes held in queues and for reassembly.
    public var queuedBytes: UInt64 = 0
    /// What the operator should look at, one sentence each.
    public var warnings: [String] = []
    public var memoryRssBytes: UInt64 = 0
    /// Keys of the configuration's file whose values, read by a reload, wait for a restart; nil of a daemon that does not say.
    public var needsRestart: [String]?
    /// The configuration's file has been written since it was last taken over.
    public var configurationUnread: Bool?

    public init(
        version: String, pid: Int32, uptimeSeconds: Double, mainAddr: String, ip6Addr: String?,
        network: NetworkStatus, portal: PortalStatus, firewall: FirewallStatus = FirewallStatus()
    ) {
        self.version = version
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.mainAddr = mainAddr
        self.ip6Addr = ip6Addr
        self.network = network
        self.portal = portal
        self.firewall = firewall
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
        case portal, peers, sessions, nodes, drops, firewall, suites, handshakes, warnings
        case applicationMessages = "application_messages"
        case stuckDeadlines = "stuck_deadlines"
        case sameKey = "same_key"
        case queuedBytes = "queued_bytes"
        case memoryRssBytes = "memory_rss_bytes"
        case needsRestart = "needs_restart"
        case configurationUnread = "configuration_unread"
    }
}

/// A key that is on two machines, of which one is reached.
public struct SameKeyStatus: Codable, Sendable, Equatable {
    public var address: String
    /// Whether one of the two is this one.
    public var isHere: Bool
    /// Since the last sign of it.
    public var ageSeconds: Double

    public init(address: String, isHere: Bool, ageSeconds: Double) {
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
public struct NetworkStatus: Codable, Sendable, Equatable {
    public var name: String
    public var statistics: [String: Int64]

    public init(name: String, statistics: [String: Int64] = [:]) {
        self.name = name
        self.statistics = statistics
    }
}

/// A suite of the handshake, and the library that its cipher is taken from here.
public struct SuiteStatus: Codable, Sendable, Equatable {
    /// The suite's number on the wire.
    public var suite: Int
    public var cipher: String
    public var backend: String

    public init(suite: Int, cipher: String, backend: String) {
        self.suite = suite
        self.cipher = cipher
        self.backend = backend
    }
}

/// One configured transport and the sockets it has.
public struct TransportStatus: Codable, Sendable, Equatable {
    /// As configured, such as "udp://[::]:25632".
    public var listen: String
    /// The endpoints that the kernel gave.
    public var bound: [String]
    /// Whether datagrams cross the kernel several at once: "segmentation" out, "joining" in.
    public var offloads: [String] = []

    public init(listen: String, bound: [String]) {
        self.listen = listen
        self.bound = bound
    }
}

/// Counts of both directions, since the thing they belong to began.
public struct Traffic: Codable, Sendable, Equatable {
    public var rxPackets: UInt64
    public var rxBytes: UInt64
    public var txPackets: UInt64
    public var txBytes: UInt64

    public init(rxPackets: UInt64 = 0, rxBytes: UInt64 = 0, txPackets: UInt64 = 0, txBytes: UInt64 = 0) {
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
public struct MessageCounts: Codable, Sendable, Equatable {
    /// Taken from applications.
    public var sent: UInt64
    /// Handed to them.
    public var received: UInt64

    public init(sent: UInt64, received: UInt64) {
        self.sent = sent
        self.received = received
    }
}

/// The portal: `traffic.rx` is what came out of the mesh into the interface.
public struct PortalStatus: Codable, Sendable, Equatable {
    public var enabled: Bool
    /// Whether interface, address and routes are as they should be, as measured for this report.
    public var up = false
    /// What is not, a sentence each.
    public var damage: [String] = []
    /// How often something that others had changed was put back, since the start.
    public var repairs: UInt64 = 0
    /// What the interface is called now.
    public var interface: String?
    /// What it should be called.
    public var configuredInterface: String?
    public var address: String?
    public var prefix: String?
    /// In bytes.
    public var mtu: Int?
    /// What the kernel leaves to the portal and takes from it (TUN offloads); empty when all packets cross one by one.
    public var offloads: [String] = []
    public var traffic = Traffic()
    /// Packets the portal dropped, by reason.
    public var drops: [String: UInt64] = [:]
    /// When the prefix is held unreachable while the portal does not serve it: "always", "running" or "off".
    public var guarding: String?
    /// Parts of the prefix that stay with the machine's own network.
    public var exceptions: [PortalExceptionStatus] = []

    public init(enabled: Bool) { self.enabled = enabled }

    enum CodingKeys: String, CodingKey {
        case enabled, up, damage, repairs, interface, address, prefix, mtu, offloads, traffic, drops, exceptions
        case configuredInterface = "configured_interface"
        case guarding = "guard"
    }
}

/// A part of the portal's prefix that is not the mesh's on this machine.
public struct PortalExceptionStatus: Codable, Sendable, Equatable {
    public var prefix: String
    /// "portal.except", or what the machine has there, such as its nameserver.
    public var reason: String
    /// Where packets for it go, such as "via fe80::1 dev eth0".
    public var way: String
    /// Whether the route there is one of ours.
    public var isLaid: Bool

    public init(prefix: String, reason: String, way: String, isLaid: Bool) {
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
public struct LocalNodeStatus: Codable, Sendable, Equatable {
    public var address: String
    public var ip6Addr: String?
    /// "main", "configured" or "application".
    public var origin: String

    public init(address: String, ip6Addr: String?, origin: String) {
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
public struct FirewallStatus: Codable, Sendable, Equatable {
    /// Whether this daemon enforces a policy of its own: its table is in the kernel, whole, and about the portal's interface, as measured
    /// for this report.
    public var enforced: Bool
    /// Such as "inet inet256vpn".
    public var table: String?
    /// Whether the kernel keeps everybody else from changing the table.
    public var owned = false
    /// What becomes of inbound packets that no rule decides on: "deny", "reject" or "allow".
    public var inboundDefault: String?
    /// Of both directions.
    public var rules = 0
    /// Other tables' input chains that were found, such as "inet filter input".
    public var inputFilters: [String]
    /// Chains of other tables that can drop what goes through the portal, either way, each with its hook: "inet filter/out policy drop
    /// at output".
    public var otherFilters: [String] = []
    public var note: String?

    public init(enforced: Bool = false, inputFilters: [String] = [], note: String? = nil) {
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
