public import INET256
public import Wire

/// One of the box's local nodes. 0 is the box itself (its main address).
public struct NodeID: Hashable, Sendable {
    public let rawValue: Int
    public static let main = NodeID(rawValue: 0)

    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// A message that came in for a local node. The view is good until the next call to the box.
public struct Delivery {
    public let node: NodeID
    /// Whose key sealed it.
    public let source: Address
    /// 0 to 65,535 bytes.
    public let message: UnsafeRawBufferPointer
    /// The sender calls it a packet with a checksum that covers the pseudo-header alone.
    public let isPartial: Bool
    /// It lies in memory that is used again by the next call; others stay as long as the datagram that brought them.
    public internal(set) var isFleeting = false
    /// The ECN field of the packet that brought it, as the tunnel's outer one (RFC 6040 section 4.2).
    public let ecn: UInt8
}

/// What became of a message that was handed in.
public enum SendOutcome: Equatable, Sendable {
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
public enum BoxEvent: Sendable {
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
}

/// A neighbour that is configured: the box keeps trying to have a link with it.
public struct PeerSettings: Sendable, Equatable {
    public var address: Address
    /// Where it may be reached, numeric. Empty: it is waited for.
    public var endpoints: [Endpoint]

    public init(address: Address, endpoints: [Endpoint]) {
        self.address = address
        self.endpoints = endpoints
    }
}

/// What a box is made of.
public struct BoxSettings: Sendable {
    /// The name of the routing algorithm: one of `AnyNetwork.names`.
    public var network: String
    /// Does anybody get a link, or configured peers only?
    public var acceptsAnybody = false
    /// Ciphers that may be used, best first. What `backends` has no library for is left out.
    public var ciphers: [Cipher] = [.aes256GCM, .chaCha20Poly1305]
    /// Where the ciphers are taken from. Nothing of it shows on the wire but which ciphers are offered.
    public var backends = CipherBackends.floor
    /// The lowest suite number accepted.
    public var minimumSuite: UInt8 = 1
    /// Wall-clock milliseconds at start: a restarted box's announcements outrank its old ones.
    public var startMilliseconds: UInt64
    public var limits = MeshLimits()
    /// Where this box's portal has all nodes; nil without a portal. Neighbours are told.
    public var prefix: IPv6Prefix?
    /// Whether other engines use the main node's sessions as well (`SideBox`).
    public var isShared = false

    public init(network: String = "beaconnet", startMilliseconds: UInt64) {
        self.network = network
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

    init(id: NodeID, key: PrivateKey) {
        self.id = id
        self.key = key
        address = key.address
        keys = AddressKeys(key.address)
        noise = NoiseKeyPair(secret: key.x25519Secret)
    }

    var isMain: Bool { id == .main }
}
