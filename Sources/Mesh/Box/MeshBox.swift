package import INET256
package import Wire

/// The mesh core of one box: its nodes, sessions, links and routes. No I/O and no clock: datagrams and `now` go in,
/// datagrams come out in the `outbox`, messages for local nodes as return values. One thread at a time.
///
/// The verbs stand in files of their own, in the order of a packet's way:
/// `MeshBox+Send`, `MeshBox+Emit`, `MeshBox+Receive`, `MeshBox+Frames`, `MeshBox+Handshake`, `MeshBox+Links`, `MeshBox+Tick`.
package final class MeshBox {
    /// Where it seals, with what is to be sent, and what was dropped.
    package let sealer: Sealer
    /// Never written, so that what each packet asks of it is not copied.
    let context: BoxContext
    var nodes = LocalNodes()
    /// Asked for each packet: without the runtime check of exclusive access. Its verbs call nothing of the box.
    @exclusivity(unchecked) var sessions = SessionTable()
    var routes: Routes
    var links: Links
    /// Where the box itself may be reached, and the search for straight paths.
    var reach: BoxReach
    /// Addresses whose key is on two machines.
    var twins = Twins()
    /// What strangers get.
    var answering: Answering
    var reassembler: Reassembler
    var news: BoxNews
    var counts = BoxCounts()
    /// What to look at when.
    var deadlines: Deadlines

    /// `key` becomes the box's main address.
    package init(key: PrivateKey, settings: BoxSettings, random: any RandomSource, now: Instant) {
        context = BoxContext(settings, random)
        sealer = Sealer(settings.limits)
        routes = Routes(settings, now: now)
        links = Links(limits: settings.limits, acceptsAnybody: settings.acceptsAnybody)
        reach = BoxReach(settings.direct, seed: random.next64())
        reach.sprays.isWanted = settings.sprays
        answering = Answering(limits: settings.limits, random: random, now: now)
        reassembler = Reassembler(limits: settings.limits)
        news = BoxNews(isShared: settings.isShared)
        deadlines = Deadlines(now)
        add(key, now)
    }

    /// The driver sends and empties it after every burst.
    package var outbox: Outbox { sealer.outbox }

    /// When `tick` wants to be called.
    package var deadline: Instant { deadlines.next }
    /// How often something was due again in the instant in which it was done, and had to be put off: a fault of this program.
    package var stuckDeadlines: UInt64 { counts.stuckDeadlines }
    /// What was due, the last time.
    package var stuckReason: String? { counts.stuckReason }
    /// Handshakes that ended with keys.
    var handshakes: UInt64 { counts.handshakes }

    /// In a fixed order.
    var allSessions: [Session] { sessions.all }
    /// Bytes that wait for keys or routes.
    var pendingBytes: Int { sessions.pendingBytes }
    /// What indices stand for.
    var indices: IndexTable {
        _read { yield sessions.indices }
        _modify { yield &sessions.indices }
    }

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
        if links.former == id { forgetFormer(now) }
        nodes.remove(node)
        for response in answering.removeAll(of: node) { indices.release(response.index) }
        routes.network.removeLocal(node.address, now: now)
        networkMoved(now)
    }

    /// Whether a node of this box has the address.
    package func isLocal(_ address: Address) -> Bool { nodes[address] != nil }

    package func address(of id: NodeID) -> Address? { node(id)?.address }

    @discardableResult
    func add(_ key: PrivateKey, isBox: Bool = false, _ now: Instant) -> NodeID {
        let node = nodes.add(key, isBox: isBox)
        routes.network.addLocal(key, now: now)
        news.forwarding.doubt()
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
    package func takeEvents() -> [BoxEvent] { news.takeEvents() }

    func note(_ event: BoxEvent) { news.note(event) }

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
        session.path.setPorts(links.ports)
        session.configure(as: links.peers[remote].flatMap { $0.knowsUs == local.id ? $0 : nil })
        wake(session, now)
        return session
    }

    func remove(_ session: Session, _ now: Instant) {
        attribute(session)
        takeLinkDown(session, now)
        retire(session.keys.endAttempts(), of: session)
        retire(session.keys.drop(), of: session)
        failPending(session, olderThan: .distantFuture)
        if sessions.remove(session) { deadlines.clear(session) }
    }

    /// Looks at the session again no later than `instant`.
    func wake(_ session: Session, _ instant: Instant, for reason: DeadlineReason = .news) {
        guard !session.entry.isOver else { return }
        deadlines.wake(session, by: instant, for: reason)
        deadlines.ring(by: instant)
    }
}
