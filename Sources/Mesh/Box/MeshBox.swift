package import INET256
package import Wire

/// The mesh core of one box: its nodes, sessions, links and routes. No I/O and no clock: datagrams and `now` go in,
/// datagrams come out in the `outbox`, messages for local nodes as return values. One thread at a time.
///
/// The verbs stand in files of their own, in the order of a packet's way:
/// `MeshBox+Send`, `MeshBox+Emit`, `MeshBox+Receive`, `MeshBox+Frames`, `MeshBox+Handshake`, `MeshBox+Links`, `MeshBox+Tick`.
package final class MeshBox {
    /// Where it seals, with what is to be sent.
    package let sealer: Sealer
    /// The driver sends and empties it after every burst.
    package let outbox: Outbox

    /// `acceptsAnybody` may change while the box runs; the rest stays.
    var settings: BoxSettings
    let limits: MeshLimits
    let suites: Suites
    let random: any RandomSource
    /// This run of the daemon: neighbours notice a restart by it.
    let run: UInt64

    var nodes = LocalNodes()
    var routes: Routes
    var links: Links

    var sessions = SessionTable()
    var indices = IndexTable()
    /// What strangers get.
    var answering: Answering
    var reassembler: Reassembler
    var pendingBytes = 0
    /// What is being received.
    var arriving = Arriving()
    var twins = Twins()
    var events: [BoxEvent] = []
    /// What other engines are to be told of keys.
    var keyNews: [ShareChange] = []
    var counts = BoxCounts()
    /// Where a frame that will be cut into pieces is put together first.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Reassembler.frameCapacity, alignment: 16)

    /// Handshakes that ended with keys.
    var handshakes: UInt64 { counts.handshakes }
    /// How often something was due again in the instant in which it was done, and had to be put off: a fault of this program.
    package var stuckDeadlines: UInt64 { counts.stuckDeadlines }
    /// What was due, the last time.
    package var stuckReason: String? { counts.stuckReason }

    /// What to look at when.
    var deadlines: Deadlines
    /// When `tick` wants to be called.
    package var deadline: Instant { deadlines.next }

    var allSessions: [Session] { sessions.all }

    /// `key` becomes the box's main address. An unknown name of a network is a precondition: the configuration checks it.
    package init(key: PrivateKey, settings: BoxSettings, random: any RandomSource, now: Instant) {
        self.settings = settings
        limits = settings.limits
        self.random = random
        suites = settings.suites
        precondition(suites.bits != 0, "no cipher is left: the configuration must allow one that this machine has")
        routes = Routes(settings, now: now)
        links = Links(limits: settings.limits)
        run = random.next64()
        sealer = Sealer(settings.limits)
        outbox = sealer.outbox
        answering = Answering(limits: settings.limits, random: random, now: now)
        reassembler = Reassembler(limits: settings.limits)
        deadlines = Deadlines(now)
        add(key, now)
    }

    deinit { scratch.deallocate() }

    /// What was dropped, by reason.
    package internal(set) var drops: DropCounters {
        get { sealer.drops }
        _modify { yield &sealer.drops }
    }

    /// The box's own address: its links are sessions of this one.
    package var mainAddress: Address { nodes[.main]!.address }

    // MARK: Local nodes

    /// Why a node cannot be opened.
    package enum NodeError: Error, Equatable {
        case alreadyOpen
        case tooMany(limit: Int)
    }

    /// Starts a local node with a key of its own. It is announced to the network at once.
    package func open(_ key: PrivateKey, now: Instant) throws(NodeError) -> NodeID {
        guard nodes[key.address] == nil else { throw .alreadyOpen }
        guard nodes.count < limits.maximumLocalNodes else { throw .tooMany(limit: limits.maximumLocalNodes) }
        // It lived elsewhere until now: what goes to it from here needs no session any more.
        for session in allSessions where session.remote == key.address { remove(session, now) }
        return add(key, now)
    }

    /// Ends a local node: its sessions go, and the network forgets it. The main node stays (a precondition).
    package func close(_ id: NodeID, now: Instant) {
        precondition(id != .main, "the main node lives as long as the box")
        guard let node = node(id) else { return }
        for session in allSessions where session.local === node {
            sayGoodbye(session, now)
            remove(session, now)
        }
        nodes.remove(node)
        for response in answering.removeAll(of: node) { indices.release(response.index) }
        routes.network.removeLocal(node.address, now: now)
        networkMoved(now)
    }

    /// Whether a node of this box has the address.
    package func isLocal(_ address: Address) -> Bool { nodes[address] != nil }

    package func address(of id: NodeID) -> Address? { node(id)?.address }

    @discardableResult
    private func add(_ key: PrivateKey, _ now: Instant) -> NodeID {
        let node = nodes.add(key)
        routes.network.addLocal(key, now: now)
        networkMoved(now)
        return node.id
    }

    @inline(__always)
    func node(_ id: NodeID) -> BoxNode? { nodes[id] }

    // MARK: Questions

    /// Any known address that begins with the first `bits` bits of `prefix`: local, neighbour, routed, or one that a session
    /// joins us with.
    package func find(prefix: Address, bits: Int) -> Address? {
        if let found = routes.network.find(prefix: prefix, bits: bits) { return found }
        // Peers that are configured but not linked yet: traffic to them may wait for the link. And whoever has a session with us
        // proved its address: what it sends must be answerable, be it a neighbour or not.
        return allSessions.first {
            ($0.peer != nil || $0.current != nil) && $0.remote.hasPrefix(prefix, bits: bits)
        }?.remote
    }

    /// The public key of an address, from the routes or from a session.
    package func publicKey(of address: Address) -> PublicKey? {
        if let local = nodes[address] { return local.key.publicKey }
        if let known = routes.network.publicKey(of: address) { return known }
        return allSessions.first { $0.remote == address }?.remoteKey
    }

    /// Asks the network for an address that it does not know. At a bounded rate, and fine when it is known.
    package func want(_ address: Address, now: Instant) {
        guard nodes[address] == nil else { return }
        routes.network.wanted(address, now: now)
        networkMoved(now)
    }

    /// The neighbour that a packet for `address` goes to next; nil when there is none or it is local.
    package func nextHop(to address: Address) -> Address? { relayLink(to: address)?.remote }

    /// Grows whenever an answer of `find` may have changed.
    package var routesVersion: UInt64 { routes.network.version }

    /// What happened since the last call.
    package func takeEvents() -> [BoxEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    static let maximumEvents = 4096

    func note(_ event: BoxEvent) {
        if events.count < Self.maximumEvents { events.append(event) }
    }

    /// A new turn of the driver's loop: handshake work is budgeted per turn.
    package func beginTurn() { answering.beginTurn() }

    // MARK: Sessions

    @inline(__always)
    func session(_ local: BoxNode, _ remote: Address) -> Session? { sessions.find(local, remote) }

    /// The session, made if there is none; nil when all places are taken by sessions in use.
    func openSession(_ local: BoxNode, _ remote: Address, _ now: Instant) -> Session? {
        if let session = session(local, remote) { return session }
        if sessions.count >= limits.maximumSessions {
            guard let victim = sessions.leastUsedStranger else { return nil }
            remove(victim, now)
        }
        let session = sessions.make(local, remote, now)
        session.peer = local.isMain ? links.peers[remote] : nil
        wake(session, now)
        return session
    }

    func remove(_ session: Session, _ now: Instant) {
        takeLinkDown(session, now)
        endAttempt(&session.directAttempt)
        endAttempt(&session.relayedAttempt)
        release(\.current, of: session)
        release(\.previous, of: session)
        failPending(session, olderThan: .distantFuture)
        if sessions.remove(session) { deadlines.remove(session) }
    }

    /// Looks at the session again no later than `instant`.
    func wake(_ session: Session, _ instant: Instant, for reason: DeadlineReason = .news) {
        guard !session.isOver else { return }
        if session.wake(by: instant, for: reason) { deadlines.set(session, instant) }
        deadlines.ring(by: instant)
    }
}

/// What the box counts besides what it drops.
struct BoxCounts {
    /// Handshakes that ended with keys.
    var handshakes: UInt64 = 0
    /// What went through this box for others.
    var relayedFrames: UInt64 = 0
    var relayedBytes: UInt64 = 0
    var stuckDeadlines: UInt64 = 0
    var stuckReason: String?
}

/// What is known of the datagram that is being received, and holds for all that is in it.
struct Arriving {
    /// The traffic class of the packet that brought it.
    var trafficClass: UInt8 = 0
    /// It was sealed under keys that newer ones have replaced.
    var isUnderOldKeys = false
}
