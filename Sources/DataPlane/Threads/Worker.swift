internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// What stands behind a worker: the box itself where the worker is the core's own (`Engine`), a ring to it elsewhere (`SideEngine`).
protocol WorkerCore: PathReports {
    associatedtype Ways: LaneSource

    /// Whether the core is through with what it was left and what may not be overtaken.
    var isSettled: Bool { get }
    /// Datagrams have come from a socket, and are given one by one.
    func beginBatch()
    /// Takes a datagram, which is opened in place; a message in it goes to the portal or to who else it is for.
    func take(_ datagram: IncomingDatagram, _ now: Instant) throws
    /// Takes a packet that the bridge has no lane for.
    func take(_ packet: PortalPacket, _ now: Instant) throws
    /// Everything in the outbox is about to be sent.
    func willSend(_ now: Instant)
    /// Which socket a datagram leaves by whose path names none.
    func socketPlace(_ path: Path) -> Int?
}

/// Carries bursts: from a queue of the portal into the mesh and out by the sockets, and the way back. Every thread that carries packets
/// has one, with a device queue, sockets, a bridge and an outbox of its own; all that it cannot do from lanes and keys alone its core
/// does, which is handed in.
final class Worker<Device: PacketDevice, Core: WorkerCore> {
    let poller: Poller
    /// Where everything is sealed.
    let sealer: Sealer
    /// Nil without a portal.
    var bridge: PortalBridge<Device, Core.Ways>?
    private(set) var lines: [PortLine] = []
    private(set) var queue: PortalQueue
    /// What queues did that were given back, and from what the next one tells flows apart.
    private var pastQueue = PortalQueueCounters()
    private let seed: UInt64
    private var silence: Silence
    /// Packets and datagrams that came in this turn.
    private(set) var moved = 0

    private var burst = PacketBurst()
    /// Slots of 64 KB: the kernel joins datagrams of one sender. Few of them are filled then, so that all stays in the cache.
    private(set) var batch = Worker.makeBatch()
    private var pace = TurnPace()
    /// Sockets are not read while the core must come first.
    private var isPaused = false

    /// Tokens of sockets begin here, in the order of places; below are the owner's and the portal's.
    static var socketTokens: UInt64 { 16 }
    static var portalToken: UInt64 { 2 }
    /// Bytes of what was read from the portal that are sent in one turn.
    private static var bytesPerTurn: Int { 256 << 10 }
    /// Batches from a socket in one turn.
    private static var batchesPerTurn: Int { 2 }

    init(sealer: Sealer, seed: UInt64, now: Instant) throws {
        self.sealer = sealer
        self.seed = seed
        silence = Silence(now: now)
        queue = PortalQueue(seed: seed)
        poller = try Poller()
    }

    private static func makeBatch() -> DatagramBatch { DatagramBatch(slotSize: 1 << 16, burst: 512 << 10) }

    // MARK: Opening

    func add(_ line: PortLine) throws {
        try poller.add(line.port.descriptor, token: Self.socketTokens + UInt64(lines.count), interest: .readable)
        lines.append(line)
    }

    /// Puts another port at the place of one, which is closed with what waited for it.
    func replace(_ place: Int, by line: PortLine) throws {
        try poller.remove(lines[place].port.descriptor)
        try poller.add(line.port.descriptor, token: Self.socketTokens + UInt64(place), interest: .readable)
        lines[place] = line
    }

    func open(_ bridge: PortalBridge<Device, Core.Ways>) throws {
        self.bridge = bridge
        try poller.add(bridge.device.descriptor, token: Self.portalToken, interest: .readable)
    }

    func settle(_ scheduling: ThreadScheduling) { pace = TurnPace(scheduling) }

    // MARK: A turn

    func beginTurn() { moved = 0 }

    /// Does what the poller reports of the portal or a socket.
    func serve(_ readiness: Readiness, _ core: Core, _ now: Instant) throws {
        if readiness.token == Self.portalToken {
            try readPortal(now)
        } else {
            try serve(Int(readiness.token - Self.socketTokens), readiness, core, now)
        }
    }

