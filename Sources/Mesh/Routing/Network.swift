package import INET256
package import Wire

/// One neighbour of the box, as the box numbers its links. Never reused while an algorithm still knows it.
package struct NeighbourID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    @inlinable
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable
    package static func < (a: NeighbourID, b: NeighbourID) -> Bool { a.rawValue < b.rawValue }
}

/// A frame of the routing algorithm for one neighbour.
package struct ControlFrame: Sendable {
    /// The longest control frame in bytes: it fits any path's datagram without fragmentation.
    package static let maximumBytes = 1024

    package let to: NeighbourID
    package let bytes: [UInt8]

    package init(to: NeighbourID, bytes: [UInt8]) {
        self.to = to
        self.bytes = bytes
    }
}

/// A routing algorithm: which neighbour is next on the way to an address.
///
/// It is a state machine that owns no clock, socket, thread or randomness. The box tells it what happens; it
/// answers questions, and puts out control frames that the box carries over authenticated links, on which they
/// may be lost, repeated and reordered. `now` never goes back between calls.
package protocol Network {
    /// Starts announcing a node of this box.
    mutating func addLocal(_ key: PrivateKey, now: Instant)
    /// Stops announcing a node of this box. Unknown addresses are ignored.
    mutating func removeLocal(_ address: Address, now: Instant)

    /// A link came up whose other end is authenticated as `key`. A neighbour that restarts goes down and up again.
    mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant)
    mutating func neighbourDown(_ id: NeighbourID, now: Instant)
    /// Says whether a neighbour is a configured peer, as whom it counts until this is said, or a stranger: where memory is
    /// short, strangers leave room to peers.
    mutating func distinguish(_ id: NeighbourID, isPeer: Bool)

    /// Says what a link costs as a part of a way, in good links: 1 until this is said.
    mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant)

    /// Takes a neighbour's control frame: hostile bytes. The error says why the frame, or a part of it, was
    /// refused; the state is consistent either way.
    mutating func receive(
        _ frame: UnsafeRawBufferPointer, from: NeighbourID, now: Instant
    ) throws(RoutingError)

    /// Does what is due. Calling it early or late is harmless.
    mutating func tick(now: Instant)
    /// When `tick` wants to be called next.
    var deadline: Instant { get }

    /// The neighbour to hand a packet for `destination` to; nil when there is none or the destination is a node
    /// of this box. May be asked per packet: it allocates nothing.
    func nextHop(to destination: Address) -> NeighbourID?

    /// Bytes of the algorithm's own in each relay frame, behind its head: a flow's header, the same number in each box of a mesh
    /// and at any time; at most `FlowHeader.most`. The link's seal protects it from others, and each box on the way may alter it:
    /// what comes in it is hostile.
    var flowHeaderBytes: Int { get }
    /// The neighbours to hand a packet for `destination` to, the best first: the box takes the first that it has a link with. `flow` is
    /// the packet's header as it came, and empty for one that begins its way here. Asked per packet where there are headers.
    func nextHops(to destination: Address, flow: UnsafeRawBufferPointer) -> NextHops
    /// The packet goes to `hop`, one of those: has the header say what the next box needs. That of a packet that begins its way here
    /// is zeros before; of one that goes back where nobody knows a way, `hop` is where the question came from.
    func writeFlow(
        _ flow: UnsafeMutableRawBufferPointer, to destination: Address, by hop: NeighbourID, begins: Bool)

    /// A reachable address, local ones included, whose first `bits` bits (0 to 256) are those of `prefix`.
    func find(prefix: Address, bits: Int) -> Address?
    /// The key behind an address, where it is known.
    func publicKey(of address: Address) -> PublicKey?

    /// There is traffic for a destination without a next hop: the algorithm may ask around, at a bounded rate.
    mutating func wanted(_ destination: Address, now: Instant)

    /// The control frames to be sent since the last call.
    mutating func takeOutput() -> [ControlFrame]
    /// Grows whenever an answer of `nextHop`, `find` or `publicKey` may have changed.
    var version: UInt64 { get }
    var statistics: NetworkStatistics { get }
    /// Local nodes whose key another machine announces as well, and when there was last a sign of it; `version` grows with a
    /// new one.
    var contested: [Address: Instant] { get }
    /// How many nodes of others there is room for; nil where nothing is full by their number.
    var places: Int? { get }
}

extension Network {
    package var places: Int? { nil }
    package var flowHeaderBytes: Int { 0 }
    package func nextHops(to destination: Address, flow: UnsafeRawBufferPointer) -> NextHops {
        NextHops(nextHop(to: destination))
    }
    package func writeFlow(
        _ flow: UnsafeMutableRawBufferPointer, to destination: Address, by hop: NeighbourID, begins: Bool
    ) {}
}
