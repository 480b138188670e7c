internal import Foundation
internal import Logging
internal import Netlink
internal import Portal
internal import System
internal import Transport
internal import Wire

/// Watches over the portal's interface, address and routes while packets pass, and puts back what others change: at once when the kernel tells
/// of it, and every half minute for what it tells nobody. It owns the plumbing from `start` to `finish` and has a thread of its own, since
/// netlink may keep it waiting while somebody else holds the kernel's lock, and packets do not wait.
final class PortalWatch {
    private let mailbox: Mailbox<PortalCommand>
    private let logger: Logger
    private var plumbing: PortalPlumbing
    private let watcher: KernelWatcher?
    private let poller: Poller
    private let ended = DispatchSemaphore(value: 0)
    private let lost: @Sendable () -> Void
    private var isRunning = false

    private var pace = MendPace<PortalDamage.Kind>()
    private var inspectAt: Instant
    /// Where the kernel has many routes an inspection takes longer, and a storm of events must not make it all that this thread does.
    private var settles = PortalWatch.settles
    /// Who may have been it, as the kernel says.
    private var suspects: [String] = []
    private var repairs: UInt64 = 0
    /// What is known to be out of our hands, and was said.
    private var said: Set<String> = []
    /// What could not be mended when it was last tried, and why.
    private var failures: [String] = []
    private var failing: Set<PortalDamage.Kind> = []
    /// Another interface has the portal's name: any may be the one that gives it up.
    private var isNameTaken = false
    private var isStopping = false

    /// Changes come in flocks: one inspection is enough for all that a command does.
    private static let settles: Interval = .milliseconds(20)
    private static let settlesAtMost: Interval = .milliseconds(500)
    private static let audit: Interval = .seconds(30)
    /// When something could not be mended.
    private static let again: Interval = .seconds(1)
    /// What is mended may bring other damage to light: an MTU below 1280 takes IPv6 with it.
    private static let rounds = 3
    private static let mostSuspects = 3
    private static let patience = DispatchTimeInterval.seconds(15)

    private enum Token {
        static let mailbox: UInt64 = 0
        static let watcher: UInt64 = 1
    }

    /// - Parameters:
    ///   - plumbing: brought up.
    ///   - lost: called once when the interface is gone for good.
    init(
        _ plumbing: PortalPlumbing, _ mailbox: Mailbox<PortalCommand>, logger: Logger,
        lost: @escaping @Sendable () -> Void
    ) throws {
        self.plumbing = plumbing
        self.mailbox = mailbox
        self.logger = logger
        self.lost = lost
        watcher = KernelWatcher.open(logger)
        poller = try Poller()
        inspectAt = BootClock.now() + Self.audit
        try poller.add(mailbox.descriptor, token: Token.mailbox, interest: .readable)
        if let watcher { try poller.add(watcher.descriptor, token: Token.watcher, interest: .readable) }
    }

    func start() throws(SystemError) {
        // The thread's own until it ends; `finish` waits for that.
        nonisolated(unsafe) let watch = self
        try OwnThread.start("portal watch") {
            watch.run()
            watch.ended.signal()
        }
        isRunning = true
    }

    /// Ends the thread and gives the plumbing back; nil when the thread hangs in the kernel.
    func finish() -> PortalPlumbing? {
        if isRunning {
            // Closed already, or full: then the thread ends by the closing below.
            try? mailbox.post(.stop)
            guard ended.wait(timeout: .now() + Self.patience) == .success else { return nil }
            isRunning = false
        }
        for command in mailbox.close() { command.dismiss() }
        return plumbing
    }

    // MARK: The thread

    private func run() {
        while !isStopping {
            do {
                let ready = try poller.wait(until: inspectAt, now: BootClock.now())
                for place in 0..<ready where poller[place].token == Token.watcher { try heed() }
            } catch {
                logger.error("changes of the portal are noticed late", metadata: ["reason": "\(error)"])
                if let watcher { try? poller.remove(watcher.descriptor) }
            }
            for command in mailbox.drain() { obey(command) }
            if !isStopping, BootClock.now() >= inspectAt { _ = look() }
        }
    }

    private func obey(_ command: PortalCommand) {
        switch command {
        case .fit(let mtu): fit(mtu)
        case .forgetFormer: forgetFormer()
        case .inspect(let answer): answer(try? report(plumbing.inspect()))
        case .mend(let answer):
            // Whoever asks for it does not want to wait.
            pace = MendPace()
            said = []
            let (inspection, mended) = look()
            answer(inspection.map(report), mended)
        case .stop: isStopping = true
        }
    }

    private func fit(_ mtu: UInt32) {
        do {
            try plumbing.setMTU(mtu)
            logger.info("the interface's MTU follows the paths", metadata: ["mtu": "\(mtu)"])
        } catch {
            logger.warning("the interface's MTU cannot be changed", metadata: ["reason": "\(error)"])
        }
    }

    private func forgetFormer() {
        do { try plumbing.forgetFormer() } catch {
            logger.warning("the former address stays on the interface", metadata: ["reason": "\(error)"])
        }
    }

    private func report(_ inspection: PortalInspection) -> PortalReport {
        var report = PortalReport(inspection: inspection, repairs: repairs)
        report.troubles = failures
        let contested = pace.contested.subtracting(failing)
        for damage in inspection.damages where !PortalPlumbing.isMendable(damage) && damage.kind != .gone {
            report.troubles.append("the portal: \(damage.sentence), which is not ours to change")
        }
        if !contested.isEmpty {
            let what = contested.map(\.words).sorted().joined(separator: ", ")
            report.troubles.append(
                "somebody keeps changing the portal (\(what)): it is put back every 30 seconds only, see the log for who it was"
            )
        }
        return report
    }

