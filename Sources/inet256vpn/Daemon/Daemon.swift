internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import ServiceLifecycle
internal import System
internal import UnixSignals

/// The daemon: the data plane's thread and the control side's services, from start to clean stop.
enum Daemon {
    /// Runs until SIGTERM, SIGINT, SIGQUIT or SIGUSR2. Throws what kept it from starting, or what ended it.
    /// - Returns: what the program is to begin again with, behind SIGUSR2.
    static func run(_ setup: DaemonSetup, logger: Logger) async throws -> Succession? {
        let signals = await DaemonSignals()
        let how = Ending()
        let parts = try DaemonParts(setup, logger)
        let up: DaemonParts.Up
        do {
            up = try await parts.start(signals.stops)
        } catch is StopSignals.Stopped {
            logger.notice("stopped before it was up")
            return nil
        }
        logger.notice(
            "up",
            metadata: [
                "address": "\(setup.key.address)",
                "portal": "\(parts.plan.portal.map { "\($0.plan.address)" } ?? "off")",
            ])
        let takenOver = setup.store.takenOver
        if !takenOver.isEmpty {
            logger.notice("taken over from the run before", metadata: ["what": "\(takenOver.joined(separator: ", "))"])
        }
        if parts.prefix == nil { tellOfGuard(logger) }
        let services = parts.services(up, signals, how)
        // The group's own words are about services, not about the mesh.
        var quiet = logger
        quiet.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        let ending: Result<Void, any Error>
        do { ending = .success(try await group.run()) } catch { ending = .failure(error) }
        if case .success = ending, how.keeps {
            logger.notice("stopped for a restart: interface, sockets and firewall stay")
            return how.takeSuccession()
        }
        how.giveUp()
        // The portal is gone by now.
        do { try await parts.keeper.stop() } catch {
            logger.error("the firewall's table could not be removed", metadata: ["reason": "\(error)"])
        }
        await parts.endPrefix()
        setup.store.discardAll()
        try ending.get()
        logger.notice("stopped")
        return nil
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
}

/// The signals that the daemon heeds, each heard from its first moment on.
struct DaemonSignals {
    let stops: StopSignals
    let hangups: UnixSignalsSequence
    let restarts: UnixSignalsSequence

    init() async {
        stops = await StopSignals()
        hangups = await UnixSignalsSequence(trapping: .sighup)
        restarts = await UnixSignalsSequence(trapping: .sigusr2)
    }
}
