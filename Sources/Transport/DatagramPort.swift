package import Wire

/// What carries datagrams: a socket today, whatever comes beside it tomorrow. The data plane crosses this once a burst, so a call
/// by way of the protocol costs nothing that is felt.
///
/// A port is one thread's. Everything that it is given or gives lies in the caller's memory.
package protocol DatagramPort: AnyObject {
    /// The number that paths of this port carry (`Path.socket`).
    var number: UInt16 { get }
    /// For the poller, as long as the port lives: readable when datagrams or events wait, writable when there is room again. A port
    /// of many connections has a poller of its own, whose descriptor this is, and says `room` where that cannot be writable.
    var descriptor: Int32 { get }
    /// What to know of it before anything is sent. Never changes.
    var traits: PortTraits { get }
    /// What people are told of it.
    var facts: PortFacts { get }
    /// What it has done since it was made.
    var counters: UDPCounters { get }

    /// Takes a burst of datagrams that have arrived; 0 when there are none. What passes by itself is counted and not thrown: only
    /// a port that cannot be used any more throws, and whoever drives it stops asking then.
    func receive(into batch: DatagramBatch) throws(TransportError) -> Int

    /// Sends records in order and writes each one's outcome into it. What a single destination is at fault for costs that record
    /// and no other. It stops early only when the port takes no more for now (`isBlocked`): the records from `done` on are then
    /// still `.pending` and the caller's to keep or drop. Throws only when the port itself is unusable.
    func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress

    /// What happened since the last call, where ways come and go by themselves (`PortTraits.hasConnections`); others are not asked.
    /// Asked at the end of each turn, so what came by a way that has closed since has been taken in before.
    func takeEvents() -> [PortEvent]

    /// Whether it has ways to this endpoint at all.
    func reaches(_ endpoint: Endpoint) -> Bool
}

extension DatagramPort {
    package func takeEvents() -> [PortEvent] { [] }
}

/// What a port of connections has to say.
package enum PortEvent: Equatable, Sendable {
    /// Datagrams go there now.
    case opened(Path)
    /// Nothing goes there any more, nor will anything come.
    case closed(Path)
    /// It takes records again.
    case room
}

/// What people are told of a port.
package struct PortFacts: Equatable, Sendable {
    /// What its endpoints are written with in front: "udp".
    package var scheme: String
    /// What it is bound to.
    package var bound: Endpoint
    /// How several datagrams cross the kernel at once.
    package var offloads: [String]
    /// The UDP port that its datagrams leave by, if they do: they must never enter the tunnel that they carry.
    package var udpPort: UInt16?

    package init(scheme: String, bound: Endpoint, offloads: [String] = [], udpPort: UInt16? = nil) {
        self.scheme = scheme
        self.bound = bound
        self.offloads = offloads
        self.udpPort = udpPort
    }
}

extension UDPSocket: DatagramPort {
    package var traits: PortTraits { .udp }

    package var facts: PortFacts {
        PortFacts(
            scheme: "udp", bound: local,
            offloads: (sendsSegments ? ["segmentation"] : []) + (receivesJoined ? ["joining"] : []), udpPort: local.port
        )
    }

    /// A socket bound to all addresses speaks both families, any other its own.
    package func reaches(_ endpoint: Endpoint) -> Bool {
        if local.address == .unspecified { return true }
        return (local.address.mappedIPv4 != nil) == endpoint.isIPv4
    }
}
