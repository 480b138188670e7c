internal import INET256
internal import Logging
internal import Mesh
internal import Portal
internal import Synchronization
internal import System
internal import Transport
internal import Wire

/// The side engines as the first engine sees them: it opens what they need, starts them, tells them of keys and ways, takes
/// what they leave to it, and ends them. Used by the first engine's thread alone.
final class SideGroup<Devices: PortalDevices> {
    /// How many engines the configuration wants, the first one included.
    let wanted: Int
    /// Threads that the program needs beside these.
    private let besides: Int
    /// What the operator should know.
    private(set) var warnings: [String] = []
    let handed: Wakeup
    private(set) var links: [SideLink] = []

    /// Opened, and not yet an engine's.
    private var ports: [[any DatagramPort]]
    private var devices: [Devices.Device] = []
    private var engines: [(link: SideLink, run: (ThreadScheduling) throws -> Void)] = []
    /// Their threads, which there are from the beginning: whether there are as many is known before the daemon is up.
    private let threadGate = ThreadGate()
    private let chosen = Chosen()

    private var isRefused = false

    /// When all sessions are looked through again, and when they were.
    private(set) var shareAt: Instant = .distantPast
    private var sharedAt: Instant = .distantPast
    /// Engines whose mailbox was full, and what they must not miss.
    private var behind: Set<Int> = []
    private var gate: PortalGate?

    /// What side engines did is taken in at least this often, and ways are published at most so often.
    private static var period: Interval { .milliseconds(250) }
    private static var spacing: Interval { .milliseconds(5) }
    /// Records taken from one engine in a turn.
    private static var recordsPerTurn: Int { 4096 }

    init(wanted: Int, besides: Int) throws {
        self.wanted = wanted
        self.besides = besides
        handed = try Wakeup()
        ports = Array(repeating: [], count: wanted - 1)
    }

    /// How many engines there are, the first one included.
    var count: Int { links.count + 1 }

    // MARK: Opening

    /// Opens a transport's ports; those of the other engines are put aside. Where they cannot share it, one engine is left.
    func open(_ source: any PortSource, number: UInt16) throws -> OpenedPorts {
        let opened = try source.open(isRefused ? 1 : wanted, number: number)
        if let reason = opened.refusal { refuse(reason) }
        for (place, port) in zip(ports.indices, opened.others) { ports[place].append(port) }
        return opened
    }

    /// The first engine's queue of the device, after those of the others were put aside.
    func open(_ portal: EngineSetup.PortalSetup, _ source: Devices) throws -> Devices.Device {
        if !isRefused {
            do {
                var queues = try source.open(portal, queues: wanted)
                let first = queues.removeFirst()
                devices = queues
                do throws(TunError) {
                    try source.steerByFlow(first)
                } catch {
                    warnings.append(
                        "flows may change threads once while they begin, and those with one peer share a thread: choosing by flow "
                            + "takes the capability CAP_BPF and Linux 4.16 or later")
                }
                return first
            } catch {
                refuse("\(error)")
            }
        }
        return try source.open(portal, queues: 1)[0]
    }

    private func refuse(_ reason: String) {
        isRefused = true
        ports = []
        devices = []
        warnings.append("threads: \(wanted) is not possible here, one thread does it all: \(reason)")
    }

    /// Makes the engines of what was opened. False when there is one engine after all.
    func assemble(like bridge: PortalBridge<Devices.Device, MeshBox>, limits: MeshLimits) -> Bool {
        guard !isRefused else { return false }
        do {
            for (place, device) in devices.enumerated() {
                let link = try SideLink(number: place + 1, handed: handed)
                let portal = PortalBridge(
                    device: device, ways: SideBox(limits: limits), rules: bridge.rules, gate: bridge.gate)
                let engine = try SideEngine(
                    link: link, portal: portal, ports: ports[place], seed: SystemRandom().next64())
                engines.append((link, { try engine.run($0) }))
                links.append(link)
            }
            try launch()
            // Others need some as well, and come to nothing without.
            try OwnThread.probe(besides)
        } catch {
            threadGate.close()
            engines = []
            links = []
            refuse("\(error)")
        }
        ports = []
        devices = []
        return !isRefused
    }

