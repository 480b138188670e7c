internal import Glibc
public import Wire

/// What the portal needs of the kernel, checked: an interface of that name with one address, and the route
/// of a whole prefix into it.
public struct PortalPlan: Hashable, Sendable {
    public let interface: String
    /// This box's derived address; it gets a /128.
    public let address: IPv6Address
    public let prefix: IPv6Prefix
    /// Bytes: 1280, below which there is no IPv6 (RFC 8200 section 5), to 65535.
    public let mtu: UInt32
    /// Of the prefix route; smaller wins.
    public let metric: UInt32
    public let table: UInt32
    /// The configuration says that the interface is a persistent TUN device: one that is there is taken
    /// into use, and left in place at the end.
    public let persistent: Bool

    /// The kernel's own default for IPv6 routes (IP6_RT_PRIO_USER).
    public static let defaultMetric: UInt32 = 1024

    /// - Throws: `PortalError.badPlan` with the field and what was expected.
    public init(
        interface: String, address: IPv6Address, prefix: IPv6Prefix, mtu: UInt32,
        metric: UInt32 = PortalPlan.defaultMetric, table: UInt32 = Route.mainTable, persistent: Bool = false
    ) throws(PortalError) {
        if let fault = NetworkInterface.nameFault(interface) {
            throw .badPlan("interface \"\(interface)\": \(fault)")
        }
        guard prefix.contains(address) else {
            throw .badPlan("address \(address): it does not lie in the prefix \(prefix)")
        }
        guard (1280...65535).contains(mtu) else {
            throw .badPlan("mtu \(mtu): an IPv6 interface has 1280 to 65535 bytes")
        }
        guard metric > 0, metric < PortalMark.holdMetric else {
            throw .badPlan("metric \(metric): expected 1 to \(PortalMark.holdMetric - 1)")
        }
        guard table > 0 else { throw .badPlan("table 0: expected 1 to \(UInt32.max); the main table is 254") }
        self.interface = interface
        self.address = address
        self.prefix = prefix
        self.mtu = mtu
        self.metric = metric
        self.table = table
        self.persistent = persistent
    }
}

/// How objects of ours are told from those of others, also after a crash.
public enum PortalMark {
    /// The alias of every interface of ours.
    public static let alias = "inet256vpn"
    /// The protocol number of every route and address of ours. Linux gives 0 to 4 a meaning of its own and
    /// /etc/iproute2/rt_protos names those of the known routing daemons; nobody has 156.
    public static let protocolNumber: UInt8 = 156
    /// The metric of the route that holds the prefix: worse than any other but the kernel's own last resort.
    public static let holdMetric: UInt32 = .max - 1
}

/// Why the portal cannot come up, in words that say what to do next.
public enum PortalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A value of the configuration that cannot be: the field, and what was expected.
    case badPlan(String)
    /// CAP_NET_ADMIN is not effective.
    case noPrivilege
    /// The name belongs to an interface of somebody else.
    case foreignInterface(name: String, kind: String, alias: String)
    /// The device is ours or was offered to us, but a process holds it open.
    case busyInterface(name: String)
    /// Somebody else's route has exactly the prefix.
    case prefixTaken(prefix: IPv6Prefix, route: String, byAnotherPortal: Bool)
    case kernel(NetlinkError)

    public var description: String {
        switch self {
        case .badPlan(let fault):
            return fault
        case .noPrivilege:
            return "the portal needs CAP_NET_ADMIN: run as root, start the service with "
                + "AmbientCapabilities=CAP_NET_ADMIN, or set `portal: {enabled: false}`"
        case .foreignInterface(let name, let kind, let alias):
            let what = kind.isEmpty ? "an interface" : "a \(kind) interface"
            let whose = alias.isEmpty ? "" : " with alias \"\(alias)\""
            return
                "\(name) is \(what)\(whose) that somebody else made: choose another `portal.interface`, or remove it "
                + "(ip link delete \(name))"
        case .busyInterface(let name):
            return "\(name) is in use by another process: stop it (is another inet256vpn running?), "
                + "or choose another `portal.interface`"
        case .prefixTaken(let prefix, let route, let byAnotherPortal):
            let advice =
                byAnotherPortal
                ? "another inet256vpn serves it: stop that one, or give this one another `portal.prefix`"
                : "choose another `portal.prefix`, or remove that route (ip -6 route delete \(route))"
            return "\(prefix) is already routed: \(route); \(advice)"
        case .kernel(let error):
            return error.advice.map { "\(error); \($0)" } ?? "\(error)"
        }
    }
}

/// A route of somebody else inside the prefix: it goes on working, and the box's peers with such addresses
/// cannot be reached.
public struct PortalWarning: Hashable, Sendable, CustomStringConvertible {
    public let route: Route
    /// The name of the route's interface.
    public let device: String
    public let prefix: IPv6Prefix

    public var description: String {
        "\(route.text { _ in device }) is more specific than \(prefix) and keeps its traffic out of the portal"
    }
}
