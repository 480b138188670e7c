internal import API
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// What the data plane is started with.
struct EngineSetup: Sendable {
    struct PortalSetup: Sendable {
        var plan: PortalPlan
        var map: IPv6Map
        var gate: PortalGate
        /// Whether the interface's MTU is that of the paths; else the plan's stays.
        var followsPaths = true
        var offload = true
        var dscp = DSCPPolicy.clear
        var networks: PortalNetworks = .none
        /// The boxes that networks are behind, by their derived address.
        var owners: [IPv6Address: Address] = [:]
        /// For the portal's watch.
        let commands: Mailbox<PortalCommand>
        /// Told the interface's index when there is one, before it is up. What it throws keeps the box down.
        var guardian: @Sendable (UInt32) throws -> Void = { _ in }
    }

    var key: PrivateKey
    var nodeKeys: [PrivateKey]
    var box: BoxSettings
    /// What was found out about the libraries that ciphers can be taken from.
    let ciphers: CipherSurvey
    var transports: [TransportConfiguration]
    /// How many engines carry packets.
    var threads: Int
    var scheduling: ThreadScheduling
    /// Known from the first datagram on, so that none of them is taken for a stranger; their endpoints come later.
    var peers: [PeerConfiguration]
    var portal: PortalSetup?
    /// Whom nodes of applications may exchange messages with, and how many there may be.
    var apiGate: PortalGate
    var apiNodes: Int
    var apiLimits: APILimits
    var mailbox: Mailbox<EngineCommand>
    var inbox: NodeInbox
    var logger: Logger
    /// Told when the machine's network has changed.
    var networkChanged: @Sendable () -> Void = {}

    init(
        _ setup: DaemonSetup, mailbox: Mailbox<EngineCommand>, inbox: NodeInbox, logger: Logger,
        startMilliseconds: UInt64
    ) throws {
        let configuration = setup.configuration
        key = setup.key
        nodeKeys = setup.nodeKeys
        box = BoxSettings(network: configuration.network.rawValue, startMilliseconds: startMilliseconds)
        box.limits.maximumOrigins = configuration.maxNodes
        box.acceptsAnybody = configuration.accept == .any
        box.ciphers = configuration.crypto.ciphers.map(\.cipher)
        box.minimumSuite = UInt8(configuration.crypto.minSuite)
        box.limits.rekeyAfter = .seconds(Int64(configuration.crypto.rekeyAfter))
        ciphers = CipherSurvey(of: configuration.crypto.backends)
        box.backends = ciphers.choice
        for warning in ciphers.warnings { logger.warning("\(warning)") }
        // The main one, the configured ones and those of applications.
        box.limits.maximumLocalNodes = 1 + nodeKeys.count + APILimitsConfiguration.countRange.upperBound
        transports = configuration.transports
        threads = configuration.threads
        scheduling = ThreadScheduling(configuration.scheduling)
        let own = Set([setup.key.address] + setup.nodeKeys.map(\.address))
        peers = configuration.peers.filter { !own.contains($0.id) }
        apiGate = PortalGate(configuration.api.allow, configuration)
        apiNodes = configuration.api.limits.nodes
        apiLimits = APILimits(configuration.api.limits)
        self.mailbox = mailbox
        self.inbox = inbox
        self.logger = logger
        if let design = try PortalDesign(configuration, address: setup.key.address) {
            let map = design.map
            box.prefix = map.prefix
            portal = PortalSetup(
                plan: design.plan, map: map, gate: PortalGate(portalOf: configuration, map), commands: try Mailbox())
            portal?.followsPaths = configuration.portal.mtu == nil
            portal?.dscp = DSCPPolicy(configuration.portal.dscp)
            portal?.offload = configuration.portal.offload == .auto
            portal?.networks = design.table
            portal?.owners = design.networks.owners(map)
        }
        guard box.hasCipher else { throw CommandFailure(.usage, Self.noCipher) }
    }

    static let noCipher =
        "crypto.ciphers, crypto.backends and crypto.min_suite leave no cipher that this machine has: "
        + "allow chacha20-poly1305 and libsodium"
}

/// What the configuration makes of the portal, checked and not yet there.
struct PortalDesign {
    let map: IPv6Map
    let plan: PortalPlan
    let networks: SiteNetworks
    let table: PortalNetworks

    /// Nil without a portal.
    /// - Parameter address: the box's own.
    init?(_ configuration: Configuration, address: Address) throws {
        guard configuration.portal.enabled else { return nil }
        map = try IPv6Map(prefix: configuration.portal.prefix)
        networks = SiteNetworks(configuration.networks)
        plan = try PortalPlan(
            interface: configuration.portal.interface, address: map.address(of: address),
            prefix: map.prefix, mtu: UInt32(configuration.portal.mtu ?? PortalConfiguration.leastMTU),
            metric: configuration.portal.metric ?? PortalPlan.defaultMetric,
            table: configuration.portal.table ?? Route.mainTable, persistent: configuration.portal.persistent,
            networks: networks.remote.map(\.prefix), localNetworks: networks.local,
            guarding: configuration.portal.guarding)
        table = try networks.table(map)
    }
}

/// The networks behind boxes, as the configuration declares them.
struct SiteNetworks: Sendable {
    /// Behind this box.
    var local: [IPv6Prefix] = []
    /// Behind the nodes with these addresses.
    var remote: [(prefix: IPv6Prefix, via: Address)] = []

    init(_ declared: [NetworkConfiguration]) {
        for network in declared {
            guard let via = network.via else {
                local += network.prefixes
                continue
            }
            remote += network.prefixes.map { ($0, via) }
        }
    }

    /// As the portal sees them, which knows nodes by their derived addresses.
    func table(_ map: IPv6Map) throws -> PortalNetworks {
        do {
            return try PortalNetworks(local: local, remote: remote.map { ($0.prefix, map.address(of: $0.via)) })
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
    }

    func owners(_ map: IPv6Map) -> [IPv6Address: Address] {
        Dictionary(remote.map { (map.address(of: $0.via), $0.via) }, uniquingKeysWith: { first, _ in first })
    }
}

extension PortalGate {
    /// `portal.allow` less whoever has an address of `portal.except`: on this machine that is a host of its own network,
    /// whose source a node must not borrow, and answers to it would go there in clear.
    init(portalOf configuration: Configuration, _ map: IPv6Map) {
        let base = PortalGate(configuration.portal.allow, configuration)
        let excepted = configuration.portal.except
        if excepted.isEmpty {
            self = base
        } else if case .only(let some) = base {
            self = .only(some.filter { Self.outside(excepted, map).admits($0) })
        } else {
            self = .outside(excepted, map)
        }
    }

    /// `portal.allow` or `api.allow`, with `peers` resolved.
    init(_ access: PortalAccess, _ configuration: Configuration) {
        switch access {
        case .any: self = .everybody
        case .only(let some, let peers):
            self = .only(peers ? some.union(configuration.peers.map(\.id)) : some)
        }
    }
}

extension CipherName {
    var cipher: Cipher {
        switch self {
        case .aes256GCM: .aes256GCM
        case .chaCha20Poly1305: .chaCha20Poly1305
        }
    }
}
