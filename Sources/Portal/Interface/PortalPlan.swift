internal import Glibc
package import Netlink
package import Wire

/// What the portal needs of the kernel, checked: an interface of that name with one address, and the routes
/// of a whole prefix and of the networks behind other boxes into it.
package struct PortalPlan: Hashable, Sendable {
    package let interface: String
    /// This box's derived address; it gets a /128.
    package let address: IPv6Address
    /// The one that it had before, while it still answers there: a /128 that no connection begins from.
    package internal(set) var former: IPv6Address?
    package let prefix: IPv6Prefix
    /// Bytes: 1280, below which there is no IPv6 (RFC 8200 section 5), to 65535.
    package internal(set) var mtu: UInt32
    /// Of the prefix route; smaller wins.
    package let metric: UInt32
    package let table: UInt32
    /// The configuration says that the interface is a persistent TUN device: one that is there is taken
    /// into use, and left in place at the end.
    package let persistent: Bool
    /// Networks behind other boxes, which the portal leads to; sorted, each once.
    package let networks: [IPv6Prefix]
    /// Networks behind this box: somebody else routes them, and this machine forwards.
    package let localNetworks: [IPv6Prefix]
    /// When what the portal serves is held unreachable.
    package let guarding: PortalGuard
    /// The index of the interface that the run before has left open, which is taken over as it is; nil where one is made.
    package var inherited: UInt32?

    /// The kernel's own default for IPv6 routes (IP6_RT_PRIO_USER).
    package static let defaultMetric: UInt32 = 1024

    /// How the kernel's routes are to be made, and what for besides the prefix.
    package struct Routing: Sendable {
        package var metric = PortalPlan.defaultMetric
        package var table = Route.mainTable
        package var networks: [IPv6Prefix] = []
        package var localNetworks: [IPv6Prefix] = []
        package var guarding = PortalGuard.always

        package init() {}
    }

    /// - Throws: `PortalError.badPlan` with the field and what was expected.
    package init(
        interface: String, address: IPv6Address, former: IPv6Address? = nil, prefix: IPv6Prefix, mtu: UInt32,
        persistent: Bool = false,
        routing: Routing = Routing()
    ) throws(PortalError) {
        if let fault = NetworkInterface.nameFault(interface) {
            throw .badPlan("interface \"\(interface)\": \(fault)")
        }
        for address in [address, former ?? address] where !prefix.contains(address) {
            throw .badPlan("address \(address): it does not lie in the prefix \(prefix)")
        }
        guard (1280...65535).contains(mtu) else {
            throw .badPlan("mtu \(mtu): an IPv6 interface has 1280 to 65535 bytes")
        }
        guard routing.metric > 0, routing.metric < PortalMark.exceptionMetric else {
            throw .badPlan("metric \(routing.metric): expected 1 to \(PortalMark.exceptionMetric - 1)")
        }
        guard routing.table > 0 else { throw .badPlan("table 0: expected 1 to \(UInt32.max); the main table is 254") }
        for network in routing.networks + routing.localNetworks {
            if let fault = Self.fault(of: network, prefix) { throw .badPlan("network \(network): \(fault)") }
        }
        if let both = routing.networks.first(where: routing.localNetworks.contains) {
            throw .badPlan("network \(both): it is declared behind this box and behind another")
        }
        self.interface = interface
        self.address = address
        self.former = former == address ? nil : former
        self.prefix = prefix
        self.mtu = mtu
        self.persistent = persistent
        metric = routing.metric
        table = routing.table
        networks = Self.inOrder(routing.networks)
        localNetworks = Self.inOrder(routing.localNetworks)
        guarding = routing.guarding
    }

    /// All addresses of the box.
    package var addresses: [IPv6Address] { [address] + (former.map { [$0] } ?? []) }

    /// What routes lead into the portal for: the prefix first, then the networks.
    package var served: [IPv6Prefix] { [prefix] + networks }

    private static func inOrder(_ networks: [IPv6Prefix]) -> [IPv6Prefix] {
        Set(networks).sorted { a, b in a.address != b.address ? a.address < b.address : a.length < b.length }
    }

    /// What is wrong with a network; nil when nothing is.
    private static func fault(of network: IPv6Prefix, _ prefix: IPv6Prefix) -> String? {
        if network == prefix { return "it is the portal's own prefix" }
        // ::ffff:0:0/96 would be taken for IPv4.
        if network.length >= 64, network.address.high == 0 { return "expected an IPv6 network" }
        if network.address.isMulticast || network.address.isLinkLocal {
            return "multicast and link-local addresses are not carried"
        }
        return nil
    }
}

/// When routes of ours hold what the portal serves, unreachable, so that nothing of it follows the default route to
/// strangers (`portal.guard`).
package enum PortalGuard: String, CaseIterable, Hashable, Sendable {
    /// From the first start on, whatever ends the daemon, until they are removed on purpose or the machine restarts.
    case always
    /// From before the portal is there until the daemon has stopped.
    case running
    /// Never.
    case off
}

