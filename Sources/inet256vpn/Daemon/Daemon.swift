internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import ServiceLifecycle
internal import UnixSignals

/// The daemon: the data plane's thread and the control side's services, from start to clean stop.
enum Daemon {
    /// Runs until SIGTERM, SIGINT or SIGQUIT. Throws what kept it from starting, or what ended it.
    static func run(_ setup: DaemonSetup, logger: Logger) async throws {
        let stops = await StopSignals()
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let parts = try DaemonParts(setup, logger)
        let up: DaemonParts.Up
        do {
            up = try await parts.start(stops)
        } catch is StopSignals.Stopped {
            logger.notice("stopped before it was up")
            return
        }
        logger.notice(
            "up",
            metadata: [
                "address": "\(setup.key.address)",
                "portal": "\(parts.plan.portal.map { "\($0.plan.address)" } ?? "off")",
            ])
        if parts.prefix == nil { tellOfGuard(logger) }
        let services = parts.services(up, stops, hangups)
        // The group's own words are about services, not about the mesh.
        var quiet = logger
        quiet.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        let ending: Result<Void, any Error>
        do { ending = .success(try await group.run()) } catch { ending = .failure(error) }
        // The portal is gone by now.
        do { try await parts.keeper.stop() } catch {
            logger.error("the firewall's table could not be removed", metadata: ["reason": "\(error)"])
        }
        await parts.endPrefix()
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
}
