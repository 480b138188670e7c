internal import INET256
internal import Wire

/// What joins a local node to a remote address: its keys, its ways to send, and what waits. Each part is written by itself alone; the
/// box asks them what is due, does it, and tells them what came.
///
/// A link is the session of two boxes' addresses over a direct path. All other sessions, and this one while its direct path is
/// down, ride in relay frames.
final class Session {
    let number: UInt32
    let local: BoxNode
    let remote: Address
    /// Known after the first handshake.
    private(set) var remoteKey: PublicKey?
    /// Set while the remote address is a configured peer.
    private(set) var peer: Peer?

    // The four that each packet asks bear no runtime check of exclusive access, which costs 15 ns each time: none of their verbs calls
    // anything but themselves.

    @exclusivity(unchecked) var keys: SessionKeys
    /// Its own way over UDP.
    @exclusivity(unchecked) var path = SessionPath()
    /// The way through relays.
    @exclusivity(unchecked) var relayed = RelayedWay()
    var link = LinkState()
    /// The search for a straight path.
    var reach = Reach()
    /// Outlives links and keys.
    var twins = TwinWatch()
    @exclusivity(unchecked) var traffic: SessionTraffic
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

    /// Of two paths that both answer, one end chooses, and the other follows it.
    var choosesPath: Bool { local.address < remote }

    /// Whether what came by this path came by the session's direct one.
    @inline(__always)
    func isOwn(_ path: Path?) -> Bool { self.path.isOwn(path) }

    // MARK: Datagrams

    /// What a datagram says about the ways of the session.
    enum Hearing {
        case noted
        /// It came by the path, which is given up: whether it lives again is asked for.
        case wantsSign
        /// It came from a new endpoint: the path is to be moved there.
        case elsewhere
        /// The relays carry something else in one piece than before.
        case newStamp
    }

    /// Takes in that something authentic of `bytes` came; `newest`: its counter is the highest of its keys.
    @inline(__always)
    func receive(
        _ bytes: Int, under keypair: Keypair, newest: Bool, _ arrival: Arrival, _ now: Instant
    ) -> Hearing {
        traffic.received(bytes, now)
        switch arrival.way {
        case .direct(let from):
            return switch path.heard(from, bytes: bytes, newest: newest && keypair === keys.current, now: now) {
            case .noted: .noted
            case .wantsSign: .wantsSign
            case .elsewhere: .elsewhere
            }
        case .relayed(_, _, let stamp):
            // A relayed datagram never moves the path; it says what the relays carry.
            return relayed.saw(stamp: stamp) ? .newStamp : .noted
        }
    }

    /// Seals the frame that stands behind the header at `target`, and counts it. Gives the datagram's length. The caller has asked
    /// whether the keys may send.
    @inline(__always)
    func seal(_ keypair: Keypair, at target: UnsafeMutableRawPointer, frameCount: Int, _ now: Instant) -> Int {
        let count = keypair.seal(at: target, frameCount: frameCount)
        traffic.sent(count, now)
        return count
    }

    func takeFragmentNumber() -> UInt32 {
        defer { nextFragment &+= 1 }
        return nextFragment
    }

    // MARK: Who it is

    /// The other end has proven who it is.
    func proved(_ key: PublicKey) { remoteKey = key }

    /// The remote address has become a configured peer, or is none any more.
    func configure(as peer: Peer?) { self.peer = peer }
}
