internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Transport
internal import Wire

/// The configured peers and where they are now: host names are looked up at the start and again while a peer
/// is down, and an endpoint that would be reached through the portal itself is refused.
actor PeerDirectory {
    private let mailbox: Mailbox<EngineCommand>
    private let resolver = Resolver()
    private let logger: Logger
    private let own: Set<Address>
    private let portal: PortalPlan?
    private var peers: [PeerConfiguration] = []
    /// What is wrong with a peer's endpoints, for `status`.
    private(set) var troubles: [Address: String] = [:]

    init(mailbox: Mailbox<EngineCommand>, logger: Logger, own: Set<Address>, portal: PortalPlan?) {
        self.mailbox = mailbox
        self.logger = logger
        self.own = own
        self.portal = portal
    }

    func name(of address: Address) -> String? { peers.first { $0.id == address }?.name }

    /// Replaces the list: peers that are gone lose their links, the others keep their sessions.
    func set(_ list: [PeerConfiguration]) async {
        let old = peers
        peers = list.filter { !own.contains($0.id) }
        for peer in old where !peers.contains(where: { $0.id == peer.id }) {
            troubles[peer.id] = nil
            post(.removePeer(peer.id))
        }
        for peer in peers where old.first(where: { $0.id == peer.id }) != peer { await announce(peer) }
    }

    /// Looks up again where these peers are: nobody answers at the endpoints known so far.
    func refresh(_ addresses: Set<Address>) async {
        for peer in peers where addresses.contains(peer.id) && !peer.endpoints.isEmpty { await announce(peer) }
    }

    private func announce(_ peer: PeerConfiguration) async {
        var endpoints: [Endpoint] = []
        var faults: [String] = []
        for configured in peer.endpoints {
            do throws(ResolveError) {
                for endpoint in try await resolver.resolve(configured.host, port: configured.port) {
                    if let fault = refusal(endpoint) {
                        faults.append(fault)
                    } else if !endpoints.contains(endpoint) {
                        endpoints.append(endpoint)
                    }
                }
            } catch {
                faults.append("\(configured): \(error)")
            }
        }
        // The list may have changed while names were looked up.
        guard peers.contains(peer) else { return }
        let trouble = faults.isEmpty ? nil : faults.joined(separator: "; ")
        if let trouble, troubles[peer.id] != trouble {
            logger.warning("endpoint not used", metadata: ["peer": "\(peer.label)", "reason": "\(trouble)"])
        }
        troubles[peer.id] = trouble
        post(.setPeer(PeerSettings(address: peer.id, endpoints: endpoints), name: peer.label))
    }

    /// Why an endpoint must not be used: its datagrams would enter the tunnel that they carry.
    private func refusal(_ endpoint: Endpoint) -> String? {
        guard let portal else { return nil }
        let advice =
            "an underlay address outside \(portal.prefix), or a more specific route to it (portal.except), is needed"
        do {
            switch try Routes(try NetlinkSocket()).lookup(endpoint.address) {
            case .goes(let route):
                guard let link = try Links(try NetlinkSocket()).find(portal.interface), route.interface == link.index
                else {
                    return nil
                }
                return "\(endpoint) is routed into the portal \(portal.interface): \(advice)"
            case .refused:
                guard let served = portal.served.first(where: { $0.contains(endpoint.address) }) else { return nil }
                return "\(endpoint) lies in the portal's prefix \(served) and has no route of its own: \(advice)"
            case .none:
                return nil
            }
        } catch {
            logger.debug("route not checked", metadata: ["endpoint": "\(endpoint)", "reason": "\(error)"])
            return nil
        }
    }

    private func post(_ command: EngineCommand) {
        do {
            try mailbox.post(command)
        } catch {
            logger.error("the data plane did not take a change of peers", metadata: ["reason": "\(error)"])
        }
    }
}
