internal import API
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Transport
internal import Wire

/// The data plane: one thread that owns the portal, the sockets and the mesh core. Bursts in, one flush out; it never
/// waits but in the poller, and the control side reaches it through the mailbox alone.
final class Engine {
    let box: MeshBox
    let mailbox: Mailbox<EngineCommand>
    /// Nodes besides the main one, and what applications ask for them.
    let hosted: HostedNodes
    let inbox: NodeInbox
    let applications: NodeConnections
    /// Since when a socket has had no room.
    var blockedSince: Instant?
    /// The time of the turn, for those who are called back in it.
    private(set) var turnBegan: Instant = .distantPast
    let logger: Logger
    var bridge: PortalBridge?
    var lines: [SocketLine] = []
    /// What the operator should know of what was found when things were opened.
    private(set) var warnings: [String] = []
    /// What the configuration calls peers, for the log.
    private var names: [Address: String] = [:]
    var pings: [UInt64: WaitingPing] = [:]
    var nextPing: UInt64 = 1
    /// Messages for the main node while there is no portal.
    var unread: UInt64 = 0

    private(set) var plumbing: PortalPlumbing?
    /// Whether the interface's MTU follows what paths carry.
    private let followsPaths: Bool
    let poller: Poller
    private let watcher: NetworkWatcher?
    /// Slots of 64 KB: the kernel joins datagrams of one sender. Few of them, so that they stay in the cache.
    private let batch = DatagramBatch(slotSize: 1 << 16, slots: 8)
    /// What the kernel gave and was not sent yet.
    private(set) var queue: PortalQueue
    private var stopping = false
    private var networkChangeAt: Instant = .distantFuture

    /// Packets and bytes read from the portal in one turn, and bytes sent of those: it is read ahead, so that what must wait
    /// waits where it is sorted by flows, and not in the device. Turns are short, so that other flows are not kept waiting.
    private static let packetsPerTurn = 64
    private static let bytesReadPerTurn = 1 << 20
    private static let bytesPerTurn = 256 << 10
    /// Batches from a socket in one turn.
    private static let batchesPerTurn = 2
    /// Changes of the machine's network come in flocks.
    private static let networkSettles: Interval = .milliseconds(50)

    enum Token {
        static let mailbox: UInt64 = 0
        static let watcher: UInt64 = 1
        static let portal: UInt64 = 2
        static let inbox: UInt64 = 3
        static let sockets: UInt64 = 16
        static let applications: UInt64 = 1 << 32
    }

    /// A ping that waits for its answer.
    struct WaitingPing {
        let sent: Instant
        let deadline: Instant
        let answer: @Sendable (PingResult) -> Void
    }

    /// Opens everything, in the order that leaves nothing unguarded: the prefix is held unreachable before the
    /// sockets and the device are there. Undoes what it did when it throws.
    init(_ setup: EngineSetup) throws {
        let now = BootClock.now()
        mailbox = setup.mailbox
        inbox = setup.inbox
        logger = setup.logger
        followsPaths = setup.portal?.followsPaths ?? false
        poller = try Poller()
        queue = PortalQueue(seed: SystemRandom().next64())
        box = MeshBox(key: setup.key, settings: setup.box, random: SystemRandom(), now: now)
        hosted = HostedNodes(box: box, gate: setup.apiGate, limit: setup.apiNodes)
        applications = NodeConnections(limits: setup.apiLimits, logger: setup.logger)
        watcher = Engine.watch(setup.logger)
        for key in setup.nodeKeys { try hosted.addConfigured(key, now: now) }
        for peer in setup.peers {
            names[peer.id] = peer.label
            box.setPeer(PeerSettings(address: peer.id, endpoints: []), now: now)
        }
        do {
            try openSockets(setup)
            try openPortal(setup)
            try poller.add(mailbox.descriptor, token: Token.mailbox, interest: .readable)
            try poller.add(inbox.descriptor, token: Token.inbox, interest: .readable)
            if let watcher { try poller.add(watcher.descriptor, token: Token.watcher, interest: .readable) }
        } catch {
            closePortal()
            throw error
        }
    }

