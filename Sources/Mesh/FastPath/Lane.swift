package import INET256
package import Wire

/// A way that is known and has keys, looked up once for the packets of a burst to one address. Good until the box is handed
/// anything else but the packets of this lane.
package struct Lane {
    /// The largest packet that goes in one datagram, in bytes.
    package let capacity: Int
    /// Whether that is what the path carries, and not only what is known so far while larger sizes are tried.
    package let isSettled: Bool
    let keys: WorkerKeys
    /// Where datagrams go: to the other end, or to the first relay.
    let path: Path
    /// The link whose relay frames carry them; nil on a direct path.
    let relay: Relay?

    /// What is written around a datagram for a relay.
    struct Relay {
        let keys: WorkerKeys
        let head: RelayHead
    }

    /// From the datagram's first byte to the packet's.
    @inline(__always) var lead: Int { relay == nil ? Self.direct : Self.relayed + (relay?.head.flow.count ?? 0) }
    /// What seals add behind the packet.
    @inline(__always) var tags: Int { relay == nil ? TransportLayout.tag : 2 * TransportLayout.tag }

    static let direct = TransportLayout.header + 1
    /// But for the flow's header.
    static let relayed = TransportLayout.header + RelayLayout.header + direct
}

/// The head of a relay frame.
struct RelayHead {
    let destination: Address
    let source: Address
    /// The largest datagram that the first link carries in one piece.
    let stamp: Int
    var flow = FlowHeader()

    /// In bytes, the flow's header included.
    var count: Int { RelayLayout.header + flow.count }

    func write(to frame: UnsafeMutableRawPointer) {
        RelayFrame.writeHead(to: frame, destination, source, stamp: stamp)
        flow.write(to: frame + RelayLayout.header)
    }
}

/// Who knows lanes: the box itself, or what it has published to a worker.
package protocol LaneSource: AnyObject {
    var sealer: Sealer { get }

    /// The lane of the box's main node to `remote`, or nil while there is none.
    func lane(to remote: Address, now: Instant) -> Lane?
}
