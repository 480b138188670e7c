internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// One more thread for packets (`threads:` above 1). It has a queue of the TUN device and a socket on every endpoint, and
/// carries messages of direct sessions from one to the other; all else it leaves to the first engine (`Engine`), which keeps
/// the mesh, the control and the timers.
///
///     TUN queue n --> PortalQueue --> seal --> UDP socket n         the kernel divides flows among the queues,
///     TUN queue n <-- join <--------- open <-- UDP socket n         and senders among the sockets
///                        \                /
///                         ring --> first engine
///
/// A flow keeps its order: a flow has one queue, a sender's endpoint one socket, and where packets change from one
/// engine to the other the second waits until the first is through with what it was left (`isSettled`).
final class SideEngine {
    let link: SideLink
    let box: SideBox
    let portal: PortalBridge<TunDevice, SideBox>
    let lines: [SocketLine]

    private let poller: Poller
    private let batch = DatagramBatch(slotSize: 1 << 16, burst: 512 << 10)
    private var pace = TurnPace()
    /// Packets and datagrams that came in this turn.
    private var moved = 0
    private(set) var queue: PortalQueue
    private var burst = PacketBurst()
    /// Up to where the first engine must have come before anything else goes straight.
    private var barrier = 0
    /// Ways that became known while packets were on a detour: not used before these are through.
    private var lateChanges: [ShareChange] = []
    private var isPaused = false
    /// Whether the mailbox was looked into for this batch of datagrams.
    private var hasObeyed = false
    private var stopping = false
    private(set) var handedOver: UInt64 = 0
    private var hasHandedOver = false

    private enum Token {
        static let mailbox: UInt64 = 0
        static let proceed: UInt64 = 1
        static let portal: UInt64 = 2
        static let sockets: UInt64 = 16
    }

    init(
        link: SideLink, portal: PortalBridge<TunDevice, SideBox>, sockets: [UDPSocket], seed: UInt64
    ) throws {
        self.link = link
        self.portal = portal
        box = portal.ways
        lines = sockets.map { SocketLine(socket: $0, configured: $0.local) }
        queue = PortalQueue(seed: seed)
        poller = try Poller()
        try poller.add(link.mailbox.descriptor, token: Token.mailbox, interest: .readable)
        try poller.add(link.proceed.descriptor, token: Token.proceed, interest: .readable)
        try poller.add(portal.device.descriptor, token: Token.portal, interest: .readable)
        for (place, line) in lines.enumerated() {
            try poller.add(line.socket.descriptor, token: Token.sockets + UInt64(place), interest: .readable)
        }
    }

    // MARK: The loop

    /// Runs until it is told to stop, or until its queue or a socket is lost.
    func run(_ scheduling: ThreadScheduling) throws {
        pace = TurnPace(scheduling)
        defer { box.forgetAll() }
        while !stopping {
            let mayGoOn = !queue.isEmpty && !isBlocked && isSettled
            let now = BootClock.now()
            let ready = try poller.wait(until: mayGoOn ? .distantPast : nil, now: now)
            try turn(ready, BootClock.now())
            let pause = pace.pause(after: moved, now: now)
            if pause > .zero { CurrentThread.nap(pause) }
        }
    }

    private func turn(_ ready: Int, _ now: Instant) throws {
        moved = 0
        settle()
        for index in 0..<ready {
            let readiness = poller[index]
            switch readiness.token {
            case Token.mailbox: obey()
            case Token.proceed:
                link.proceed.drain()
                settle()
            case Token.portal: moved += try queue.fill(from: portal.device, now: now)
            default: try serve(Int(readiness.token - Token.sockets), readiness, now)
            }
        }
        try sendQueued(now)
        try flush(now)
        try watchSockets()
        box.report(now: now)
        if hasHandedOver {
            hasHandedOver = false
            link.handed.signal()
        }
        publish()
    }

    private func obey() {
        for command in link.mailbox.drain() {
            switch command {
            case .changes(let changes): for change in changes { heed(change) }
            case .everything(let changes):
                box.forgetAll()
                lateChanges.removeAll()
                portal.forgetWays()
                for change in changes { heed(change) }
            case .setAccess(let gate): portal.gate = gate
            case .stop: stopping = true
            }
        }
    }

