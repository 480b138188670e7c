/// What the first byte of a frame (the plaintext of a sealed datagram) says.
enum FrameKind: UInt8 {
    /// Nothing more: "I am here, and these keys work".
    case keepalive = 0
    /// An application's message, 0 to 65,535 bytes.
    case message = 1
    /// A piece of a frame that does not fit one datagram.
    case fragment = 2
    /// A datagram of a session between other nodes, on its way through this link.
    case relay = 3
    /// A control frame of the routing algorithm.
    case control = 4
    /// Eight random bytes to be echoed: does the new endpoint receive?
    case challenge = 5
    /// The echo of a challenge.
    case challengeResponse = 6
    /// A padded datagram that asks whether its size gets through: probe number (4).
    case sizeProbe = 7
    /// The answer: probe number (4), size in bytes (4).
    case sizeProbeAnswer = 8
    /// Whether this end wants a link, and which run of the daemon it is.
    case hello = 9
    /// An identifier (8) and padding to be echoed.
    case ping = 10
    /// The echo of a ping.
    case pong = 11
    /// The other end is going away and will not answer on these keys.
    case goodbye = 12
    /// The largest datagram (2) that came through the relays in one piece.
    case relaySize = 13
    /// A message that is an IPv6 packet whose TCP or UDP checksum covers the pseudo-header alone, as the kernel leaves it to
    /// network hardware: the seal has protected every byte since the sender's kernel wrote it.
    case partialPacket = 14
    /// The prefix under which the sender's portal has all nodes, behind its hello: length in bits (1), address (16).
    case prefix = 15
    /// The receiver's key is used on another machine as well: flags (1).
    case sameKey = 16
    /// Where the sender may be reached, for a straight path.
    case candidates = 17
    /// Where the receiver's datagrams come from, as its neighbour sees it: port (2), address (16).
    case observed = 18
    /// What the daemons of two boxes have to say to each other, and the mesh carries without reading it: purpose (1), and up to
    /// `ServiceLayout.longest` bytes.
    case service = 19

    /// What goes by the way that routing says, where the session's own path is a bad one. All else is about that path, or
    /// about the link on it.
    @inline(__always)
    var followsRoutes: Bool {
        switch self {
        case .message, .partialPacket, .ping, .pong: true
        default: false
        }
    }
}

/// The head of a fragment: kind (1), frame number (4), piece (1), pieces (1), bytes in the whole frame (4).
/// All pieces but the last have the same length, so a piece's place follows from its number.
enum FragmentLayout {
    static let number = 1
    static let piece = 5
    static let pieces = 6
    static let total = 7
    static let header = 11
    /// The most pieces of one frame, which is what the byte holds: a frame of 65,636 bytes goes over a path of 576.
    static let maximumPieces = 255
}

/// The head of a relay frame: kind (1), hop limit (1), size stamp (2), destination (32), source (32). Behind it stands the flow's header
/// of a routing algorithm that has one (`Network.flowHeaderBytes`), and then the other session's datagram.
///
/// The stamp is the largest datagram that each link so far could carry without fragmenting; every relay lowers it to what its
/// own next link carries, and the far end reports it to the sender inside the session.
enum RelayLayout {
    static let hopLimit = 1
    static let stamp = 2
    static let destination = 4
    static let source = 36
    static let header = 68
    /// More than the diameter of any mesh this routes; a frame that loops dies after as many hops.
    static let initialHopLimit: UInt8 = 64
}

/// Hello: kind (1), flags (1), run of the daemon (8).
enum HelloLayout {
    static let flags = 1
    static let run = 2
    static let count = 10
    /// The sender accepts a link with the receiver.
    static let acceptsLink: UInt8 = 1
    /// The sender wants a hello in return.
    static let wantsAnswer: UInt8 = 2
}

/// Same key: kind (1), flags (1).
enum SameKeyLayout {
    static let count = 2
    /// The other machine has the link, and this one gets none.
    static let otherHasLink: UInt8 = 1
}

/// Service: kind (1), purpose (1), body.
enum ServiceLayout {
    /// Of the body, in bytes: with all heads it goes through any path of IPv6 in one datagram.
    static let longest = 1000
}

/// Prefix: kind (1), length in bits (1), the prefix's address in network order (16).
enum PrefixLayout {
    static let length = 1
    static let address = 2
    static let count = 18
}