    /// What the portal's queue has done since the start.
    var queueCounters: PortalQueueCounters {
        var all = pastQueue
        all.add(queue.counters)
        return all
    }

    /// When `rest` has something to do; `distantFuture` while it has not.
    var restDue: Instant { silence.deadline }

    /// Gives the kernel back what a stream has touched of the worker's memory, when there has been none for a while. At the end of a turn.
    /// True when this was done: once in a silence.
    func rest(_ now: Instant) -> Bool {
        // What waits is in the memory that would go.
        silence.note(queue.isEmpty ? moved : Silence.stream, now: now)
        guard silence.isOver(now: now) else { return false }
        // New ones have touched none of their pages. Both are blocks of more than `ResidentMemory.mappedBlock`.
        pastQueue.add(queue.counters)
        // Not assigned: a release build of Swift 6.3 does that without the old one's end, and its memory would stay.
        var used = PortalQueue(seed: seed)
        swap(&queue, &used)
        batch = Self.makeBatch()
        for line in lines { line.rest() }
        return true
    }

    /// How long to let more packets gather after this turn.
    func pause(_ now: Instant) -> Interval { pace.pause(after: moved, now: now) }

    /// Whether a socket's buffer is full.
    var isBlocked: Bool { lines.contains(where: \.isBlocked) }

    /// Whether packets wait that could be sent now.
    func mayGoOn(_ core: Core) -> Bool { !queue.isEmpty && !isBlocked && core.isSettled }

    // MARK: Out

    /// Takes what the machine sends through the portal.
    func readPortal(_ now: Instant) throws(TunError) {
        if let bridge { moved += try queue.fill(from: bridge.device, now: now) }
    }

    /// A burst from the portal's queue into the mesh.
    func sendQueued(_ core: Core, _ now: Instant) throws {
        // What was left to the core in an earlier turn goes first.
        guard let bridge, core.isSettled, !isBlocked else { return }
        burst.fill(from: &queue, bytes: Self.bytesPerTurn, now: now)
        while let queued = burst.next() {
            defer { queue.release(queued) }
            let packet = PortalPacket(queued)
            if !bridge.outbound(packet, now: now) { try core.take(packet, now) }
            if sealer.outbox.wantsFlush { try flush(core, now) }
        }
    }

    /// Sends everything that was sealed in this burst.
    func flush(_ core: Core, _ now: Instant) throws {
        core.willSend(now)
        let outbox = sealer.outbox
        guard !outbox.isEmpty else { return }
        for place in lines.indices {
            try lines[place].send(outbox, place: place, chosen: { core.socketPlace($0) }, box: core, now: now)
        }
        outbox.removeAll()
    }

    // MARK: In

    /// A burst from a socket into the mesh, and from there into the portal or on to the next hop.
    private func serve(_ place: Int, _ readiness: Readiness, _ core: Core, _ now: Instant) throws {
        if readiness.isWritable { try lines[place].resume(box: core, now: now) }
        guard readiness.isReadable || readiness.isBroken else { return }
        for _ in 0..<Self.batchesPerTurn where core.isSettled {
            let count = try lines[place].port.receive(into: batch)
            moved += count
            core.beginBatch()
            for index in 0..<count { try core.take(batch[index], now) }
            try bridge?.endBurst()
            if sealer.outbox.wantsFlush { try flush(core, now) }
            if !batch.isFull { return }
        }
    }

    /// Sockets are not read while the core must come first, and watched for room where they have none. At the end of a turn, when
    /// what came by ways that are closed since has been taken in.
    func watchSockets(_ core: Core, _ now: Instant) throws {
        for line in lines where line.hasConnections { try line.heedEvents(core, now: now) }
        let isPaused = !core.isSettled
        for (place, line) in lines.enumerated()
        where isPaused != self.isPaused || line.isBlocked != line.watchesWritable {
            line.watchesWritable = line.isBlocked
            var interest: Interest = isPaused ? [] : .readable
            if line.isBlocked { interest.insert(.writable) }
            try poller.modify(line.port.descriptor, token: Self.socketTokens + UInt64(place), interest: interest)
        }
        self.isPaused = isPaused
    }
}
