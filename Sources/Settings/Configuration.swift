package import API
package import INET256
package import Logging
package import Netlink
package import Portal
package import Wire

/// Everything that the configuration file decides, checked: what is here is ready for use. The initial
/// values are the defaults.
package struct Configuration: Equatable, Sendable {
    /// Absolute, as are all paths here: what the file says relative to itself is already resolved.
    package var privateKeyPath: String
    package var apiEndpoint = APIEndpoint.standard
    package var api = APIConfiguration()
    package var network = NetworkKind.beaconnet
    /// Nodes that `beaconnet` has room for in its table.
    package var maxNodes = Self.standardMaxNodes
    package var transports = [TransportConfiguration.standard]
    /// Threads that carry packets.
    package var threads = 1
    package var scheduling = SchedulingChoice.normal
    package var peers: [PeerConfiguration] = []
    package var accept = AcceptPolicy.peers
    package var crypto = CryptoConfiguration()
    package var portal = PortalConfiguration()
    /// Behind this box and behind other nodes.
    package var networks: [NetworkConfiguration] = []
    package var groups: [GroupConfiguration] = []
    package var firewall = FirewallConfiguration()
    package var log = LogConfiguration()
    /// Key files of further nodes that this box hosts, besides its own.
    package var nodes: [NodeConfiguration] = []
    /// What is to be doubted about the file itself.
    package var fileWarnings: [String] = []

    package static let threadCounts = 1...64
    package static let standardMaxNodes = 4096
    package static let nodeCounts = 64...65_536
    package static let standardPath = "/etc/inet256vpn/config.yaml"
    /// What `private_key_path` is when the file does not say.
    package static let standardKeyName = "./private_key.inet256"

    /// The defaults for a file in `directory`.
    package init(directory: String) {
        privateKeyPath = FilePath.resolve(Self.standardKeyName, in: directory)
    }
}

/// The routing algorithms that `network:` selects among.
package enum NetworkKind: String, CaseIterable, Codable, Sendable {
    case beaconnet
    case onehop

    /// One line for `list-networks`.
    package var summary: String {
        switch self {
        case .beaconnet: "floods signed beacons; every node knows a next hop to every other (the default)"
        case .onehop: "direct neighbours only; nothing is forwarded"
        }
    }
}

/// Who may open a link to this box. Sessions through the network are open to all in any case.
package enum AcceptPolicy: String, CaseIterable, Codable, Sendable {
    /// Configured peers alone.
    case peers
    /// Everybody: the box is a public one.
    case any
}

/// One socket that the box listens on and sends from.
package struct TransportConfiguration: Hashable, Sendable {
    /// The address and port to bind; port 0 lets the kernel choose.
    package var udp: Endpoint
    /// Whether several datagrams cross the kernel in one call (UDP_SEGMENT, UDP_GRO), where it can.
    package var offload = OffloadChoice.auto

    package static let standard = TransportConfiguration(udp: Endpoint(address: .unspecified, port: 25632))
}

/// A configured neighbour.
package struct PeerConfiguration: Hashable, Sendable {
    package var id: Address
    package var name: String?
    /// Where it may be reached, tried in this order. Empty: it comes to us.
    package var endpoints: [PeerEndpoint] = []

    /// What people call it.
    package var label: String { name ?? id.description }
}

/// A place where a peer listens: its host may be a name, looked up when it is needed.
package struct PeerEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A host name or a numeric address, an IPv6 one without brackets.
    package var host: String
    package var port: UInt16

    package var description: String { host.contains(":") ? "udp://[\(host)]:\(port)" : "udp://\(host):\(port)" }
}

/// What the handshake may agree on.
package struct CryptoConfiguration: Equatable, Sendable {
    /// The lowest handshake suite that is accepted.
    package var minSuite = 1
    /// In order of preference.
    package var ciphers = CipherName.allCases
    /// The libraries that a cipher may be taken from; the fastest that is there is.
    package var backends = CipherBackend.allCases
    /// In seconds: the age at which the side that began a session gives it new keys.
    package var rekeyAfter = rekeyAges.upperBound

    package static let suites = 1...2
    /// In seconds. The standard is the longest that is safe; a handshake needs some round trips, and the old keys are
    /// kept for one change only, for datagrams that are still on their way.
    package static let rekeyAges = 2...120
}

package enum CipherName: String, CaseIterable, Codable, Sendable {
    case aes256GCM = "aes-256-gcm"
    case chaCha20Poly1305 = "chacha20-poly1305"
}

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
    package static let prefixLengths = 1...64
    /// In bytes: what any IPv6 link carries (RFC 8200 section 5). Larger ones need a path that carries
    /// them, or the session fragments.
    package static let leastMTU = 1280
    package static let mtus = 1280...65535
    /// 0 stands for "unspecified" in rtnetlink(7).
    package static let tables = 1...Int(UInt32.max)
    /// What is beyond is the metric of the guard and of what is kept out of the portal.
    package static let metrics = 1...Int(PortalMark.exceptionMetric - 1)
}

/// How the threads that carry packets stand to other programs'.
package enum SchedulingChoice: String, CaseIterable, Sendable {
    case normal, realtime
}

/// What the datagrams that carry packets bear as DSCP.
package enum DSCPChoice: Equatable, Sendable {
    case clear
    /// That of the packet inside.
    case inherit
    /// Always this one, 0 to 63.
    case fixed(UInt8)
}

package enum OffloadChoice: String, CaseIterable, Sendable {
    case auto, off
}

/// Whose packets pass the portal.
package enum PortalAccess: Equatable, Sendable {
    /// Everybody's; the firewall decides about services.
    case any
    /// These addresses' alone (names are already resolved), and with `peers` every configured peer's.
    case only(Set<Address>, peers: Bool)

    /// Whether packets of `address` pass when `peers` are configured.
    package func permits(_ address: Address, peers configured: [PeerConfiguration]) -> Bool {
        switch self {
        case .any: true
        case .only(let addresses, let peers):
            addresses.contains(address) || peers && configured.contains { $0.id == address }
        }
    }
}

package struct NodeConfiguration: Hashable, Sendable {
    package var privateKeyPath: String
}

package struct LogConfiguration: Equatable, Sendable {
    package enum Format: String, CaseIterable, Codable, Sendable {
        case text, json
    }

    package var level = Logger.Level.notice
    package var format = Format.text

    package init(level: Logger.Level = .notice, format: Format = .text) {
        self.level = level
        self.format = format
    }
}
