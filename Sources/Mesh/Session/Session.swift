internal import INET256
internal import Wire

/// What joins a local node to a remote address: its keys, its ways to send, and what waits. Each part is written by itself alone; the
/// box asks them what is due, does it, and tells them what came.
///
/// A link is the session of two main addresses over a direct path. All other sessions, and this one while its direct path is
/// down, ride in relay frames.
final class Session {
    let number: UInt32
    let local: BoxNode
    let remote: Address
    /// Known after the first handshake.
    private(set) var remoteKey: PublicKey?
    /// Set while the remote address is a configured peer.
    private(set) var peer: Peer?

    var keys: SessionKeys
    /// Its own way over UDP.
    var path = SessionPath()
    /// The way through relays.
    var relayed = RelayedWay()
    var link = LinkState()
    /// Outlives links and keys.
    var twins = TwinWatch()
    var traffic: SessionTraffic
    var pending = PendingQueue()

    /// The number of the next frame that is cut into pieces.
    private var nextFragment: UInt32 = 0

    /// The way that other engines were told of.
    var sharedWay: SharedWay?
    /// Where the box has it, and when it looks at it again.
    var entry = SessionTable.Entry()
    var timer = Deadlines.Timer()

    init(number: UInt32, local: BoxNode, remote: Address, now: Instant) {
        self.number = number
        self.local = local
        self.remote = remote
        keys = SessionKeys(prefersOwn: local.address < remote)
        traffic = SessionTraffic(now)
    }

    // What is asked of the parts most, without copying them.
    var current: Keypair? { keys.current }
    var previous: Keypair? { keys.previous }
    var direct: DirectPath? { _read { yield path.direct } }
    var size: PathSize { _read { yield path.size } }
    var directAlive: Bool { path.isAlive }
    var isAvoided: Bool { path.isAvoided }
    var usesDirectPath: Bool { path.isInUse }

    /// Whether what came by this path came by the session's direct one.
    @inline(__always)
    func isOwn(_ path: Path?) -> Bool { self.path.isOwn(path) }

    func takeFragmentNumber() -> UInt32 {
        defer { nextFragment &+= 1 }
        return nextFragment
    }

    /// The other end has proven who it is.
    func proved(_ key: PublicKey) { remoteKey = key }

    /// The remote address has become a configured peer, or is none any more.
    func configure(as peer: Peer?) { self.peer = peer }
}
