internal import API
internal import DataPlane
internal import Foundation
internal import INET256
internal import Logging
internal import Portal
internal import ServiceLifecycle
internal import Settings
internal import System
internal import UnixSignals
internal import Wire

/// What the daemon is made of, before any of it runs; and how it comes up.
struct DaemonParts {
    let setup: DaemonSetup
    let logger: Logger
    let plan: DataPlanePlan
    /// Nil without a portal.
    let prefix: PrefixKeeper?
    let keeper: FirewallKeeper
    private let inbox: NodeInbox
    private let directory: PeerDirectory
    private let control: RunningDaemon
    /// An element for each change of the machine's network, or for several: for the prefix's guard, and for the peers' endpoints.
    private let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let moves = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// And for what systemd-resolved knows.
    private let turns = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// And for what the box says of itself.
    private let places = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// What daemons of other boxes say, as much of it as is looked at in good time.
    private let sayings = AsyncStream.makeStream(of: Saying.self, bufferingPolicy: .bufferingOldest(64))

    init(_ setup: DaemonSetup, _ logger: Logger) throws {
        self.setup = setup
        self.logger = logger
        let mailbox = try Mailbox<EngineCommand>()
        let milliseconds = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
        let inbox = try NodeInbox()
        self.inbox = inbox
        var plan = try DataPlanePlan(
            setup, mailbox: mailbox, inbox: inbox, logger: logger, startMilliseconds: milliseconds)
        let own = setup.ownAddresses
        plan.engine.surroundingsChanged = {
            [
                change = changes.continuation, move = moves.continuation, place = places.continuation,
                turn = turns.continuation
            ] in
            change.yield()
            move.yield()
            place.yield()
            turn.yield()
        }
        plan.engine.serviceHeard = { [saying = sayings.continuation] in
            saying.yield(Saying(from: $0, purpose: $1, body: $2))
        }
        prefix = try plan.portal.map {
            try PrefixKeeper(
                $0.plan, map: $0.map, configuration: setup.configuration, own: own, force: setup.force, logger: logger)
        }
        directory = PeerDirectory(
            mailbox: mailbox, logger: logger, own: own, portal: plan.portal?.plan,
            transports: setup.configuration.transports)
        let keeper = FirewallKeeper(logger: logger, store: setup.store)
        self.keeper = keeper
        let forgets = plan.names == nil && plan.keepsInterface ? plan.portal?.plan.address : nil
        plan.portal?.guardian = { [names = plan.names] index in
            try Blocking.wait { try await keeper.bind(to: index) }
            try? names?.resolved.post(.link(index))
            if let forgets { ResolvedThread.forget(forgets, interface: index) }
        }
        self.plan = plan
        control = RunningDaemon(
            setup: setup, plan: plan, directory: directory, keeper: keeper, prefix: prefix, logger: logger)
    }

    /// What runs once the daemon is up.
    struct Up {
        let api: APIService
        let listener: APIService?
        let dashboard: DashboardService<RunningDaemon>?
        let engine: EngineThread
    }

    /// Brings everything up, in this order. When it throws, nothing is left but what the prefix's guard is to hold.
    func start(_ stops: StopSignals) async throws -> Up {
        // The socket first: it tells whether another daemon runs, before the box is touched.
        let api = try await APIService.open(
            setup.configuration, control: control, nodes: ApplicationNodes(inbox: inbox, logger: logger),
            logger: logger)
        do {
            let listener = try await APIService.openListener(setup.configuration, control: control, logger: logger)
            let dashboard = try await DashboardService.open(
                setup.configuration, control: control, events: setup.log.events, logger: logger)
            // The guard before all else that may fail: while the daemon does not come up, nothing leaks.
            try stops.check()
            try await prefix?.begin()
            try stops.check()
            // Before there is a portal: no packet ever meets an open door. A firewall that does not load keeps the box down.
            try await keeper.enforce(setup.configuration)
            try stops.check()
            let engine = try await EngineThread.start(plan.setup())
            setup.store.discardRest()
            return Up(api: api, listener: listener, dashboard: dashboard, engine: engine)
        } catch {
            inbox.close()
            await api.server.close()
            setup.store.discardAll()
            try? await keeper.stop()
            await endPrefix()
            throw error
        }
    }

    /// What is to run until one of them ends.
    func services(
        _ up: Up, _ signals: DaemonSignals, _ ending: Ending
    ) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        let notify = try? NotifySocket.fromEnvironment()
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: EngineService(thread: up.engine, ending: ending),
                failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: up.api, failureTerminationBehavior: .gracefullyShutdownGroup),
            .init(
                service: StopService(
                    signals: signals.stops, restarts: signals.restarts, setup: setup, control: control, ending: ending,
                    logger: logger),
                successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: HangupService(control: control, signals: signals.hangups, logger: logger)),
            .init(service: PeerService(control: control, directory: directory, surroundingsChanges: moves.stream)),
            .init(service: ReachService(control: control, changes: places.stream)),
            .init(service: SayingService(control: control, sayings: sayings.stream)),
            .init(service: KeyNewsService(control: control)),
            .init(service: WarningService(control: control, logger: logger)),
            .init(service: NotifyService(notify: notify, control: control, ending: ending, logger: logger)),
        ]
        if let discovery = plan.discovery {
            let service = DiscoveryService(
                plan: discovery, engine: plan.engine.mailbox, control: control, directory: directory, logger: logger)
            services.append(.init(service: service))
        }
        if let names = plan.names {
            let service = NamesService(
                plan: names, control: control, changes: turns.stream, ending: ending, logger: logger)
            services.append(.init(service: service))
        }
        if let listener = up.listener { services.append(.init(service: listener)) }
        if let dashboard = up.dashboard { services.append(.init(service: dashboard)) }
        if let prefix {
            let changed: @Sendable () -> Void = { [change = changes.continuation] in change.yield() }
            services.append(
                .init(service: PrefixService(keeper: prefix, changes: changes.stream, changed: changed)))
        }
        return services
    }

    /// The last of all: the portal is gone by then, and its guard goes or stays as configured.
    func endPrefix() async {
        do { try await prefix?.end() } catch {
            logger.error("not everything of the prefix's guard is as it should be", metadata: ["reason": "\(error)"])
        }
    }
}
