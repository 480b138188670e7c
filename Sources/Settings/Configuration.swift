package import API

/// Everything that the configuration file decides, checked: what is here is ready for use. The initial
/// values are the defaults.
package struct Configuration: Equatable, Sendable {
    /// Absolute, as are all paths here: what the file says relative to itself is already resolved.
    package var privateKeyPath: String
    package var formerKey: FormerKeyConfiguration?
    package var apiEndpoint = APIEndpoint.standard
    package var api = APIConfiguration()
    package var dashboard = DashboardConfiguration()
    package var network = NetworkKind.standard
    package var routing = RoutingConfiguration()
    package var transports = [TransportConfiguration.standard]
    /// Threads that carry packets.
    package var threads = 1
    package var scheduling = SchedulingChoice.normal
    package var peers: [PeerConfiguration] = []
    package var accept = AcceptPolicy.peers
    package var keyChanges = KeyChangePolicy.accept
    package var direct = DirectChoice.allowed
    /// Whether peers may have this box spray (docs/reach.md).
    package var sprays = false
    package var reach = ReachConfiguration()
    package var discovery = DiscoveryConfiguration()
    package var serve = ServeConfiguration()
    package var stateFile = StateFileChoice.auto
    package var crypto = CryptoConfiguration()
    package var portal = PortalConfiguration()
    /// Behind this box and behind other nodes.
    package var networks: [NetworkConfiguration] = []
    package var groups: [GroupConfiguration] = []
    package var firewall = FirewallConfiguration()
    package var dns = DNSConfiguration()
    package var log = LogConfiguration()
    /// Key files of further nodes that this box hosts, besides its own.
    package var nodes: [NodeConfiguration] = []
    /// What is to be doubted about the file itself.
    package var fileWarnings: [String] = []

    package static let standardPath = "/etc/inet256vpn/config.yaml"
    /// What `private_key_path` is when the file does not say.
    package static let standardKeyName = "./private_key.inet256"

    /// The defaults for a file in `directory`.
    package init(directory: String) {
        privateKeyPath = FilePath.resolve(Self.standardKeyName, in: directory)
    }
}

/// Who may open a link to this box. Sessions through the network are open to all in any case.
package enum AcceptPolicy: String, CaseIterable, Codable, Sendable {
    /// Configured peers alone.
    case peers
    /// Everybody: the box is a public one.
    case any
}

/// How the threads that carry packets stand to other programs'.
package enum SchedulingChoice: String, CaseIterable, Sendable {
    case normal, realtime
}

extension Configuration {
    /// Every key, in order.
    static let table = Section("", expected: "a mapping of keys such as private_key_path, peers and portal") {
        Setting(
            "private_key_path", \.privateKeyPath, .path, .restart,
            comment: "The box's identity. A path that does not begin with / is relative to this file.",
            help: "the box's key, binary or base64; `./` is relative to the file"
        )
        .inFile(.written(standardKeyName))
        FormerKeyConfiguration.setting
        Setting(
            "api_endpoint", \.apiEndpoint, APIConfiguration.endpoint, .restart,
            comment: """
                Where commands such as `inet256vpn status` reach the daemon.
                TCP is possible on loopback, such as tcp://127.0.0.1:2560 (for other addresses see api.allow_remote).
                """,
            help: "where commands reach the daemon; `tcp://` on loopback, beyond it with `api.allow_remote`"
        )
        .turn(.behindThose)
        APIConfiguration.table
        DashboardConfiguration.table
        NetworkKind.setting
        TransportConfiguration.setting
        Setting(
            "threads", \.threads, .number(1...64), .restart,
            comment: "Threads that carry packets, {range}. More than one pays with four processors or more.",
            help: "threads that carry packets, {range}, each with a TUN queue and a socket for each transport; "
                + "[worth it](docs/performance.md#more-than-one-thread) from four processors on")
        Setting(
            "scheduling", \.scheduling, .word, .restart,
            comment:
                "How they stand to other programs: normal (among them), or realtime (before them; quicker answers, more work a byte).",
            help: "`realtime`: packets do not wait until other programs leave them a processor; "
                + "[quicker answers under load for more work a byte](docs/performance.md#real-time)"
        )
        .joined()
        PeerConfiguration.setting
        Setting(
            "accept", \.accept, .word, .reload,
            comment: "Who may open a link to this box: peers (those above), or any (a public box).",
            help: "who may open a link: configured `peers`, or `any` (a public box)")
        KeyChangePolicy.setting
        DirectChoice.table
        ReachConfiguration.advertiseSetting
        ReachConfiguration.portMappingSetting
        DiscoveryConfiguration.setting
        ServeConfiguration.table
        StateFileChoice.setting
        CryptoConfiguration.table
        PortalConfiguration.table
        NetworkConfiguration.setting
        GroupConfiguration.setting
        FirewallConfiguration.table
        DNSConfiguration.table
        LogConfiguration.table
        NodeConfiguration.setting
    }
}

extension Form where Value == String {
    /// A file's, absolute from here on.
    fileprivate static var path: Form {
        Form { value, reading in
            value.path(in: reading.directory)
        } show: { path, _ in
            .word(path)
        }
    }
}
