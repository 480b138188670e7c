package import Wire

/// What carries datagrams: a socket today, whatever comes beside it tomorrow. The data plane crosses this once a burst, so a call
/// by way of the protocol costs nothing that is felt.
///
/// A port is one thread's. Everything that it is given or gives lies in the caller's memory.
package protocol DatagramPort: AnyObject {
    /// The number that paths of this port carry (`Path.socket`).
    var number: UInt16 { get }
    /// What to know of it before anything is sent.
    var traits: PortTraits { get }
    /// What it has done since it was made.
    var counters: UDPCounters { get }

    /// Takes a burst of datagrams that have arrived; 0 when there are none. What passes by itself is counted and not thrown: only
    /// a port that cannot be used any more throws, and whoever drives it stops asking then.
    func receive(into batch: DatagramBatch) throws(TransportError) -> Int

    /// Sends records in order and writes each one's outcome into it. What a single destination is at fault for costs that record
    /// and no other. It stops early only when the port takes no more for now (`isBlocked`): the records from `done` on are then
    /// still `.pending` and the caller's to keep or drop. Throws only when the port itself is unusable.
    func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress

    /// Whether it has ways to this endpoint at all.
    func reaches(_ endpoint: Endpoint) -> Bool
}

/// How a port differs from others, as far as the mesh goes by it.
package struct PortTraits: Equatable, Sendable {
    package enum Sizes: Equatable, Sendable {
        /// Whatever the way carries, which nobody tells: it is measured (RFC 8899).
        case probed
        /// So many bytes of a datagram and no more, whatever the way.
        case fixed(Int)
    }

    package var sizes: Sizes
    /// Whether a datagram that came from an endpoint shows that datagrams reach it there. Not with UDP, where anybody may write
    /// any source; with what shakes hands before it carries anything, yes.
    package var provesWayBack: Bool
    /// Whether ways come and go with the port's own connections; else any endpoint is a way.
    package var hasConnections: Bool

    package init(sizes: Sizes, provesWayBack: Bool, hasConnections: Bool) {
        self.sizes = sizes
        self.provesWayBack = provesWayBack
        self.hasConnections = hasConnections
    }

    package static let udp = PortTraits(sizes: .probed, provesWayBack: false, hasConnections: false)
}

extension UDPSocket: DatagramPort {
    package var traits: PortTraits { .udp }

    /// A socket bound to all addresses speaks both families, any other its own.
    package func reaches(_ endpoint: Endpoint) -> Bool {
        if local.address == .unspecified { return true }
        return (local.address.mappedIPv4 != nil) == endpoint.isIPv4
    }
}
