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

    var nodes: [BoxNode?] = []
    var nodesByAddress: [Address: BoxNode] = [:]
    var nodesByHint: [UInt32: [BoxNode]] = [:]

    var routes: Routes
    var links: Links

    var sessions: [SessionKey: Session] = [:]
    /// The same sessions in a fixed order: dictionaries iterate differently in every run, and a simulation must not.
    var allSessions: [Session] = []
    /// The session used last: bursts go to the same destination.
    var recent: Session?
    var nextSessionNumber: UInt32 = 1
    var indices = IndexTable()
    /// What strangers get.
    var answering: Answering
    var reassembler: Reassembler
    var pendingBytes = 0
    /// The traffic class of the packet that brought what is being received.
    var arrivingClass: UInt8 = 0
    /// What is being received was sealed under keys that newer ones have replaced.
    var arrivesUnderOldKeys = false

    /// Sessions by the index that they send to, for hints. Others may have chosen the same one; bounded for each.
    var sessionsByRemoteIndex: [UInt32: [Session]] = [:]

    var twins = Twins()
    var events: [BoxEvent] = []
    var sweepAt: Instant = .distantPast
    /// What other engines are to be told of keys.
    var keyNews: [ShareChange] = []
    /// Handshakes that ended with keys.
    var handshakes: UInt64 = 0
    /// What went through this box for others.
    var relayedFrames: UInt64 = 0
    var relayedBytes: UInt64 = 0
    /// Where a frame that will be cut into pieces is put together first.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Reassembler.frameCapacity, alignment: 16)

    /// Sessions are looked through at most this often, however many deadlines there are.
    static let tickSpacing: Interval = .milliseconds(5)

    /// How often something was due again in the instant in which it was done, and had to be put off: a fault of this program.
    package internal(set) var stuckDeadlines: UInt64 = 0
    /// What was due, the last time.
    package internal(set) var stuckReason: String?

    /// When to look at which session.
    var deadlines = Deadlines()
    /// Sessions that something came in for lately: whether something did not is looked for.
    var watchedForLoss: [Session] = []
    /// When `tick` wants to be called.
    package internal(set) var deadline: Instant

    struct SessionKey: Hashable {
        let node: Int
        let remote: Address
    }

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
        deadline = now
        add(BoxNode(id: .main, key: key), now)
    }

    deinit { scratch.deallocate() }

    /// What was dropped, by reason.
    package internal(set) var drops: DropCounters {
        get { sealer.drops }
        _modify { yield &sealer.drops }
    }

    /// The box's own address: its links are sessions of this one.
    package var mainAddress: Address { nodes[0]!.address }

    // MARK: Local nodes

    /// Why a node cannot be opened.
    package enum NodeError: Error, Equatable {
        case alreadyOpen
        case tooMany(limit: Int)
    }

    /// Starts a local node with a key of its own. It is announced to the network at once.
    package func open(_ key: PrivateKey, now: Instant) throws(NodeError) -> NodeID {
        guard nodesByAddress[key.address] == nil else { throw .alreadyOpen }
        guard nodesByAddress.count < limits.maximumLocalNodes else { throw .tooMany(limit: limits.maximumLocalNodes) }
        let place = nodes.firstIndex { $0 == nil } ?? nodes.count
        let node = BoxNode(id: NodeID(rawValue: place), key: key)
        // It lived elsewhere until now: what goes to it from here needs no session any more.
        for session in allSessions where session.remote == node.address { remove(session, now) }
        add(node, now)
        return node.id
    }

    /// Ends a local node: its sessions go, and the network forgets it. The main node stays (a precondition).
    package func close(_ id: NodeID, now: Instant) {
        precondition(id != .main, "the main node lives as long as the box")
        guard let node = node(id) else { return }
        for session in allSessions where session.local === node {
            sayGoodbye(session, now)
            remove(session, now)
        }
        nodes[id.rawValue] = nil
        nodesByAddress[node.address] = nil
        nodesByHint[node.keys.hint]?.removeAll { $0 === node }
        if nodesByHint[node.keys.hint]?.isEmpty == true { nodesByHint[node.keys.hint] = nil }
        for response in answering.removeAll(of: node) { indices.release(response.index) }
        routes.network.removeLocal(node.address, now: now)
        networkMoved(now)
    }

    /// Whether a node of this box has the address.
    package func isLocal(_ address: Address) -> Bool { nodesByAddress[address] != nil }

    package func address(of id: NodeID) -> Address? { node(id)?.address }

    private func add(_ node: BoxNode, _ now: Instant) {
        if node.id.rawValue == nodes.count { nodes.append(node) } else { nodes[node.id.rawValue] = node }
        nodesByAddress[node.address] = node
        nodesByHint[node.keys.hint, default: []].append(node)
        routes.network.addLocal(node.key, now: now)
        networkMoved(now)
    }

    @inline(__always)
    func node(_ id: NodeID) -> BoxNode? { id.rawValue < nodes.count ? nodes[id.rawValue] : nil }

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
        if let local = nodesByAddress[address] { return local.key.publicKey }
        if let known = routes.network.publicKey(of: address) { return known }
        return allSessions.first { $0.remote == address }?.remoteKey
    }

    /// Asks the network for an address that it does not know. At a bounded rate, and fine when it is known.
    package func want(_ address: Address, now: Instant) {
        guard nodesByAddress[address] == nil else { return }
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
    func session(_ local: BoxNode, _ remote: Address) -> Session? {
        if let recent, recent.local === local, recent.remote == remote { return recent }
        let found = sessions[SessionKey(node: local.id.rawValue, remote: remote)]
        if let found { recent = found }
        return found
    }

    /// The session, made if there is none; nil when all places are taken by sessions in use.
    func openSession(_ local: BoxNode, _ remote: Address, _ now: Instant) -> Session? {
        if let session = session(local, remote) { return session }
        if sessions.count >= limits.maximumSessions && !evictStranger(now) { return nil }
        let session = Session(number: nextSessionNumber, local: local, remote: remote, now: now)
        nextSessionNumber &+= 1
        session.peer = local.isMain ? links.peers[remote] : nil
        sessions[SessionKey(node: local.id.rawValue, remote: remote)] = session
        session.place = allSessions.count
        allSessions.append(session)
        wake(session, now)
        return session
    }

    /// Makes room by forgetting the least recently used session that is neither a peer's nor a link; first of those that
    /// nothing was ever sent to, so that a flood of strangers displaces nobody whom this box talks with.
    private func evictStranger(_ now: Instant) -> Bool {
        func rank(_ session: Session) -> (Int, Instant) {
            (session.lastDataSent == .distantPast ? 0 : 1, max(session.lastReceived, session.created))
        }
        var victim: Session?
        for session in allSessions where session.peer == nil && session.link.neighbour == nil {
            if victim.map({ rank(session) < rank($0) }) ?? true { victim = session }
        }
        guard let victim else { return false }
        remove(victim, now)
        return true
    }

    func remove(_ session: Session, _ now: Instant) {
        takeLinkDown(session, now)
        endAttempt(&session.directAttempt)
        endAttempt(&session.relayedAttempt)
        release(\.current, of: session)
        release(\.previous, of: session)
        failPending(session, olderThan: .distantFuture)
        if recent === session { recent = nil }
        let key = SessionKey(node: session.local.id.rawValue, remote: session.remote)
        guard sessions.removeValue(forKey: key) != nil else { return }
        session.isOver = true
        deadlines.remove(session)
        // The last one takes its place.
        let last = allSessions.removeLast()
        if last !== session {
            last.place = session.place
            allSessions[session.place] = last
        }
    }

    /// Looks at the session again no later than `instant`.
    func wake(_ session: Session, _ instant: Instant, for reason: DeadlineReason = .news) {
        guard !session.isOver else { return }
        if session.wake(by: instant, for: reason) { deadlines.set(session, instant) }
        if instant < deadline { deadline = instant }
    }
}