    /// Makes the threads, which wait for `start`.
    private func launch() throws(SystemError) {
        for (link, run) in engines {
            // The engine in it goes to the thread, and nobody else keeps it.
            nonisolated(unsafe) let run = run
            try OwnThread.start("data plane \(link.number)") { [threadGate, chosen] in
                guard threadGate.pass() else { return }
                let scheduling = chosen.value
                // What the first one was permitted this one is.
                if scheduling == .realtime { try? CurrentThread.runInRealTime() }
                do {
                    try run(scheduling)
                    link.end(nil)
                } catch {
                    link.end(error)
                }
            }
        }
        engines = []
    }

    func start(_ scheduling: ThreadScheduling) {
        chosen.value = scheduling
        threadGate.open()
    }

    deinit { threadGate.close() }

    /// Ends the threads; they are gone afterwards.
    func stop(_ logger: Logger) {
        post(.stop)
        for link in links where !link.waitForEnd() {
            logger.error("a thread did not end in time", metadata: ["engine": "\(link.number)"])
        }
        links = []
    }

    // MARK: Telling

    func setAccess(_ gate: PortalGate) {
        self.gate = gate
        post(.setAccess(gate))
    }

    /// New keys and ended ones: before the outbox is sent.
    func publishKeys(_ box: MeshBox, _ now: Instant) {
        post(.changes(box.takeKeyNews()))
        hurry(now)
    }

    /// Where frames that are relayed go from now on: before the outbox is sent.
    func publishRoutes(_ box: MeshBox, _ now: Instant) {
        if let change = box.shareRoutes(now: now) { post(.changes([change])) }
    }

    /// Something happened that may have changed ways.
    func hurry(_ now: Instant) { shareAt = min(shareAt, max(now, sharedAt + Self.spacing)) }

    /// After everything of the turn was sent: `isBlocked` says that it was not.
    func endTurn(_ box: MeshBox, isBlocked: Bool, _ now: Instant) {
        guard !isBlocked else {
            // What goes straight must not overtake what waits here.
            if shareAt <= now { shareAt = now + Self.spacing }
            return
        }
        for link in links where link.ring.release() { link.proceed.signal() }
        if shareAt <= now {
            sharedAt = now
            shareAt = now + Self.period
            let changes = box.shareWays(now: now)
            if !changes.isEmpty { post(.changes(changes)) }
        }
        if !behind.isEmpty { catchUp(box) }
    }

    private func post(_ command: SideCommand) {
        for link in links {
            do throws(MailboxError) {
                try link.mailbox.post(command)
            } catch {
                behind.insert(link.number)
            }
        }
    }

    private func catchUp(_ box: MeshBox) {
        for link in links where behind.contains(link.number) {
            do throws(MailboxError) {
                if let gate { try link.mailbox.post(.setAccess(gate)) }
                try link.mailbox.post(.everything(box.shareAnew()))
                behind.remove(link.number)
            } catch {
                // Later.
            }
        }
    }

    // MARK: Hearing

    /// Gives what the others left, in the order of each. They wait with what must not overtake it until `endTurn`.
    func takeHanded(_ body: (HandoverRing.Record) throws -> Void) throws {
        handed.drain()
        var hasMore = false
        for link in links {
            var left = Self.recordsPerTurn
            while left > 0, let record = link.ring.next() {
                try body(record)
                left -= 1
            }
            if left == 0 { hasMore = true }
            if let reason = link.ending { throw SideEngineFailure(number: link.number, reason: reason) }
        }
        if hasMore { handed.signal() }
    }
}

/// What `start` says to the threads.
private final class Chosen: Sendable {
    private let stored = Mutex(ThreadScheduling.normal)
    var value: ThreadScheduling {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}
