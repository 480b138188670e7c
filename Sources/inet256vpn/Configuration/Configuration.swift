internal import API
internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import Wire

/// Everything that the configuration file decides, checked: what is here is ready for use. The initial
/// values are the defaults.
struct Configuration: Equatable, Sendable {
    /// Absolute, as are all paths here: what the file says relative to itself is already resolved.
    var privateKeyPath: String
    var apiEndpoint = APIEndpoint.standard
    var api = APIConfiguration()
    var network = NetworkKind.beaconnet
    /// Nodes that `beaconnet` has room for in its table.
    var maxNodes = Self.standardMaxNodes
    var transports = [TransportConfiguration.standard]
    /// Threads that carry packets.
    var threads = 1
    var scheduling = ThreadScheduling.normal
    var peers: [PeerConfiguration] = []
    var accept = AcceptPolicy.peers
    var crypto = CryptoConfiguration()
    var portal = PortalConfiguration()
    /// Behind this box and behind other nodes.
    var networks: [NetworkConfiguration] = []
    var groups: [GroupConfiguration] = []
    var firewall = FirewallConfiguration()
    var log = LogConfiguration()
    /// Key files of further nodes that this box hosts, besides its own.
    var nodes: [NodeConfiguration] = []
    /// What is to be doubted about the file itself.
    var fileWarnings: [String] = []

    static let threadCounts = 1...64
    static let standardMaxNodes = 4096
    static let nodeCounts = 64...65_536
    static let standardPath = "/etc/inet256vpn/config.yaml"
    /// What `private_key_path` is when the file does not say.
    static let standardKeyName = "./private_key.inet256"

    /// The defaults for a file in `directory`.
    init(directory: String) {
        privateKeyPath = FilePath.resolve(Self.standardKeyName, in: directory)
    }
}

/// The routing algorithms that `network:` selects among.
enum NetworkKind: String, CaseIterable, Codable, Sendable {
    case beaconnet
    case onehop

    /// One line for `list-networks`.
    var summary: String {
        switch self {
        case .beaconnet: "floods signed beacons; every node knows a next hop to every other (the default)"
        case .onehop: "direct neighbours only; nothing is forwarded"
        }
    }
}

/// Who may open a link to this box. Sessions through the network are open to all in any case.
enum AcceptPolicy: String, CaseIterable, Codable, Sendable {
    /// Configured peers alone.
    case peers
    /// Everybody: the box is a public one.
    case any
}

/// One socket that the box listens on and sends from.
struct TransportConfiguration: Hashable, Sendable {
    /// The address and port to bind; port 0 lets the kernel choose.
    var udp: Endpoint
    /// Whether several datagrams cross the kernel in one call (UDP_SEGMENT, UDP_GRO), where it can.
    var offload = OffloadChoice.auto

    static let standard = TransportConfiguration(udp: Endpoint(address: .unspecified, port: 25632))
}

/// A configured neighbour.
struct PeerConfiguration: Hashable, Sendable {
    var id: Address
    var name: String?
    /// Where it may be reached, tried in this order. Empty: it comes to us.
    var endpoints: [PeerEndpoint] = []

    /// What people call it.
    var label: String { name ?? id.description }
}

/// A place where a peer listens: its host may be a name, looked up when it is needed.
struct PeerEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A host name or a numeric address, an IPv6 one without brackets.
    var host: String
    var port: UInt16

    var description: String { host.contains(":") ? "udp://[\(host)]:\(port)" : "udp://\(host):\(port)" }
}

/// What the handshake may agree on.
struct CryptoConfiguration: Equatable, Sendable {
    /// The lowest handshake suite that is accepted.
    var minSuite = 1
    /// In order of preference.
    var ciphers = CipherName.allCases
    /// The libraries that a cipher may be taken from; the fastest that is there is.
    var backends = CipherBackend.allCases
    /// In seconds: the age at which the side that began a session gives it new keys.
    var rekeyAfter = rekeyAges.upperBound

    static let suites = 1...2
    /// In seconds. The standard is the longest that is safe; a handshake needs some round trips, and the old keys are
    /// kept for one change only, for datagrams that are still on their way.
    static let rekeyAges = 2...120
}

enum CipherName: String, CaseIterable, Codable, Sendable {
    case aes256GCM = "aes-256-gcm"
    case chaCha20Poly1305 = "chacha20-poly1305"
}

/// The TUN interface.
struct PortalConfiguration: Equatable, Sendable {
    var enabled = true
    var interface = "inet256"
    var prefix = standardPrefix
    /// In bytes; nil follows the largest that a path to a peer carries, from `PortalConfiguration.leastMTU` up.
    var mtu: Int?
    /// Whether the kernel hands over and takes packets that are cut and summed later (TUN offloads), where it can.
    var offload = OffloadChoice.auto
    /// What the datagrams that carry packets bear as DSCP.
    var dscp = DSCPPolicy.clear
    /// Whether the device outlives the daemon.
    var persistent = false
    /// When the prefix and the networks behind others are held unreachable.
    var guarding = PortalGuard.always
    /// Parts of the prefix that are not the mesh's on this machine; sorted, none within another.
    var except: [IPv6Prefix] = []
    /// The routing table of the prefix's route; nil is the kernel's main table.
    var table: UInt32?
    /// The route's metric; nil leaves it to the kernel.
    var metric: UInt32?
    var allow = PortalAccess.any

    /// fd00::/8, the locally assigned half of the unique local addresses (RFC 4193).
    static let standardPrefix: IPv6Prefix = {
        guard let prefix = IPv6Prefix("fd00::/8") else { preconditionFailure("fd00::/8 is a prefix") }
        return prefix
    }()
    /// The longest prefix: the map needs 7 bits and identity bits behind it.
    static let prefixLengths = 1...64
    /// In bytes: what any IPv6 link carries (RFC 8200 section 5). Larger ones need a path that carries
    /// them, or the session fragments.
    static let leastMTU = 1280
    static let mtus = 1280...65535
    /// 0 stands for "unspecified" in rtnetlink(7).
    static let tables = 1...Int(UInt32.max)
    /// What is beyond is the metric of the guard and of what is kept out of the portal.
    static let metrics = 1...Int(PortalMark.exceptionMetric - 1)
}

enum OffloadChoice: String, CaseIterable, Sendable {
    case auto, off
}

/// Whose packets pass the portal.
enum PortalAccess: Equatable, Sendable {
    /// Everybody's; the firewall decides about services.
    case any
    /// These addresses' alone (names are already resolved), and with `peers` every configured peer's.
    case only(Set<Address>, peers: Bool)

    /// Whether packets of `address` pass when `peers` are configured.
    func permits(_ address: Address, peers configured: [PeerConfiguration]) -> Bool {
        switch self {
        case .any: true
        case .only(let addresses, let peers):
            addresses.contains(address) || peers && configured.contains { $0.id == address }
        }
    }
}

struct NodeConfiguration: Hashable, Sendable {
    var privateKeyPath: String
}

struct LogConfiguration: Equatable, Sendable {
    enum Format: String, CaseIterable, Codable, Sendable {
        case text, json
    }

    var level = Logger.Level.notice
    var format = Format.text
}