    private static func watch(_ logger: Logger) -> NetworkWatcher? {
        do {
            return try NetworkWatcher()
        } catch {
            logger.warning("changes of the network will not be noticed at once", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private func openSockets(_ setup: EngineSetup) throws {
        for (place, endpoint) in setup.transports.enumerated() {
            var options = UDPSocket.Options()
            options.offload = true
            let socket = try UDPSocket(bind: endpoint, number: UInt16(place), options: options)
            try poller.add(socket.descriptor, token: Token.sockets + UInt64(place), interest: .readable)
            lines.append(SocketLine(socket: socket, configured: endpoint))
            if socket.receiveBuffer < SocketLine.goodBuffer {
                warnings.append(
                    "the receive buffer of udp://\(endpoint) is \(socket.receiveBuffer >> 10) KB: bursts may be lost; "
                        + "raise net.core.rmem_max (deploy/ has a sysctl file) or give the daemon CAP_NET_ADMIN")
            }
        }
    }

    private func openPortal(_ setup: EngineSetup) throws {
        guard let portal = setup.portal else { return }
        var plumbing = PortalPlumbing(portal.plan, try NetlinkSocket())
        let prepared = try plumbing.prepare()
        self.plumbing = plumbing
        for leftover in prepared.cleaned { logger.notice("removed a leftover", metadata: ["object": "\(leftover)"]) }
        for warning in prepared.warnings {
            warnings.append("\(warning)")
            logger.warning("\(warning)")
        }
        let device = try TunDevice(
            name: portal.plan.interface, persistent: portal.plan.persistent,
            offload: portal.offload ? .auto : .off)
        bridge = PortalBridge(
            device: device, box: box, map: portal.map, gate: portal.gate, ownPorts: Set(lines.map(\.socket.local.port)),
            networks: portal.networks, owners: portal.owners, dscp: portal.dscp)
        bridge?.hosted = hosted
        learnMachineAddresses()
        try poller.add(device.descriptor, token: Token.portal, interest: .readable)
        try plumbing.bringUp()
        self.plumbing = plumbing
    }

    /// Where networks are behind this box, its own datagrams are told from those of hosts there by the source.
    private func learnMachineAddresses() {
        guard let plan = plumbing?.plan, !plan.localNetworks.isEmpty else { return }
        do {
            let addresses = try Addresses(try NetlinkSocket()).list(family: .ipv6)
            bridge?.machineAddresses = Set(addresses.map(\.address))
        } catch {
            logger.warning("the machine's addresses could not be asked", metadata: ["reason": "\(error)"])
        }
    }

    /// Gives the interface the MTU that the best path to a neighbour carries, unless the configuration says one: TCP then fills
    /// its packets. Where a path carries less, senders are told (RFC 4443 section 3.2).
    private func fitPortal() {
        guard followsPaths, var plumbing, let largest = box.largestPacket else { return }
        let mtu = UInt32(min(max(largest, PortalConfiguration.leastMTU), PortalConfiguration.mtus.upperBound))
        guard mtu != plumbing.plan.mtu else { return }
        do {
            try plumbing.setMTU(mtu)
            self.plumbing = plumbing
            logger.info("the interface's MTU follows the paths", metadata: ["mtu": "\(mtu)"])
        } catch {
            logger.warning("the interface's MTU cannot be changed", metadata: ["reason": "\(error)"])
        }
    }

    private func closePortal() {
        guard var plumbing else { return }
        do {
            try plumbing.tearDown()
        } catch {
            logger.error("not everything of the portal could be removed", metadata: ["reason": "\(error)"])
        }
        self.plumbing = nil
        bridge?.close()
        bridge = nil
    }

    // MARK: The loop

    /// Runs until it is told to stop, or until the portal or a socket is lost. Leaves nothing behind either way.
    func run() throws {
        defer {
            failWaiting()
            closePortal()
        }
        while !stopping {
            let now = BootClock.now()
            let ready = try poller.wait(until: wakeTime(), now: now)
            try turn(ready, BootClock.now())
        }
        box.shutDown(now: BootClock.now())
        try flush(BootClock.now())
    }

    private func wakeTime() -> Instant {
        var next = min(box.deadline, networkChangeAt)
        if let bridge { next = min(next, bridge.deadline) }
        for ping in pings.values { next = min(next, ping.deadline) }
        // While a socket has no room its packets wait for that.
        if !queue.isEmpty, !isBlocked { return .distantPast }
        return min(next, hosted.questionsDue, applications.deadline)
    }

    private func turn(_ ready: Int, _ now: Instant) throws {
        box.beginTurn()
        turnBegan = now
        for index in 0..<ready {
            let readiness = poller[index]
            switch readiness.token {
            case Token.mailbox: for command in mailbox.drain() { obey(command, now) }
            case Token.watcher: try heedNetwork(now)
            case Token.portal: try readPortal(now)
            case Token.inbox: obeyApplications(now)
            case Token.applications...:
                applications.note(
                    readiness.token - Token.applications, isReadable: readiness.isReadable,
                    isWritable: readiness.isWritable, isBroken: readiness.isBroken)
            default: try serve(Int(readiness.token - Token.sockets), readiness, now)
            }
        }
        try sendQueued(now)
        try applications.serve(now: now, host: self)
        if now >= networkChangeAt {
            networkChangeAt = .distantFuture
            learnMachineAddresses()
            box.networkChanged(now: now)
        }
        if now >= box.deadline { box.tick(now: now) }
        try bridge?.tick(now: now)
        hosted.tick(now: now)
        expirePings(now)
        try flush(now)
        try heedEvents(now)
        hosted.handOverAll()
        try applications.tidy(now: now, host: self)
    }

    /// Takes what the kernel sends through the portal.
    private func readPortal(_ now: Instant) throws {
        guard let device = bridge?.device else { return }
        var bytes = 0
        for _ in 0..<Self.packetsPerTurn where bytes < Self.bytesReadPerTurn {
            guard let slot = queue.slot() else {
                guard queue.makeRoom() else { return }
                continue
            }
            let count = try device.read(into: slot)
            guard count > 0 else { return }
            bytes += count
            queue.enqueue(count: count, headerCount: device.headerSize, now: now)
        }
    }

    /// A burst from the portal's queue into the mesh.
    private func sendQueued(_ now: Instant) throws {
        var bytes = 0
        while bytes < Self.bytesPerTurn, !isBlocked, let packet = queue.dequeue(now: now) {
            defer { queue.release(packet) }
            bytes += packet.bytes.count
            try bridge?.outbound(UnsafeRawBufferPointer(packet.bytes), now: now)
            if box.outbox.wantsFlush { try flush(now) }
        }
    }

    /// Whether a socket's buffer is full.
    var isBlocked: Bool { lines.contains(where: \.isBlocked) }

    /// A burst from a socket into the mesh core, and from there into the portal or on to the next hop.
    private func serve(_ place: Int, _ readiness: Readiness, _ now: Instant) throws {
        if readiness.isWritable { try resume(place, now) }
        guard readiness.isReadable || readiness.isBroken else { return }
        for _ in 0..<Self.batchesPerTurn {
            let count = try lines[place].socket.receive(into: batch)
            for index in 0..<count {
                let datagram = batch[index]
                if let delivery = box.receive(
                    datagram.bytes, from: datagram.path, trafficClass: datagram.trafficClass, now: now)
                {
                    try take(delivery)
                }
                while box.hasOvertaken, let delivery = box.nextOvertaken(now: now) { try take(delivery) }
            }
            try bridge?.endBurst()
            if box.outbox.wantsFlush { try flush(now) }
            if !batch.isFull { return }
        }
    }

    @inline(__always)
    private func take(_ delivery: Delivery) throws {
        guard delivery.node == .main else {
            hosted.receive(delivery)
            return
        }
        if bridge == nil { unread += 1 }
        try bridge?.inbound(
            delivery.message, from: delivery.source, isPartial: delivery.isPartial, ecn: delivery.ecn,
            isFleeting: delivery.isFleeting)
    }

    /// A message of an application on this box for the box itself.
    func takeForMain(_ message: UnsafeRawBufferPointer, _ source: Address) throws {
        if bridge == nil { unread += 1 }
        try bridge?.inbound(message, from: source, isFleeting: true)
    }

    // MARK: Out

    /// Sends everything that the mesh core put out in this burst.
    func flush(_ now: Instant) throws {
        let outbox = box.outbox
        guard !outbox.isEmpty else { return }
        for place in lines.indices {
            try lines[place].send(outbox, place: place, chosen: socketPlace, box: box, now: now)
            try watchWritable(place)
        }
        outbox.removeAll()
    }

    private func resume(_ place: Int, _ now: Instant) throws {
        try lines[place].resume(box: box, now: now)
        try watchWritable(place)
    }

    private func watchWritable(_ place: Int) throws {
        guard lines[place].isBlocked != lines[place].watchesWritable else { return }
        lines[place].watchesWritable = lines[place].isBlocked
        let interest: Interest = lines[place].isBlocked ? [.readable, .writable] : .readable
        try poller.modify(lines[place].socket.descriptor, token: Token.sockets + UInt64(place), interest: interest)
    }

    /// Which socket a datagram leaves by: that of its path, or the first that speaks the endpoint's family.
    private func socketPlace(_ path: Path) -> Int? {
        if path.socket != Path.anySocket { return Int(path.socket) < lines.count ? Int(path.socket) : nil }
        return lines.firstIndex { $0.reaches(path.remote) }
    }

    // MARK: Control

    private func obey(_ command: EngineCommand, _ now: Instant) {
        switch command {
        case .setPeer(let peer, let name):
            names[peer.address] = name
            box.setPeer(peer, now: now)
        case .removePeer(let address):
            box.removePeer(address, now: now)
            names[address] = nil
        case .setAcceptsAnybody(let accepts): box.setAcceptsAnybody(accepts, now: now)
        case .setAccess(let gate): bridge?.gate = gate
        case .setNodeAccess(let gate, let limit):
            hosted.gate = gate
            hosted.limit = limit
        case .ping(let target, let bytes, let timeout, let answer):
            beginPing(target, bytes, timeout, answer, now)
        case .snapshot(let answer): answer(snapshot(now))
        case .stop: stopping = true
        }
    }

    /// Addresses and routes of the machine changed, other than by our own portal.
    private func heedNetwork(_ now: Instant) throws {
        guard let watcher else { return }
        let portal = plumbing.map(\.plan.interface)
        for event in try watcher.drain() {
            switch event {
            case .link(let link), .linkGone(let link):
                if link.name == portal { continue }
            case .address(let address), .addressGone(let address):
                if address.protocolNumber == PortalMark.protocolNumber { continue }
            case .route(let route), .routeGone(let route):
                if route.protocolNumber == PortalMark.protocolNumber { continue }
            case .overrun:
                break
            }
            networkChangeAt = min(networkChangeAt, now + Self.networkSettles)
        }
    }

    private func name(_ address: Address) -> String { names[address] ?? "\(address)" }

    private func heedEvents(_ now: Instant) throws {
        for event in box.takeEvents() {
            switch event {
            case .linkUp(let address, let endpoint):
                logger.notice("link up", metadata: ["peer": "\(name(address))", "endpoint": "\(endpoint)"])
            case .linkDown(let address):
                logger.notice("link down", metadata: ["peer": "\(name(address))"])
            case .moved(let address, let endpoint):
                logger.notice("peer moved", metadata: ["peer": "\(name(address))", "endpoint": "\(endpoint)"])
            case .refused(let address, let reason):
                logger.warning("refused", metadata: ["peer": "\(name(address))", "reason": "\(reason)"])
            case .pong(let id, _, _):
                if let ping = pings.removeValue(forKey: id) { ping.answer(.answered(now - ping.sent)) }
            case .sized: fitPortal()
            case .undeliverable(let node, _, let message):
                if node == .main { try bridge?.undeliverable(message, now: now) }
            }
        }
    }
}
