internal import API
internal import INET256
internal import Logging
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The data plane: one thread that owns the portal, the sockets and the mesh core. Bursts in, one flush out; it never
/// waits but in the poller, and the control side reaches it through the mailbox alone.
final class Engine<Devices: PortalDevices> {
    let box: MeshBox
    let mailbox: Mailbox<EngineCommand>
    /// Nodes besides the main one, and what applications ask for them.
    let hosted: HostedNodes
    let inbox: NodeInbox
    let applications: NodeConnections
    /// As configured; `normal` after all where that was refused.
    private(set) var scheduling: ThreadScheduling
    /// Since when a socket has had no room.
    var blockedSince: Instant?
    /// The time of the turn, for those who are called back in it.
    private(set) var turnBegan: Instant = .distantPast
    let logger: Logger
    var reports: EventReports
    /// Carries the packets of this thread.
    let worker: Worker<Devices.Device, Engine>
    /// What takes more than a lane.
    var desk: PortalDesk<Devices.Device>?
    let devices: Devices
    /// The configured transports, in the order of their numbers.
    var ports: [EnginePort]
    var sprays = SprayPlan()
    /// Other engines, with `threads:` above 1.
    var sides: SideGroup<Devices>?
    /// What the operator should know of what was found when things were opened.
    var warnings: [String] = []
    /// What the configuration calls peers, for the log.
    var names: [Address: String] = [:]
    var pings = WaitingPings()
    /// The node under the box's former address, whose packets are the portal's too.
    private(set) var former: NodeID?
    /// Messages for the main node while there is no portal.
    var unread: UInt64 = 0

    /// Whoever has the portal's interface in hand, from before there is a device.
    var interface: (any PortalInterface)?
    /// The interface's index while it is up.
    var interfaceIndex: UInt32?
    /// What the interface has, or has been told to have, in bytes.
    var portalMTU: UInt32
    /// Why the loop is to end.
    var failure: (any Error)?
    /// The sizes within which the interface's MTU follows what paths carry.
    let follows: ClosedRange<Int>?
    /// Tells the control side that the machine's network has changed.
    let surroundingsChanged: @Sendable () -> Void
    let serviceHeard: @Sendable (Address, UInt8, [UInt8]) -> Void
    let watcher: (any MachineWatch)?
    let rawDatagrams: RawDatagrams?
    let rawFirstBytes: ClosedRange<UInt8>?
    private(set) var turnGuard = TurnGuard()
    var stopping = false
    /// The portal's interface outlives this run.
    var isKeeping = false
    var surroundingsChangeAt: Instant = .distantFuture

    /// Changes of the machine's network come in flocks.
    static var surroundingsSettle: Interval { .milliseconds(50) }

    /// Opens everything, in the order that leaves nothing unguarded: the prefix is held unreachable before the
    /// sockets and the device are there. Undoes what it did when it throws.
    init(_ setup: EngineSetup, _ devices: Devices) throws {
        self.devices = devices
        let now = BootClock.now()
        mailbox = setup.mailbox
        inbox = setup.inbox
        logger = setup.logger
        reports = EventReports(setup.logger)
        scheduling = setup.scheduling
        follows = setup.portal?.follows
        surroundingsChanged = setup.surroundingsChanged
        serviceHeard = setup.serviceHeard
        portalMTU = setup.portal?.mtu ?? 0
        box = MeshBox(key: setup.key, settings: setup.box, random: SystemRandom(), now: now)
        worker = try Worker(sealer: box.sealer, seed: SystemRandom().next64(), now: now)
        hosted = HostedNodes(box: box, gate: setup.apiGate, limit: setup.apiNodes)
        applications = NodeConnections(limits: setup.apiLimits, logger: setup.logger)
        watcher = setup.surroundingsChanges()
        ports = setup.ports.map(EnginePort.init)
        rawDatagrams = setup.rawDatagrams
        rawFirstBytes = setup.rawDatagrams?.firstBytes
        if let key = setup.formerKey { former = try box.openFormer(key, now: now) }
        for key in setup.nodeKeys { try hosted.addConfigured(key, now: now) }
        for peer in setup.peers {
            names[peer.address] = peer.name
            box.setPeer(PeerSettings(address: peer.address, endpoints: []), now: now)
            box.setKnown(to: peer.address, asFormer: !peer.knowsNewKey, now: now)
            for address in peer.expected { box.expect(address) }
        }
        if setup.threads > 1, setup.portal != nil {
            sides = try SideGroup(wanted: setup.threads, besides: setup.threadsBesides)
        }
        do {
            try openPorts(setup)
            try openPortal(setup)
            try openSides(setup)
            try worker.poller.add(mailbox.descriptor, token: EngineToken.mailbox, interest: .readable)
            try worker.poller.add(inbox.descriptor, token: EngineToken.inbox, interest: .readable)
            if let watcher {
                try worker.poller.add(watcher.descriptor, token: EngineToken.watcher, interest: .readable)
            }
        } catch {
            closePortal()
            throw error
        }
    }

