internal import INET256
internal import Wire

/// What joins a local node to a remote address: the keys of the latest handshakes, the ways to send, and what waits.
///
/// A link is the session of two main addresses over a direct path. All other sessions, and this one while its direct path is
/// down, ride in relay frames.
final class Session {
    let number: UInt32
    /// Where it stands in the box's list.
    var place = 0
    let local: BoxNode
    let remote: Address
    /// Known after the first handshake.
    var remoteKey: PublicKey?

    /// Sends and receives.
    var current: Keypair?
    /// Receives only, until it is too old: datagrams on their way when the keys changed.
    var previous: Keypair?
    /// The attempt over UDP and the one through relays; at most one each.
    var directAttempt: Attempt?
    var relayedAttempt: Attempt?

    /// Its own way over UDP.
    var path = SessionPath()
    /// The largest datagram that gets through the relays in one piece, as the far end said.
    var relayCapacity: Int?
    /// What the relays' stamp said of what came in, and whether the far end was told.
    var stampSeen = 0
    var stampReported = 0
    var stampReportsLeft = 0
    var nextStampReport: Instant = .distantPast

    var link = LinkState()
    /// Outlives links and keys.
    var twins = TwinWatch()
    /// The other end does not want to be called before.
    var calmUntil: Instant = .distantPast
    /// Set while the remote address is a configured peer.
    var peer: Peer?

    /// The way that other engines were told of.
    var sharedWay: SharedWay?

    var pending = PendingQueue()
    var nextFragment: UInt32 = 0

    var lastSent: Instant = .distantPast
    var lastReceived: Instant = .distantPast
    /// Messages and relayed datagrams, not keepalives: what decides whether the session is in use.
    var lastDataSent: Instant = .distantPast
    var lastDataReceived: Instant = .distantPast
    /// When data was first sent through relays that nothing has come back for; a direct path has a `life` of its own.
    var unansweredSince: Instant = .distantFuture
    var lastHandshake: Instant = .distantPast
    /// When a hint last said that the other end does not know its index.
    var lastHint: Instant = .distantPast
    /// The index under which hints find it.
    var knownRemoteIndex: UInt32?
    var created: Instant
    /// When the box looks at this session again, and why.
    private(set) var deadline: Instant = .distantFuture
    private(set) var reason: DeadlineReason = .news
    /// The box has forgotten it: nothing is due for it any more.
    var isOver = false
    /// Where `Deadlines` has it.
    var heapPlace: Int?
    /// Whether the box looks now and then whether it lost something.
    var isWatchedForLoss = false

    var receivedBytes: UInt64 = 0
    var receivedDatagrams: UInt64 = 0
    var sentBytes: UInt64 = 0
    var sentDatagrams: UInt64 = 0
    /// Datagrams of `PathSize.largePayload` and more that are no probes and no talk of the routing algorithm.
    var sentLarge: UInt64 = 0
    /// What was lost under keys that are gone.
    private var lostBefore: UInt64 = 0

    init(number: UInt32, local: BoxNode, remote: Address, now: Instant) {
        self.number = number
        self.local = local
        self.remote = remote
        created = now
    }

    // What is asked of the path most, without copying it.
    var direct: DirectPath? { _read { yield path.direct } }
    var size: PathSize { _read { yield path.size } }
    var directAlive: Bool { path.isAlive }
    var isAvoided: Bool { path.isAvoided }
    var usesDirectPath: Bool { path.isInUse }

    /// Whether what came by this path came by the session's direct one.
    @inline(__always)
    func isOwn(_ path: Path?) -> Bool { self.path.isOwn(path) }

    /// Datagrams that the other end sent and that did not come in, under all keys; see `LossCount`.
    var lostDatagrams: UInt64 {
        lostBefore.saturated(plus: current?.lost ?? 0).saturated(plus: previous?.lost ?? 0)
    }

    /// True as long as it has to be looked again though nothing more should come.
    func lookForLoss(_ now: Instant) -> Bool {
        let isOpen = [current?.lookForLoss(now), previous?.lookForLoss(now)]
        return isOpen.contains(true)
    }

    /// Takes over the count of keys that are about to go.
    func endLoss(of keypair: Keypair) {
        keypair.endLoss()
        lostBefore = lostBefore.saturated(plus: keypair.lost)
    }

    func note(sent bytes: Int, _ now: Instant) {
        sentBytes &+= UInt64(bytes)
        sentDatagrams &+= 1
        if bytes >= PathSize.largePayload { sentLarge &+= 1 }
        lastSent = now
    }

    /// Takes back what was counted as sent and did not leave the machine.
    func unsend(datagrams: Int, bytes: Int) {
        sentDatagrams -= min(sentDatagrams, UInt64(clamping: datagrams))
        sentBytes -= min(sentBytes, UInt64(clamping: bytes))
    }

    /// Earliest wins: the box looks again then. True when that is sooner than before.
    func wake(by instant: Instant, for reason: DeadlineReason) -> Bool {
        guard instant < deadline else { return false }
        deadline = instant
        self.reason = reason
        return true
    }

    /// The box looks now; what is due next is found out.
    func clearDeadline() { deadline = .distantFuture }
}

/// What a session is as a link.
struct LinkState {
    /// Set while the link is up.
    var neighbour: NeighbourID?
    /// Which run of the other daemon said hello, and whether it accepts a link.
    var remoteRun: UInt64?
    var remoteAccepts = false
    /// Where the other end's portal has all nodes, as it said.
    var remotePrefix: IPv6Prefix?
    var nextHello: Instant = .distantFuture
    var helloAt: Instant = .distantPast
    /// When another run was last believed.
    var runChanged: Instant?
}