/// How objects of ours are told from those of others, also after a crash.
package enum PortalMark {
    /// The alias of every interface of ours.
    package static let alias = "inet256vpn"
    /// The alias of a persistent interface that we made, while no daemon uses it. One that somebody else made and offered
    /// gets its own alias back.
    package static let restingAlias = "inet256vpn (resting)"
    /// The protocol number of every route and address of ours. Linux gives 0 to 4 a meaning of its own and
    /// /etc/iproute2/rt_protos names those of the known routing daemons; nobody has 156.
    package static let protocolNumber: UInt8 = 156
    /// The metric of the route that holds the prefix: worse than any other but the kernel's own last resort.
    package static let holdMetric: UInt32 = .max - 1
    /// The metric of the routes that keep addresses of the machine's network out of the portal: a route that somebody
    /// else has for the same wins.
    package static let exceptionMetric: UInt32 = .max - 2

    /// Whether a route is one of those exceptions.
    package static func isException(_ route: Route) -> Bool {
        route.protocolNumber == protocolNumber && route.metric == exceptionMetric
            && (route.kind == .unicast || route.kind == .unreachable)
    }
}

extension NetworkInterface {
    /// Whether it is a portal, of whichever daemon and whatever it is called just now.
    package var isPortal: Bool { alias == PortalMark.alias }
}

/// Why the portal cannot come up, in words that say what to do next.
package enum PortalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A value of the configuration that cannot be: the field, and what was expected.
    case badPlan(String)
    /// CAP_NET_ADMIN is not effective.
    case noPrivilege
    /// The name belongs to an interface of somebody else.
    case foreignInterface(name: String, kind: String, alias: String)
    /// The device is ours or was offered to us, but a process holds it open.
    case busyInterface(name: String)
    /// Somebody else's route has exactly the prefix, or exactly that of a network behind another box.
    case prefixTaken(prefix: IPv6Prefix, route: String, byAnotherPortal: Bool, isNetwork: Bool = false)
    case kernel(NetlinkError)

    package var description: String {
        switch self {
        case .badPlan(let fault):
            return fault
        case .noPrivilege:
            return "the portal needs CAP_NET_ADMIN: run as root, start the service with "
                + "AmbientCapabilities=CAP_NET_ADMIN, or set `portal: {enabled: false}`"
        case .foreignInterface(let name, let kind, let alias):
            let what = kind.isEmpty ? "an interface" : "a \(kind) interface"
            let whose = alias.isEmpty ? "" : " with alias \"\(alias)\""
            let use = kind == "tun" ? ", take it into use with `portal.persistent: true`" : ""
            return
                "\(name) is \(what)\(whose) that somebody else made: choose another `portal.interface`\(use), or remove it "
                + "(ip link delete \(name))"
        case .busyInterface(let name):
            return "\(name) is in use by another process: stop it (is another inet256vpn running?), "
                + "or choose another `portal.interface`"
        case .prefixTaken(let prefix, let route, let byAnotherPortal, let isNetwork):
            let change = isNetwork ? "take it out of `networks`" : "choose another `portal.prefix`"
            let other = isNetwork ? change : "give this one another `portal.prefix`"
            let advice =
                byAnotherPortal
                ? "another inet256vpn serves it: stop that one, or \(other)"
                : "\(change), or remove that route (ip -6 route delete \(route))"
            return "\(prefix) is already routed: \(route); \(advice)"
        case .kernel(let error):
            return error.advice.map { "\(error); \($0)" } ?? "\(error)"
        }
    }
}

/// What keeps traffic from its way, though the portal itself is well.
package enum PortalWarning: Hashable, Sendable, CustomStringConvertible {
    /// A route of somebody else inside a prefix that the portal serves: it goes on working, and what has such
    /// addresses cannot be reached through the portal. `device` is the name of its interface.
    case moreSpecific(route: Route, device: String, prefix: IPv6Prefix)
    /// There are networks behind this box, and the kernel forwards no IPv6. Not ours to change: a machine that
    /// forwards stops heeding router advertisements, and may lose its own default route.
    case forwardingOff

    package var description: String {
        switch self {
        case .moreSpecific(let route, let device, let prefix):
            "\(route.text { _ in device }) is more specific than \(prefix) and keeps its traffic out of the portal"
        case .forwardingOff:
            "networks behind this box are declared, but this machine forwards no IPv6: run `\(Self.forwardingCommand)` "
                + "and put the setting into /etc/sysctl.d; where an interface gets its own routes by router "
                + "advertisements, set its accept_ra to 2 first"
        }
    }

    /// What switches forwarding on.
    static let forwardingCommand = "sysctl -w net.ipv6.conf.all.forwarding=1"
}
