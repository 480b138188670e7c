internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Transport
internal import Wire

/// What the data plane is started with.
struct EngineSetup: Sendable {
    struct PortalSetup: Sendable {
        var plan: PortalPlan
        var map: IPv6Map
        var gate: PortalGate
    }

    var key: PrivateKey
    var nodeKeys: [PrivateKey]
    var box: BoxSettings
    var transports: [Endpoint]
    /// Known from the first datagram on, so that none of them is taken for a stranger; their endpoints come later.
    var peers: [PeerConfiguration]
    var portal: PortalSetup?
    var mailbox: Mailbox<EngineCommand>
    var logger: Logger

    init(_ setup: DaemonSetup, mailbox: Mailbox<EngineCommand>, logger: Logger, startMilliseconds: UInt64) throws {
        let configuration = setup.configuration
        key = setup.key
        nodeKeys = setup.nodeKeys
        box = BoxSettings(network: configuration.network.rawValue, startMilliseconds: startMilliseconds)
        box.acceptsAnybody = configuration.accept == .any
        box.ciphers = configuration.crypto.ciphers.map(\.cipher)
        box.minimumSuite = UInt8(configuration.crypto.minSuite)
        transports = configuration.transports.map(\.udp)
        let own = Set([setup.key.address] + setup.nodeKeys.map(\.address))
        peers = configuration.peers.filter { !own.contains($0.id) }
        self.mailbox = mailbox
        self.logger = logger
        if configuration.portal.enabled {
            let map = try IPv6Map(prefix: configuration.portal.prefix)
            let plan = try PortalPlan(
                interface: configuration.portal.interface, address: map.address(of: setup.key.address),
                prefix: map.prefix, mtu: UInt32(configuration.portal.mtu),
                metric: configuration.portal.metric ?? PortalPlan.defaultMetric,
                table: configuration.portal.table ?? Route.mainTable, persistent: configuration.portal.persistent)
            portal = PortalSetup(plan: plan, map: map, gate: PortalGate(configuration))
        }
        guard box.hasCipher else {
            throw CommandFailure(
                .usage,
                "crypto.ciphers and crypto.min_suite leave no cipher that this processor has: allow chacha20-poly1305")
        }
    }
}

extension PortalGate {
    /// `portal.allow` with the names and `peers` resolved.
    init(_ configuration: Configuration) {
        switch configuration.portal.allow {
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