    private func heed(_ change: ShareChange) {
        if case .way = change, !isSettled || !lateChanges.isEmpty {
            lateChanges.append(change)
            return
        }
        lateChanges.removeAll { $0.isOvertaken(by: change) }
        box.apply(change)
        portal.heed(change)
    }

    /// Whether the first engine is through with what it was left and what may not be overtaken.
    private var isSettled: Bool { link.ring.isReleased(through: barrier) }

    private func settle() {
        guard isSettled else { return }
        box.settle()
        portal.settle()
        guard !lateChanges.isEmpty else { return }
        let changes = lateChanges
        lateChanges.removeAll()
        for change in changes {
            box.apply(change)
            portal.heed(change)
        }
    }

    // MARK: Out

    private func sendQueued(_ now: Instant) throws {
        // What was left to the first engine in an earlier turn goes first.
        guard isSettled, !isBlocked else { return }
        burst.fill(from: &queue, bytes: Engine.bytesPerTurn, now: now)
        while let packet = burst.next() {
            defer { queue.release(packet) }
            if !portal.outbound(PortalPacket(packet), now: now) {
                // What was sealed before it leaves before it.
                try flush(now)
                handOver(packet.bytes, .packet, orderMatters: true)
            }
            if box.outbox.wantsFlush { try flush(now) }
        }
    }

    private var isBlocked: Bool { lines.contains(where: \.isBlocked) }

    private func flush(_ now: Instant) throws {
        guard !box.outbox.isEmpty else { return }
        for place in lines.indices {
            // Ways name the socket, so nothing is to be chosen.
            try lines[place].send(box.outbox, place: place, chosen: { _ in nil }, box: self, now: now)
        }
        box.outbox.removeAll()
    }

    // MARK: In

    private func serve(_ place: Int, _ readiness: Readiness, _ now: Instant) throws {
        if readiness.isWritable { try lines[place].resume(box: self, now: now) }
        guard readiness.isReadable || readiness.isBroken else { return }
        for _ in 0..<Engine.batchesPerTurn where isSettled {
            let count = try lines[place].socket.receive(into: batch)
            moved += count
            hasObeyed = false
            for index in 0..<count { try take(batch[index], now) }
            try portal.endBurst()
            if !batch.isFull { return }
        }
    }

    private func take(_ datagram: IncomingDatagram, _ now: Instant) throws {
        // The first engine says which keys there are before it lets the other end use them: it may have done so just now.
        if !hasObeyed, box.isForeign(datagram.bytes) {
            hasObeyed = true
            obey()
        }
        switch box.receive(
            datagram.bytes, from: datagram.path, trafficClass: datagram.trafficClass, now: now)
        {
        case .message(let delivery):
            try portal.inbound(
                delivery.message, from: delivery.source, isPartial: delivery.isPartial, ecn: delivery.ecn,
                isFleeting: false)
        case .sealed:
            handOver(datagram.bytes, .sealed, datagram.path, datagram.trafficClass, orderMatters: false)
        case .opened(let isNewest, let orderMatters):
            if orderMatters { try portal.endBurst() }
            handOver(
                datagram.bytes, isNewest ? .openedNewest : .opened, datagram.path, datagram.trafficClass,
                orderMatters: orderMatters)
        case .dropped: break
        }
    }

    /// Leaves something to the first engine. What finds no room is lost, and counted by the ring.
    func handOver(
        _ bytes: UnsafeMutableRawBufferPointer, _ kind: Handed, _ path: Path? = nil, _ trafficClass: UInt8 = 0,
        orderMatters: Bool
    ) {
        hasHandedOver = true
        handedOver &+= 1
        guard
            link.ring.write(UnsafeRawBufferPointer(bytes), kind: kind.rawValue, path: path, trafficClass: trafficClass)
        else { return }
        if orderMatters { barrier = link.ring.written }
    }

    /// Sockets are not read while the first engine must come first, and watched for room where they have none.
    private func watchSockets() throws {
        let isPaused = !isSettled
        for (place, line) in lines.enumerated()
        where isPaused != self.isPaused || line.isBlocked != line.watchesWritable {
            line.watchesWritable = line.isBlocked
            var interest: Interest = isPaused ? [] : .readable
            if line.isBlocked { interest.insert(.writable) }
            try poller.modify(line.socket.descriptor, token: Token.sockets + UInt64(place), interest: interest)
        }
        self.isPaused = isPaused
    }
}
