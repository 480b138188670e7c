internal import AdminProtocol
internal import DNS
internal import INET256
internal import Logging
internal import Settings
internal import System
internal import Wire

/// What the configuration wants of names, and what its parts share.
struct NamesPlan: Sendable {
    let map: IPv6Map
    let own: Address
    /// Further nodes of the box.
    let nodes: [Address]
    let places: [NamesPlace]
    let commands: Mailbox<NamesCommand>
    let resolved: Mailbox<ResolvedCommand>
    let outcome = ResolvedOutcome()
    /// Whether the interface may be an earlier run's, of which systemd-resolved may know something.
    var isInherited = false

    /// Nil where nobody answers about names.
    init?(_ setup: DaemonSetup, map: IPv6Map) throws {
        let configuration = setup.configuration
        guard configuration.servesNames else { return nil }
        self.map = map
        own = setup.key.address
        nodes = (setup.formerKey.map { [$0.address] } ?? []) + setup.nodeKeys.map(\.address)
        let portal = map.address(of: own)
        places = configuration.dns.listen.map { listen in
            switch listen {
            case .portal(let port):
                NamesPlace(listen: listen, endpoint: Endpoint(address: portal, port: port), door: .portal)
            case .loopback(let endpoint): NamesPlace(listen: listen, endpoint: endpoint, door: .loopback)
            }
        }
        commands = try Mailbox()
        resolved = try Mailbox()
    }

    func content(_ configuration: Configuration, called names: [Address: OwnNames] = [:]) -> NamesContent? {
        guard let zone = Zone(configuration, map: map, own: own, nodes: nodes, called: names) else { return nil }
        let wish = ResolvedWish(
            domains: [configuration.dns.zone] + (configuration.portal.except.isEmpty ? zone.reverse : []),
            searches: configuration.dns.search)
        return NamesContent(
            zone: zone, askers: Askers(configuration, map: map, own: own), allow: configuration.dns.allow,
            wish: configuration.dns.tellsResolved ? wish : nil)
    }

    /// Has the names follow a configuration. What finds no room on the way is said by the next reload.
    func set(_ configuration: Configuration, called names: [Address: OwnNames]) {
        guard let content = content(configuration, called: names) else { return }
        try? commands.post(.set(content))
    }

    /// What there is to tell; nil where nobody answers.
    func status() async -> NamesReport? {
        await withCheckedContinuation { (answer: CheckedContinuation<NamesReport?, Never>) in
            do {
                try commands.post(.inspect { answer.resume(returning: $0) })
            } catch {
                answer.resume(returning: nil)
            }
        }
    }
}

/// One place where queries are taken.
struct NamesPlace: Sendable {
    let listen: DNSListen
    let endpoint: Endpoint
    let door: Askers.Door
}

/// What a reload may change.
struct NamesContent: Sendable {
    var zone: Zone
    var askers: Askers
    var allow: PortalAccess
    /// Nil where systemd-resolved is told nothing.
    var wish: ResolvedWish?
}

/// What the thread of names is told.
enum NamesCommand: Sendable {
    case set(NamesContent)
    case inspect(@Sendable (NamesReport?) -> Void)
    case stop
}

/// What the thread of names has to tell.
struct NamesReport: Sendable {
    var status: NamesStatus
    /// For `status` and the log, a sentence each.
    var warnings: [String] = []
}
