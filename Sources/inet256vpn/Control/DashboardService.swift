internal import API
internal import Dashboard
internal import Logging
internal import ServiceLifecycle
internal import Settings

/// Serves the page, and takes the samples that its curves are made of.
struct DashboardService<Control: DaemonControl>: Service, CustomStringConvertible {
    let server: APIServer
    let keeper: DashboardKeeper<Control>
    var description: String { "dashboard" }

    /// Opens the listener, where the configuration has one.
    static func open(
        _ configuration: Configuration, control: Control, events: EventRing, logger: Logger
    ) async throws(APIServerError) -> DashboardService? {
        guard let endpoint = configuration.dashboard.listen else { return nil }
        let keeper = DashboardKeeper(control: control, events: events)
        let routes = DashboardRoutes(control: control, keeper: keeper)
        // The portal's address comes with the portal, which is not there yet.
        let server = try await APIServer.listen(
            on: endpoint, responder: routes, beforeAddress: endpoint.isRemote, logger: logger)
        return DashboardService(server: server, keeper: keeper)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // Ends with the server.
            async let _: Void = sample()
            await server.run()
        }
    }

    private func sample() async {
        while !Task.isCancelled {
            await keeper.sample()
            do { try await Task.sleep(for: .seconds(History.interval)) } catch { return }
        }
    }
}
