internal import API
internal import DataPlane
internal import Foundation
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import ServiceLifecycle
internal import Settings
internal import System
internal import Transport
internal import UnixSignals
internal import Wire

/// The daemon: the data plane's thread and the control side's services, from start to clean stop.
enum Daemon {
    /// Runs until SIGTERM, SIGINT or SIGQUIT. Throws what kept it from starting, or what ended it.
    static func run(_ setup: DaemonSetup, logger: Logger) async throws {
        let stops = await StopSignals()
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let mailbox = try Mailbox<EngineCommand>()
        let milliseconds = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
        let inbox = try NodeInbox()
        var plan = try DataPlanePlan(
            setup, mailbox: mailbox, inbox: inbox, logger: logger, startMilliseconds: milliseconds)
        let own = Set([setup.key.address] + setup.nodeKeys.map(\.address))
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let changed: @Sendable () -> Void = { change.yield() }
        let (moves, move) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        plan.engine.networkChanged = {
            changed()
            move.yield()
        }
        let prefix = try plan.portal.map {
            try PrefixKeeper(
                $0.plan, map: $0.map, configuration: setup.configuration, own: own, force: setup.force, logger: logger)
        }
        let directory = PeerDirectory(
            mailbox: mailbox, logger: logger, own: own, portal: plan.portal?.plan,
            transports: setup.configuration.transports.map(\.udp))
        let keeper = FirewallKeeper(logger: logger)
        plan.portal?.guardian = { index in
            try Blocking.wait { try await keeper.bind(to: index) }
        }
        let control = RunningDaemon(
            setup: setup, plan: plan, directory: directory, keeper: keeper, prefix: prefix,
            logger: logger)

        // The socket first: it tells whether another daemon runs, before the box is touched.
        let api = try await APIService.open(
            setup.configuration, control: control, nodes: ApplicationNodes(inbox: inbox, logger: logger),
            logger: logger)
        let listener: APIService?
        let engine: EngineThread
        do {
            listener = try await APIService.openListener(setup.configuration, control: control, logger: logger)
            // The guard before all else that may fail: while the daemon does not come up, nothing leaks.
            try stops.check()
            try await prefix?.begin()
            try stops.check()
            // Before there is a portal: no packet ever meets an open door. A firewall that does not load keeps the box down.
            try await keeper.enforce(setup.configuration)
            try stops.check()
            engine = try await EngineThread.start(plan.setup())
        } catch {
            inbox.close()
            await api.server.close()
            try? await keeper.stop()
            await end(prefix, logger)
            guard error is StopSignals.Stopped else { throw error }
            logger.notice("stopped before it was up")
            return
        }
        let notify = try? NotifySocket.fromEnvironment()
        logger.notice(
            "up",
            metadata: [
                "address": "\(setup.key.address)",
                "portal": "\(plan.portal.map { "\($0.plan.address)" } ?? "off")",
            ])
        // The group's own words are about services, not about the mesh.
        var quiet = logger
        quiet.logLevel = .critical
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: EngineService(thread: engine), failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: api, failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: StopService(signals: stops), successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: HangupService(control: control, signals: hangups, logger: logger)),
            .init(service: PeerService(control: control, directory: directory, networkChanges: moves)),
            .init(service: WarningService(control: control, logger: logger)),
            .init(service: NotifyService(notify: notify, control: control, logger: logger)),
        ]
        if let listener { services.append(.init(service: listener)) }
        if prefix == nil { tellOfGuard(logger) }
        if let prefix {
            services.append(.init(service: PrefixService(keeper: prefix, changes: changes, changed: changed)))
        }
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        let ending: Result<Void, any Error>
        do { ending = .success(try await group.run()) } catch { ending = .failure(error) }
        // The portal is gone by now.
        do { try await keeper.stop() } catch {
            logger.error("the firewall's table could not be removed", metadata: ["reason": "\(error)"])
        }
        await end(prefix, logger)
        try ending.get()
        logger.notice("stopped")
    }

    /// Without a portal nobody will serve what an earlier run holds.
    private static func tellOfGuard(_ logger: Logger) {
        guard let socket = try? NetlinkSocket(), let entries = try? GuardRoutes(socket).list() else { return }
        for entry in entries where entry.servedBy == nil && !entry.isException {
            logger.warning(
                "\(entry.route.destination) is unreachable since an earlier run: `inet256vpn guard release` gives it back",
                metadata: ["route": "\(entry.text)"])
        }
    }

    /// The last of all: the portal is gone by then, and its guard goes or stays as configured.
    private static func end(_ prefix: PrefixKeeper?, _ logger: Logger) async {
        do { try await prefix?.end() } catch {
            logger.error("not everything of the prefix's guard is as it should be", metadata: ["reason": "\(error)"])
        }
    }
}

/// Waits for the data plane to end; tells it to when the daemon stops.
struct EngineService: ServiceLifecycle.Service {
    let thread: EngineThread

    func run() async throws {
        try await withGracefulShutdownHandler {
            for await result in thread.ended { try result.get() }
        } onGracefulShutdown: {
            // Full or closed: it is ending, or so busy that it will not take even this; then systemd ends it.
            try? thread.mailbox.post(.stop)
        }
    }
}

/// Keeps the peers' endpoints current.
struct PeerService: ServiceLifecycle.Service {
    let control: RunningDaemon
    let directory: PeerDirectory
    /// An element for each change of the machine's network, or for several.
    let networkChanges: AsyncStream<Void>

    /// How often the names of peers that do not answer are looked up again.
    private static let refresh: Duration = .seconds(20)
    /// Between two looks at a network that changes all the time.
    private static let networkRest: Duration = .milliseconds(200)

    func run() async throws {
        await directory.set(await control.configuration.peers)
        await cancelWhenGracefulShutdown {
            async let watching: Void = watchNetwork()
            while true {
                do { try await Task.sleep(for: Self.refresh) } catch { break }
                await directory.refresh(await control.unlinkedPeers())
            }
            await watching
        }
        await directory.stop()
    }

    private func watchNetwork() async {
        for await _ in networkChanges {
            await directory.networkChanged()
            do { try await Task.sleep(for: Self.networkRest) } catch { return }
        }
    }
}

/// Tells systemd that the daemon is ready, alive and stopping. Alive means that the data plane answers.
struct NotifyService: ServiceLifecycle.Service {
    let notify: NotifySocket?
    let control: RunningDaemon
    let logger: Logger

    func run() async throws {
        guard let notify else {
            try await gracefulShutdown()
            return
        }
        do { try notify.ready(status: "up") } catch {
            logger.warning("systemd was not told that the daemon is ready", metadata: ["reason": "\(error)"])
        }
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { await watch(notify) }
        } onGracefulShutdown: {
            try? notify.stopping()
        }
    }

    private func watch(_ notify: NotifySocket) async {
        guard let interval = NotifySocket.watchdogInterval() else {
            try? await gracefulShutdown()
            return
        }
        while !Task.isCancelled {
            if await control.snapshot() != nil { try? notify.watchdog() }
            do { try await Task.sleep(for: .nanoseconds(interval.nanoseconds / 3)) } catch { return }
        }
    }
}