    // MARK: The loop

    /// Runs until it is told to stop, or until the portal or a socket is lost. Leaves nothing behind either way.
    func run(_ scheduling: ThreadScheduling) throws {
        settle(scheduling)
        sides?.start(self.scheduling)
        defer {
            failWaiting()
            sides?.stop(logger)
            closePortal()
        }
        try interface?.start()
        var wasIdle = false
        while !stopping {
            let now = BootClock.now()
            let ready = try worker.poller.wait(
                until: turnGuard.wake(due: wakeTime(), wasIdle: wasIdle, now: now), now: now)
            let hadPackets = worker.mayGoOn(self)
            try turn(ready, BootClock.now())
            wasIdle = ready == 0 && worker.moved == 0 && !hadPackets
            if let failure { throw failure }
            let pause = worker.pause(now)
            if pause > .zero { CurrentThread.nap(pause) }
        }
        // Nothing goes out behind the goodbye.
        sides?.stop(logger)
        box.shutDown(now: BootClock.now())
        try flush(BootClock.now())
    }

    /// Fine where there is none.
    func forgetFormer(_ now: Instant) {
        guard let former else { return }
        self.former = nil
        desk?.former = nil
        interface?.forgetFormer()
        box.close(former, now: now)
    }

    private func settle(_ wanted: ThreadScheduling) {
        scheduling = wanted
        do {
            try scheduling.settle()
        } catch {
            warnings.append("scheduling: \(scheduling) is not possible here: \(error)")
            scheduling = .normal
        }
        worker.settle(scheduling)
    }

    private func wakeTime() -> Instant {
        var next = min(box.deadline, surroundingsChangeAt, reports.deadline)
        if let desk { next = min(next, desk.deadline) }
        if let sides { next = min(next, sides.shareAt) }
        next = min(next, pings.deadline, sparesDue, sprays.deadline, worker.restDue)
        // While a socket has no room its packets wait for that.
        if worker.mayGoOn(self) { return .distantPast }
        return min(next, hosted.questionsDue, applications.deadline)
    }

    private func turn(_ ready: Int, _ now: Instant) throws {
        worker.beginTurn()
        box.beginTurn()
        turnBegan = now
        for index in 0..<ready {
            let readiness = worker.poller[index]
            switch readiness.token {
            case EngineToken.mailbox: for command in mailbox.drain() { try obey(command, now) }
            case EngineToken.watcher: try heedSurroundings(now)
            case EngineToken.inbox: obeyApplications(now)
            case EngineToken.handed: try takeHanded(now)
            case EngineToken.applications...:
                applications.note(
                    readiness.token - EngineToken.applications, isReadable: readiness.isReadable,
                    isWritable: readiness.isWritable, isBroken: readiness.isBroken)
            default: try worker.serve(readiness, self, now)
            }
        }
        // What was parked for want of a route goes before what has just been read.
        try desk?.tick(now: now)
        try worker.sendQueued(self, now)
        try applications.serve(now: now, host: self)
        if now >= surroundingsChangeAt {
            surroundingsChangeAt = .distantFuture
            learnMachineAddresses()
            renewPorts()
            box.surroundingsChanged(now: now)
            surroundingsChanged()
        }
        box.report(now: now)
        if now >= box.deadline {
            box.tick(now: now)
            sides?.hurry(now)
        }
        try desk?.tick(now: now)
        hosted.tick(now: now)
        expirePings(now)
        tickSpares(now)
        tickSprays(now)
        try flush(now)
        sides?.endTurn(box, isBlocked: worker.isBlocked, now)
        try heedEvents(now)
        hosted.handOverAll()
        try applications.tidy(now: now, host: self)
        try worker.watchSockets(self, now)
        if worker.rest(now) { ResidentMemory.giveBack() }
    }

}

/// What the poller calls what it reports to the first engine.
enum EngineToken {
    static let mailbox: UInt64 = 0
    static let watcher: UInt64 = 1
    /// 2 is the portal's, 16 and up are the sockets' (`Worker`).
    static let inbox: UInt64 = 3
    static let handed: UInt64 = 4
    static let applications: UInt64 = 1 << 32
}
