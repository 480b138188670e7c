internal import INET256
internal import Mesh
internal import Portal
internal import Transport
internal import Wire

/// What the control side asks of the data-plane thread. Answers go back through the closures, which return at once.
enum EngineCommand: Sendable {
    /// The name is for the log.
    case setPeer(PeerSettings, name: String)
    case removePeer(Address)
    case setAcceptsAnybody(Bool)
    case setAccess(PortalGate)
    /// Whom nodes of applications may exchange messages with, and how many there may be.
    case setNodeAccess(PortalGate, limit: Int)
    case ping(Address, bytes: Int, timeout: Interval, answer: @Sendable (PingResult) -> Void)
    case snapshot(@Sendable (EngineSnapshot) -> Void)
    /// The portal's interface is gone: ends the thread.
    case portalLost
    /// Says goodbye to the neighbours, takes the portal down and ends the thread.
    case stop
}

enum PingResult: Sendable {
    case answered(Interval)
    case timedOut
    case refused(String)
}

/// Whose packets pass the portal, or whose messages the API, in the form that is asked per packet.
enum PortalGate: Sendable {
    case everybody
    case only(Set<Address>)
    /// Everybody whose derived address lies in none of these.
    case outside([IPv6Prefix], IPv6Map)

    @inline(__always)
    func admits(_ address: Address) -> Bool {
        switch self {
        case .everybody: true
        case .only(let some): some.contains(address)
        case .outside(let excepted, let map):
            !excepted.contains { $0.contains(map.address(of: address)) }
        }
    }
}

/// The state of the data plane at one moment.
struct EngineSnapshot: Sendable {
    struct Socket: Sendable {
        var configured: Endpoint
        var bound: Endpoint
        /// How several datagrams cross the kernel at once.
        var offloads: [String]
        var counters: UDPCounters
        /// Datagrams dropped because the socket's buffer and the queue behind it were full.
        var dropped: UInt64
    }

    struct PortalSnapshot: Sendable {
        var interface: String
        var address: IPv6Address
        var mtu: Int
        /// What the kernel and the portal leave undone for each other.
        var offloads: [String]
        var queue: PortalQueueCounters
        /// Packets that bore a mark of congestion which their sender does not understand.
        var congested: UInt64
        var device: TunCounters
        var drops: Portal.DropCounters
        /// Packets the gate (`portal.allow`) held back.
        var prohibited: UInt64
        /// Packets to addresses that nobody has.
        var unknown: UInt64
        /// Packets of our own sockets that the kernel routed into the portal.
        var ownDatagrams: UInt64
    }

    /// Engines at work.
    var threads: Int
    var scheduling: ThreadScheduling
    var box: BoxStatus
    var handovers = Handovers()
    var sockets: [Socket]
    var portal: PortalSnapshot?
    /// Messages for nodes that nobody reads.
    var unread: UInt64
    var hosted: HostedCounters
    /// Nodes that are open because applications opened them.
    var applications: Set<Address>
    /// Turns that were put off because a deadline did not move; a fault of this program.
    var heldTurns: UInt64 = 0
    var warnings: [String]
}
