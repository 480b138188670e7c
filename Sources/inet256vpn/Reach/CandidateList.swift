internal import Netlink
internal import PortMapping
internal import Wire

/// What a box says of itself, from what is known of it. Nothing in here asks anybody.
enum CandidateList {
    /// - Parameters:
    ///   - own: the machine's addresses, best first.
    ///   - bound: what the sockets are bound to.
    ///   - mapping: a port of the router.
    ///   - advertised: what the configuration says, names looked up.
    /// - Returns: best kind first, each endpoint once.
    static func make(
        own: [OwnAddress], bound: [Endpoint], mapping: Mapping?, advertised: [Endpoint]
    ) -> [Candidate] {
        var list: [Candidate] = []
        func add(_ endpoint: Endpoint, _ kind: Candidate.Kind) {
            if !list.contains(where: { $0.endpoint == endpoint }) { list.append(Candidate(endpoint, kind)) }
        }
        for address in own {
            for port in ports(to: address.address, bound) {
                add(Endpoint(address: address.address, port: port, scope: address.scope), .host)
            }
        }
        // Nobody could use one whose router has no public address itself.
        if let mapping, mapping.isPublic { add(mapping.external, .mapped) }
        for endpoint in advertised { add(endpoint, .advertised) }
        return list
    }

    /// The ports at which sockets hear what comes to an address.
    private static func ports(to address: IPv6Address, _ bound: [Endpoint]) -> [UInt16] {
        bound.filter { hears($0, address) }.map(\.port)
    }

    /// A socket on :: takes both versions.
    private static func hears(_ bound: Endpoint, _ address: IPv6Address) -> Bool {
        bound.address == .unspecified || bound.address == address
            || (bound.address.mappedIPv4 == 0 && address.mappedIPv4 != nil)
    }

    /// The port that a router's mapping is to lead to; nil where no socket hears IPv4.
    static func mappedPort(to address: IPv6Address, _ bound: [Endpoint]) -> UInt16? { ports(to: address, bound).first }
}

/// Whether the router is to be asked for a port, and which.
enum MappingNeed: Equatable {
    /// Not wanted.
    case off
    /// The box has a public IPv4 address itself.
    case notNeeded
    /// There is no router, or no socket that it could lead to.
    case impossible(String)
    case aim(MappingTarget)

    /// - Parameter uplink: the way of IPv4 packets to the world.
    init(isWanted: Bool, uplink: Uplink?, bound: [Endpoint]) {
        guard isWanted else {
            self = .off
            return
        }
        guard let uplink else {
            self = .impossible("there is no IPv4 router")
            return
        }
        guard uplink.source.reach != .everywhere else {
            self = .notNeeded
            return
        }
        guard let port = CandidateList.mappedPort(to: uplink.source, bound) else {
            self = .impossible("no transport of this box speaks IPv4")
            return
        }
        self = .aim(
            MappingTarget(gateway: uplink.gateway, own: Endpoint(address: uplink.source, port: port)))
    }

    var target: MappingTarget? {
        if case .aim(let target) = self { target } else { nil }
    }
}

/// The way of packets to the world.
struct Uplink: Equatable {
    /// The next router.
    var gateway: IPv6Address
    /// What their source is.
    var source: IPv6Address
    var interface: UInt32

    /// Where servers of PCP may be found by anycast (RFC 7723): nobody's address, and it goes where the world is.
    private static let anywhereIPv4 = IPv6Address(mappedIPv4: 0xc000_0009)
    private static let anywhereIPv6 = IPv6Address(high: 0x2001_0001_0000_0000, low: 1)

    init?(_ answer: RouteAnswer, isIPv4: Bool, portals: Set<UInt32>) {
        guard case .goes(let route) = answer, route.kind == .unicast, route.interface != 0,
            !portals.contains(route.interface), let source = route.preferredSource
        else { return nil }
        // IPv4's router is to be asked; one of IPv6 is just there.
        guard let gateway = route.gateway ?? (isIPv4 ? nil : .unspecified) else { return nil }
        self.gateway = gateway
        self.source = source
        interface = route.interface
    }

    static func ipv4(_ socket: NetlinkSocket, portals: Set<UInt32>) -> Uplink? {
        (try? Routes(socket).lookup(anywhereIPv4)).flatMap { Uplink($0, isIPv4: true, portals: portals) }
    }

    static func ipv6(_ socket: NetlinkSocket, portals: Set<UInt32>) -> Uplink? {
        (try? Routes(socket).lookup(anywhereIPv6)).flatMap { Uplink($0, isIPv4: false, portals: portals) }
    }
}
