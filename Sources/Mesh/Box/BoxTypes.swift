package import INET256
package import Wire

/// One of the box's local nodes. 0 is the box itself (its main address).
package struct NodeID: Hashable, Sendable {
    package let rawValue: Int
    package static let main = NodeID(rawValue: 0)

    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// A message that came in for a local node. The view is good until the next call to the box.
package struct Delivery {
    package let node: NodeID
    /// Whose key sealed it.
    package let source: Address
    /// 0 to 65,535 bytes.
    package let message: UnsafeRawBufferPointer
    /// The sender calls it a packet with a checksum that covers the pseudo-header alone.
    package let isPartial: Bool
    /// It lies in memory that is used again by the next call; others stay as long as the datagram that brought them.
    package internal(set) var isFleeting = false
    /// The ECN field of the packet that brought it, as the tunnel's outer one (RFC 6040 section 4.2).
    package let ecn: UInt8
}

/// What became of a message that was handed in.
package enum SendOutcome: Equatable, Sendable {
    /// It lies in the outbox.
    case sent
    /// It waits for a session or a route; a `BoxEvent.undeliverable` follows if none comes.
    case queued
    /// The destination is this local node of the same box: the caller delivers it.
    case loopback(NodeID)
    /// It lies in the outbox in pieces: the path carries messages of `limit` bytes in one.
    case fragmented(limit: Int)
    case dropped(DropReason)
}

/// What happened and somebody above may want to know. Bounded; the oldest are kept.
package enum BoxEvent: Sendable {
    case linkUp(Address, Endpoint)
    case linkDown(Address)
    /// An answer to `ping`.
    case pong(id: UInt64, from: Address, bytes: Int)
    /// A queued message was given up.
    case undeliverable(node: NodeID, destination: Address, message: [UInt8])
    /// A peer proved to be somebody else, or says no.
    case refused(Address, LinkTrouble)
    /// A stranger asked for a link that is not accepted.
    case stranger(Address, Endpoint)
    /// Why a peer has no link, once for each cause while it has none.
    case troubled(Address, LinkTrouble)
    /// A session that rode through relays has come to a straight path.
    case straight(Address, Endpoint)
    /// The session's path moved.
    case moved(Address, Endpoint)
    /// A neighbour's portal has all nodes under another prefix.
    case prefixDiffers(Address, IPv6Prefix)
    /// The key of this address, of this box perhaps, is used on two machines.
    case sameKey(Address)
    /// The routing table has no room for so many nodes, which are not reached; it has places for `places`.
    case tableFull(refused: Int, places: Int)
    /// What fits into one datagram to somebody is known anew: `largestPacket` may have changed.
    case sized(Address)
    /// A peer that is called straight does not answer, and nothing explains it: said with each further call.
    case fruitless(Address)
    /// Ports are to be opened for a spray (`Path.spraySocket`), from which a peer is challenged at this endpoint: `SprayLimits`
    /// says how many and for how long.
    case spray(Address, Endpoint)
    /// The daemon of another box says something: for what purpose, and the rest.
    case service(Address, UInt8, [UInt8])
}

/// A neighbour that is configured: the box keeps trying to have a link with it.
package struct PeerSettings: Sendable, Equatable {
    package var address: Address
    /// Where it may be reached, numeric. Empty: it is waited for.
    package var endpoints: [Endpoint]
    /// Those of them that others only say, be it the peer itself: they are called seldom until one has answered.
    package var hearsay: Set<Endpoint>

    package init(address: Address, endpoints: [Endpoint], hearsay: Set<Endpoint> = []) {
        self.address = address
        self.endpoints = endpoints
        self.hearsay = hearsay
    }
}

/// What a box is made of.
package struct BoxSettings: Sendable {
    package var algorithm: any RoutingAlgorithm.Type
    /// What is set of the algorithm.
    package var routing = RoutingOptions()
    /// Does anybody get a link, or configured peers only?
    package var acceptsAnybody = false
    /// Ciphers that may be used, best first. What `backends` has no library for is left out.
    package var ciphers: [Cipher] = [.aes256GCM, .chaCha20Poly1305]
    /// Where the ciphers are taken from. Nothing of it shows on the wire but which ciphers are offered.
    package var backends = CipherBackends.floor
    /// The lowest suite number accepted.
    package var minimumSuite: UInt8 = 1
    /// Wall-clock milliseconds at start: a restarted box's announcements outrank its old ones.
    package var startMilliseconds: UInt64
    package var limits = MeshLimits()
    /// Where this box's portal has all nodes; nil without a portal. Neighbours are told.
    package var prefix: IPv6Prefix?
    /// With whom straight paths are sought, besides what is configured.
    package var direct = DirectPolicy.off
    /// Whether peers may have this box spray where routers let no straight path come about otherwise.
    package var sprays = false
    /// Whether other engines use the main node's sessions as well (`SideBox`).
    package var isShared = false

    package init(_ algorithm: any RoutingAlgorithm.Type = RoutingAlgorithms.standard, startMilliseconds: UInt64) {
        self.algorithm = algorithm
        self.startMilliseconds = startMilliseconds
    }
}

/// A local node: a key, and what follows from it.
final class BoxNode {
    let id: NodeID
    let key: PrivateKey
    let address: Address
    let keys: AddressKeys
    let noise: NoiseKeyPair
    /// Whether it stands for the box itself, and its sessions may be links: the main node, and the one under the box's former address.
    let isBox: Bool

    init(id: NodeID, key: PrivateKey, isBox: Bool? = nil) {
        self.id = id
        self.isBox = isBox ?? (id == .main)
        self.key = key
        address = key.address
        keys = AddressKeys(key.address)
        noise = NoiseKeyPair(secret: key.x25519Secret)
    }

    var isMain: Bool { id == .main }
}
