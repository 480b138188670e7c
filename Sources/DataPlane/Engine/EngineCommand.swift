package import INET256
package import Mesh
package import Portal
internal import System
package import Transport
package import Wire

/// What the control side asks of the data-plane thread. Answers go back through the closures, which return at once.
package enum EngineCommand: Sendable {
    /// The name is for the log.
    case setPeer(PeerSettings, name: String)
    case removePeer(Address)
    case setAcceptsAnybody(Bool)
    /// With whom straight paths are sought.
    case setDirect(DirectPolicy)
    /// Whether peers may have this box spray.
    case setSpray(Bool)
    /// Where this box may be reached, as the machine and the configuration know.
    case setCandidates([Candidate])
    /// What servers see this box's datagrams come from.
    case setSeen([Endpoint])
    case setAccess(PortalGate)
    /// Whom nodes of applications may exchange messages with, and how many there may be.
    case setNodeAccess(PortalGate, limit: Int)
    case ping(Address, bytes: Int, timeout: Interval, answer: @Sendable (PingResult) -> Void)
    case snapshot(@Sendable (EngineSnapshot) -> Void)
    /// Sends a datagram that is none of the mesh's, from the given address of this machine unless that is unspecified, by the first
    /// socket that reaches its endpoint: now, or not at all.
    case sendRaw([UInt8], Endpoint, from: IPv6Address)
    /// Says something to the daemon of another box (`MeshBox.sendService`): once, and it may be lost.
    case service(UInt8, [UInt8], to: Address)
    /// A peer's configuration has the box's new address.
    case setKnown(Address)
    /// The box answers under its former address no longer.
    case forgetFormer
    /// The portal's interface is gone: ends the thread.
    case portalLost
    /// Says goodbye to the neighbours, takes the portal down and ends the thread.
    /// - Parameter keeping: the interface is left as it is, for the next run of the program.
    case stop(keeping: Bool)
}

package enum PingResult: Sendable {
    case answered(Interval)
    case timedOut
    case refused(String)
}

/// Whose packets pass the portal, or whose messages the API, in the form that is asked per packet.
package enum PortalGate: Sendable {
    case everybody
    case only(Set<Address>)
    /// Everybody whose derived address lies in none of these.
    case outside([IPv6Prefix], IPv6Map)

    @inline(__always)
    package func admits(_ address: Address) -> Bool {
        switch self {
        case .everybody: true
        case .only(let some): some.contains(address)
        case .outside(let excepted, let map):
            !excepted.contains { $0.contains(map.address(of: address)) }
        }
    }
}

/// The state of the data plane at one moment.
package struct EngineSnapshot: Sendable {
    package struct Socket: Sendable {
        package var configured: Endpoint
        package var facts: PortFacts
        package var counters: UDPCounters
        /// Datagrams dropped because the socket's buffer and the queue behind it were full.
        package var dropped: UInt64
        /// What its spare port is bound to, while there is one.
        package var spare: Endpoint?
    }

    package struct PortalSnapshot: Sendable {
        package var interface: String
        package var address: IPv6Address
        package var mtu: Int
        /// What the kernel and the portal leave undone for each other.
        package var offloads: [String]
        package var queue: PortalQueueCounters
        /// Packets that bore a mark of congestion which their sender does not understand.
        package var congested: UInt64
        package var device: TunCounters
        package var drops: Portal.DropCounters
        /// Packets the gate (`portal.allow`) held back.
        package var prohibited: UInt64
        /// Packets to addresses that nobody has.
        package var unknown: UInt64
        /// Packets of our own sockets that the kernel routed into the portal.
        package var ownDatagrams: UInt64
    }

    /// Engines at work.
    package var threads: Int
    package var scheduling: ThreadScheduling
    package var box: BoxStatus
    package var handovers = Handovers()
    package var sockets: [Socket]
    package var portal: PortalSnapshot?
    /// Messages for nodes that nobody reads.
    package var unread: UInt64
    package var hosted: HostedCounters
    /// Nodes that are open because applications opened them.
    package var applications: Set<Address>
    /// Turns that were put off because a deadline did not move; a fault of this program.
    package var heldTurns: UInt64 = 0
    package var warnings: [String]
}
