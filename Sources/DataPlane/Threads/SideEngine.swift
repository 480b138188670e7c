internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// One more thread for packets (`threads:` above 1). It has a queue of the TUN device and a port on every endpoint, and
/// carries messages of direct sessions from one to the other, and relay frames from port to port; all else it leaves to the first
/// engine (`Engine`), which keeps the mesh, the control and the timers.
///
///     TUN queue n --> PortalQueue --> seal --> UDP socket n         the kernel divides flows among the queues,
///     TUN queue n <-- join <--------- open <-- UDP socket n         and senders among the sockets
///                        \                /
///                         ring --> first engine
///
/// A flow keeps its order: a flow has one queue, a sender's endpoint one socket, and where packets change from one
/// engine to the other the second waits until the first is through with what it was left (`isSettled`).
final class SideEngine<Device: PacketDevice> {
    let link: SideLink
    let box: SideBox
    let portal: PortalBridge<Device, SideBox>
    /// Carries the packets of this thread.
    let worker: Worker<Device, SideEngine>

    /// Up to where the first engine must have come before anything else goes straight.
    private var barrier = 0
    /// Behind the last relay frame that the first engine was left.
    private var relayMark = 0
    /// Ways and routes that became known while packets were on a detour: not used before these are through.
    private var lateChanges: [ShareChange] = []
    /// Whether the mailbox was looked into for this batch of datagrams.
    private var hasObeyed = false
    private var stopping = false
    private(set) var handedOver: UInt64 = 0
    private var hasHandedOver = false

    private enum Token {
        static var mailbox: UInt64 { 0 }
        static var proceed: UInt64 { 1 }
    }

    init(
        link: SideLink, portal: PortalBridge<Device, SideBox>, ports: [any DatagramPort], seed: UInt64
    ) throws {
        self.link = link
        self.portal = portal
        box = portal.ways
        worker = try Worker(sealer: portal.ways.sealer, seed: seed, now: BootClock.now())
        try worker.poller.add(link.mailbox.descriptor, token: Token.mailbox, interest: .readable)
        try worker.poller.add(link.proceed.descriptor, token: Token.proceed, interest: .readable)
        try worker.open(portal)
        for port in ports { try worker.add(PortLine(port, configured: port.facts.bound)) }
    }

    // MARK: The loop

    /// Runs until it is told to stop, or until its queue or a socket is lost.
    func run(_ scheduling: ThreadScheduling) throws {
        worker.settle(scheduling)
        defer { box.forgetAll() }
        while !stopping {
            let now = BootClock.now()
            let due = worker.mayGoOn(self) ? .distantPast : worker.restDue
            let ready = try worker.poller.wait(until: due == .distantFuture ? nil : due, now: now)
            try turn(ready, BootClock.now())
            let pause = worker.pause(now)
            if pause > .zero { CurrentThread.nap(pause) }
        }
    }

    /// What the poller reported, and everything that follows from it.
    func turn(_ ready: Int, _ now: Instant) throws {
        worker.beginTurn()
        settle()
        for index in 0..<ready {
            let readiness = worker.poller[index]
            switch readiness.token {
            case Token.mailbox: obey()
            case Token.proceed:
                link.proceed.drain()
                settle()
            default: try worker.serve(readiness, self, now)
            }
        }
        try worker.sendQueued(self, now)
        try worker.flush(self, now)
        try worker.watchSockets(self, now)
        _ = worker.rest(now)
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
        lateChanges.removeAll { $0.isOvertaken(by: change) }
        if mustWait(change) { return lateChanges.append(change) }
        box.apply(change)
        portal.heed(change)
    }

    /// Whether what goes by this change could overtake what the first engine was left.
    private func mustWait(_ change: ShareChange) -> Bool {
        switch change {
        case .way: break
        case .routes: awaitRelays()
        case .keys, .forget, .noWay: return false
        }
        return !isSettled || !lateChanges.isEmpty
    }

    /// Nothing goes straight before the first engine is through with the relay frames that it was left.
    private func awaitRelays() {
        if !link.ring.isReleased(through: relayMark) { barrier = max(barrier, relayMark) }
    }

    /// Whether the first engine is through with what it was left and what may not be overtaken.
    var isSettled: Bool { link.ring.isReleased(through: barrier) }

    private func settle() {
        // The last of a batch may have been left behind the barrier.
        if lateChanges.contains(where: \.areRoutes) { awaitRelays() }
        if link.ring.isReleased(through: relayMark) { box.settleRelays() }
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
}

/// Its core is far: what takes more than lanes and keys goes to the first engine.
extension SideEngine: WorkerCore {
    typealias Ways = SideBox

    func take(_ packet: PortalPacket, _ now: Instant) throws {
        // What was sealed before it leaves before it.
        try worker.flush(self, now)
        handOver(UnsafeMutableRawBufferPointer(mutating: packet.given), .packet, orderMatters: true)
    }

    func take(_ datagram: IncomingDatagram, _ now: Instant) throws {
        // The first engine says which keys there are before it lets the other end use them: it may have done so just now.
        if !hasObeyed, box.isForeign(datagram.bytes) {
            hasObeyed = true
            // What went by the routes of before leaves before what does not.
            try worker.flush(self, now)
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
            if orderMatters {
                try portal.endBurst()
                try worker.flush(self, now)
            }
            handOver(
                datagram.bytes, isNewest ? .openedNewest : .opened, datagram.path, datagram.trafficClass,
                orderMatters: orderMatters)
        case .relay(let isNewest, let isFirst):
            if isFirst { try worker.flush(self, now) }
            handOver(
                datagram.bytes, isNewest ? .openedNewest : .opened, datagram.path, datagram.trafficClass,
                orderMatters: false)
            relayMark = link.ring.written
        case .passed, .dropped: break
        }
    }

    func beginBatch() { hasObeyed = false }

    func willSend(_ now: Instant) {}

    /// Ways name the socket, so nothing is to be chosen.
    func socketPlace(_ path: Path) -> Int? { nil }
}
