internal import API
internal import Foundation
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import ServiceLifecycle
internal import Transport
internal import UnixSignals
internal import Wire

/// The daemon: the data plane's thread and the control side's services, from start to clean stop.
enum Daemon {
    /// Runs until SIGTERM or SIGINT. Throws what kept it from starting, or what ended it.
    static func run(_ setup: DaemonSetup, logger: Logger) async throws {
        let mailbox = try Mailbox<EngineCommand>()
        let milliseconds = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
        let inbox = try NodeInbox()
        let engineSetup = try EngineSetup(
            setup, mailbox: mailbox, inbox: inbox, logger: logger, startMilliseconds: milliseconds)
        let own = Set([setup.key.address] + setup.nodeKeys.map(\.address))
        let directory = PeerDirectory(mailbox: mailbox, logger: logger, own: own, portal: engineSetup.portal?.plan)
        let keeper = FirewallKeeper(logger: logger)
        let control = RunningDaemon(
            setup: setup, engine: engineSetup, directory: directory, keeper: keeper, logger: logger)

        // The socket first: it tells whether another daemon runs, before the box is touched.
        let api = try await APIService.open(
            setup.configuration, control: control, nodes: ApplicationNodes(inbox: inbox, logger: logger),
            logger: logger)
        let listener: APIService?
        let engine: EngineThread
        do {
            listener = try await APIService.openListener(setup.configuration, control: control, logger: logger)
            // Before there is a portal: no packet ever meets an open door. A firewall that does not load keeps the box down.
            try await keeper.enforce(setup.configuration)
            engine = try await EngineThread.start(engineSetup)
        } catch {
            inbox.close()
            await api.server.close()
            try? await keeper.stop()
            throw error
        }
        let notify = try? NotifySocket.fromEnvironment()
        logger.notice(
            "up",
            metadata: [
                "address": "\(setup.key.address)",
                "portal": "\(engineSetup.portal.map { "\($0.plan.address)" } ?? "off")",
            ])
        // The group's own words are about services, not about the mesh.
        var quiet = logger
        quiet.logLevel = .critical
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: EngineService(thread: engine), failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: api, failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: HangupService(control: control, logger: logger)),
            .init(service: PeerService(control: control, directory: directory)),
            .init(service: NotifyService(notify: notify, control: control, logger: logger)),
        ]
        if let listener { services.append(.init(service: listener)) }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        let ending: Result<Void, any Error>
        do { ending = .success(try await group.run()) } catch { ending = .failure(error) }
        // The portal is gone by now.
        do { try await keeper.stop() } catch {
            logger.error("the firewall's table could not be removed", metadata: ["reason": "\(error)"])
        }
        try ending.get()
        logger.notice("stopped")
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

    /// How often the names of peers that do not answer are looked up again.
    private static let refresh: Duration = .seconds(20)

    func run() async throws {
        await directory.set(await control.configuration.peers)
        await cancelWhenGracefulShutdown {
            while true {
                do { try await Task.sleep(for: Self.refresh) } catch { return }
                await directory.refresh(await control.unlinkedPeers())
            }
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