    // MARK: Hearing

    private func heed() throws {
        guard let watcher else { return }
        for notice in try watcher.notices() where notice.port != plumbing.port && concerns(notice.event) {
            inspectAt = min(inspectAt, BootClock.now() + settles)
            // Now or never: what changes links is done and gone in a moment.
            guard let name = Suspect.name(notice.port), !suspects.contains(name) else { continue }
            if suspects.count < Self.mostSuspects { suspects.append(name) }
        }
    }

    private func concerns(_ event: KernelEvent) -> Bool {
        let index = plumbing.raised
        switch event {
        case .link(let link), .linkGone(let link):
            return isNameTaken || link.index == index || link.name == plumbing.plan.interface
        case .address(let address), .addressGone(let address): return address.interface == index
        case .route(let route), .routeGone(let route):
            return route.interface == index || route.protocolNumber == PortalMark.protocolNumber
                || plumbing.plan.served.contains(route.destination)
        case .overrun: return true
        }
    }

    // MARK: Mending

    /// Inspects, and mends what may be mended now.
    private func look() -> (PortalInspection?, [String]) {
        let began = BootClock.now()
        let by = suspects.isEmpty ? "somebody" : suspects.joined(separator: ", ")
        suspects = []
        failures = []
        failing = []
        inspectAt = began + Self.audit
        var mended: [PortalDamage] = []
        var fights: Set<PortalDamage.Kind> = []
        var inspection: PortalInspection?
        do {
            for round in 0...Self.rounds {
                let now = BootClock.now()
                let found = try plumbing.inspect()
                inspection = found
                guard !found.damages.isEmpty else { break }
                guard found.index != nil else {
                    lose(found)
                    break
                }
                let kinds = Set(found.damages.filter(PortalPlumbing.isMendable).map(\.kind))
                let admitted = kinds.filter { mended.map(\.kind).contains($0) || pace.admits($0, now: now) }
                // In the last round only to see how it stands.
                guard round < Self.rounds, !admitted.isEmpty else {
                    inspectAt = min(inspectAt, max(now + Self.again, pace.next(of: kinds)))
                    complain(found.damages.filter { !PortalPlumbing.isMendable($0) })
                    break
                }
                let mending = plumbing.mend(found, only: admitted)
                failing = Set(mending.failed.map(\.damage.kind))
                let done = Set(mending.mended.map(\.kind))
                for kind in done.union(failing).subtracting(mended.map(\.kind))
                where !Self.follows(kind, of: found)
                    && pace.note(kind, now: now) && done.contains(kind)
                { fights.insert(kind) }
                mended += mending.mended.filter { !mended.contains($0) }
                complain(mending.failed)
                if mending.mended.isEmpty {
                    inspectAt = min(inspectAt, max(now + Self.again, pace.next(of: kinds)))
                    break
                }
            }
        } catch {
            complain("the portal could not be looked at", "\(error)")
            inspectAt = BootClock.now() + Self.again
        }
        settles = min(max(Self.settles, (BootClock.now() - began) * 4), Self.settlesAtMost)
        if inspection?.damages.isEmpty == true { said = [] }
        isNameTaken = inspection?.damages.contains { $0.kind == .name && !PortalPlumbing.isMendable($0) } ?? false
        tell(mended, by, fights, since: began)
        return (inspection, mended.map(\.sentence))
    }

    /// Whoever sets an interface down takes its address and routes with it: that is no fight about these.
    private static func follows(_ kind: PortalDamage.Kind, of inspection: PortalInspection) -> Bool {
        guard kind == .address || kind == .route || kind == .linkLocal else { return false }
        return inspection.damages.contains { $0.kind == .state || $0.kind == .ipv6 || $0.kind == .mtu }
    }

    private func tell(_ mended: [PortalDamage], _ by: String, _ fights: Set<PortalDamage.Kind>, since began: Instant) {
        if !mended.isEmpty {
            repairs += 1
            logger.warning(
                "somebody changed the portal: it is restored",
                metadata: [
                    "what": "\(mended.map(\.sentence).joined(separator: "; "))", "by": "\(by)",
                    "took_ms": "\((BootClock.now() - began).nanoseconds / 1_000_000)",
                ])
        }
        if !fights.isEmpty {
            logger.error(
                "somebody keeps changing the portal: from now on it is restored every 30 seconds only; have the other program leave it alone",
                metadata: ["what": "\(fights.map(\.words).sorted().joined(separator: ", "))", "by": "\(by)"])
        }
    }

    private func complain(_ failed: [(damage: PortalDamage, error: PortalError)]) {
        failures = failed.map { "the portal cannot be restored: \($0.damage.sentence): \($0.error)" }
        for (damage, error) in failed { complain("the portal cannot be restored: \(damage.sentence)", "\(error)") }
    }

    private func complain(_ beyond: [PortalDamage]) {
        for damage in beyond { complain("the portal is not as it should be", damage.sentence) }
    }

    /// Once, until all is well again.
    private func complain(_ what: String, _ reason: String) {
        guard said.count < 64, said.insert("\(what) \(reason)").inserted else { return }
        logger.error("\(what)", metadata: ["reason": "\(reason)"])
    }

    private func lose(_ inspection: PortalInspection) {
        inspectAt = .distantFuture
        lost()
    }
}
