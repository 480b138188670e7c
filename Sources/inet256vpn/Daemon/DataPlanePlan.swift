internal import API
internal import DataPlane
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// The data plane as the configuration wants it, and what the control side shares with it.
struct DataPlanePlan {
    /// The portal's part.
    struct PortalPart: Sendable {
        let plan: PortalPlan
        let map: IPv6Map
        /// For the portal's watch.
        let commands: Mailbox<PortalCommand>
        /// Nil where the device outlives a run by itself.
        let store: DescriptorStore?
        /// Told the interface's index when there is one, before it is up. What it throws keeps the box down.
        var guardian: @Sendable (UInt32) throws -> Void = { _ in }
    }

    /// All but the portal.
    var engine: EngineSetup
    /// What was found out about the libraries that ciphers can be taken from.
    let ciphers: CipherSurvey
    var portal: PortalPart?
    /// Who answers about names; nil where nobody does.
    private(set) var names: NamesPlan?
    /// What shares its sockets and finds peers; nil where peers are where the configuration says, and nowhere else.
    let discovery: DiscoveryPlan?
    private let configuration: Configuration
    private let former: Address?

    init(
        _ setup: DaemonSetup, mailbox: Mailbox<EngineCommand>, inbox: NodeInbox, logger: Logger,
        startMilliseconds: UInt64
    ) throws {
        configuration = setup.configuration
        ciphers = CipherSurvey(of: configuration.crypto.backends)
        for warning in ciphers.warnings { logger.warning("\(warning)") }
        var box = BoxSettings(configuration.network.algorithm, startMilliseconds: startMilliseconds)
        box.routing = configuration.routing.options(of: configuration.network)
        box.acceptsAnybody = configuration.accept == .any
        box.direct = DirectPolicy(configuration)
        box.sprays = configuration.sprays
        box.ciphers = configuration.crypto.ciphers.map(\.cipher)
        box.minimumSuite = UInt8(configuration.crypto.minSuite)
        box.limits.rekeyAfter = .seconds(Int64(configuration.crypto.rekeyAfter))
        box.backends = ciphers.choice
        // The main one, that of a former key, the configured ones and those of applications.
        box.limits.maximumLocalNodes = 2 + setup.nodeKeys.count + APILimitsConfiguration.countRange.upperBound
        engine = EngineSetup(key: setup.key, box: box, mailbox: mailbox, inbox: inbox, logger: logger)
        engine.formerKey = setup.formerKey
        engine.nodeKeys = setup.nodeKeys
        engine.ports = configuration.transports.map { $0.source(setup.store) }
        engine.threads = configuration.threads
        engine.threadsBesides = ThreadNeeds.besides
        engine.scheduling = ThreadScheduling(configuration.scheduling)
        let own = setup.ownAddresses
        let renewed = setup.formerKey.map {
            KeyNewsStore(of: setup.key.address, configuration: setup.file).load(since: $0.address)
        }
        engine.peers = configuration.peers.filter { !own.contains($0.id) }.map {
            var peer = EngineSetup.Neighbour(
                $0.id, name: $0.label, expected: $0.endpoints.compactMap(\.numeric?.address))
            peer.knowsNewKey = renewed?.contains($0.id) == true
            return peer
        }
        engine.apiGate = PortalGate(configuration.api.allow, configuration)
        engine.apiNodes = configuration.api.limits.nodes
        engine.apiLimits = APILimits(configuration.api.limits)
        discovery = try DiscoveryPlan(setup)
        engine.rawDatagrams = discovery?.rawDatagrams
        engine.surroundingsChanges = { MachineWatcher.watch(logger) }
        names = try NamesPlan(setup, map: try IPv6Map(prefix: configuration.portal.prefix))
        let left = LeftBehind(setup, logger)
        left.sortSockets()
        former = setup.formerKey?.address
        if let design = try PortalDesign(configuration, address: setup.key.address, former: former) {
            engine.box.prefix = design.map.prefix
            portal = PortalPart(
                plan: left.adopt(design.plan), map: design.map, commands: try Mailbox(),
                store: design.plan.persistent ? nil : setup.store)
        }
        let keeps = keepsInterface
        names?.isInherited = keeps
        guard engine.box.hasCipher else { throw CommandFailure(.usage, Self.noCipher) }
    }

    /// Whether the portal's interface may have been there before this run.
    var keepsInterface: Bool { portal.map { $0.plan.inherited != nil || $0.plan.persistent } ?? false }

    /// What to start the data plane's thread with.
    func setup() throws -> EngineSetup {
        var setup = engine
        guard let portal,
            let design = try PortalDesign(configuration, address: setup.key.address, former: former)
        else { return setup }
        let logger = setup.logger
        var part = EngineSetup.PortalSetup(
            portal.plan.interface, map: portal.map, gate: PortalGate(portalOf: configuration, portal.map)
        ) { lost in try PlumbedPortal(portal, logger: logger, lost: lost) }
        part.persistent = portal.plan.persistent
        part.store = portal.store
        part.mtu = portal.plan.mtu
        if configuration.portal.mtu == nil {
            part.follows = PortalConfiguration.leastMTU...PortalConfiguration.mtus.upperBound
        }
        part.dscp = DSCPPolicy(configuration.portal.dscp)
        part.offload = configuration.portal.offload == .auto
        part.networks = design.table
        part.owners = design.networks.owners(portal.map)
        setup.portal = part
        return setup
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
    /// - Parameter address: the box's own. `former`: the one that it had before, while it answers there.
    init?(_ configuration: Configuration, address: Address, former: Address? = nil) throws {
        guard configuration.portal.enabled else { return nil }
        map = try IPv6Map(prefix: configuration.portal.prefix)
        networks = SiteNetworks(configuration.networks)
        var routing = PortalPlan.Routing()
        routing.metric = configuration.portal.metric ?? routing.metric
        routing.table = configuration.portal.table ?? routing.table
        routing.networks = networks.remote.map(\.prefix)
        routing.localNetworks = networks.local
        routing.guarding = configuration.portal.guarding
        plan = try PortalPlan(
            interface: configuration.portal.interface, address: map.address(of: address),
            former: former.map(map.address), prefix: map.prefix,
            mtu: UInt32(configuration.portal.mtu ?? PortalConfiguration.leastMTU),
            persistent: configuration.portal.persistent, routing: routing)
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

    /// With other addresses of some that it admits: each key is admitted where its value is.
    func admitting(_ others: [Address: Address]) -> PortalGate {
        guard case .only(let some) = self else { return self }
        return .only(some.union(others.filter { some.contains($0.value) }.keys))
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

extension DirectPolicy {
    /// `direct`, with what `portal.allow` says where that decides.
    init(_ configuration: Configuration) {
        switch configuration.direct {
        case .any: self = .any
        case .peers: self = .peers
        case .off: self = .off
        case .allowed:
            // Without a portal there is nobody who may use it.
            guard configuration.portal.enabled, let map = try? IPv6Map(prefix: configuration.portal.prefix) else {
                self = .peers
                return
            }
            let gate = PortalGate(portalOf: configuration, map)
            self = .those { gate.admits($0) }
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
