internal import Logging
internal import Netlink
internal import Portal
internal import Settings
internal import Wire

/// The machine's network as the kernel has it now, as far as endpoints of peers go by it.
struct Surroundings {
    /// The machine's own addresses, those of the portal left out.
    let addresses: Set<IPv6Address>
    private let portal: PortalPlan?
    private let portalIndex: UInt32?
    private let socket: NetlinkSocket?
    private let logger: Logger

    init(_ portal: PortalPlan?, _ logger: Logger) {
        self.portal = portal
        self.logger = logger
        let socket = try? NetlinkSocket()
        self.socket = socket
        let index = portal.flatMap { plan in socket.flatMap { try? Links($0).find(plan.interface)?.index } }
        portalIndex = index
        let all = socket.flatMap { try? Addresses($0).list() } ?? []
        addresses = Set(all.filter { $0.interface != index || index == nil }.map(\.address))
    }

    /// What keeps an endpoint from being called by a transport: its datagrams would enter the tunnel that they carry.
    func swallows(_ endpoint: Endpoint, by transport: TransportConfiguration?) -> EndpointFault? {
        // A link-local one names its link, which is not the portal's.
        guard !endpoint.address.isLinkLocal else { return nil }
        // What is bound to an interface leaves by that.
        guard let portal, transport?.interface == nil || transport?.interface == portal.interface else { return nil }
        let advice =
            "an underlay address outside \(portal.prefix), or a more specific route to it (portal.except), is needed"
        switch way(to: endpoint.address, mark: transport?.mark ?? 0) {
        case .intoPortal:
            return .inPortal("\(endpoint) is routed into the portal \(portal.interface): \(advice)")
        case .shut(let served):
            return .inPortal("\(endpoint) lies in the portal's prefix \(served) and has no route of its own: \(advice)")
        case .elsewhere:
            return nil
        }
    }

    /// Whether packets to an address go into the portal.
    func portalHolds(_ address: IPv6Address) -> Bool {
        if case .elsewhere = way(to: address) { false } else { true }
    }

    private enum Way { case intoPortal, shut(IPv6Prefix), elsewhere }

    private func way(to address: IPv6Address, mark: UInt32 = 0) -> Way {
        guard let portal, let socket else { return .elsewhere }
        do {
            switch try Routes(socket).lookup(address, mark: mark) {
            case .goes(let route):
                return route.interface != 0 && route.interface == portalIndex ? .intoPortal : .elsewhere
            case .refused:
                return portal.served.first { $0.contains(address) }.map { .shut($0) } ?? .elsewhere
            case .none:
                return .elsewhere
            }
        } catch {
            logger.debug("route not checked", metadata: ["address": "\(address)", "reason": "\(error)"])
            return .elsewhere
        }
    }
}
