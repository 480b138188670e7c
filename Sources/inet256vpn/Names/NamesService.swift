internal import Logging
internal import ServiceLifecycle
internal import Settings
internal import System

/// Has the threads of names run while the daemon does.
struct NamesService: ServiceLifecycle.Service, CustomStringConvertible {
    let plan: NamesPlan
    let control: RunningDaemon
    /// An element for each change of the machine's network, or for several.
    let changes: AsyncStream<Void>
    let ending: Ending
    let logger: Logger
    var description: String { "names" }

    /// Between two words about a network that changes all the time.
    private static let rest: Duration = .seconds(2)

    func run() async throws {
        guard let content = plan.content(await control.configuration) else {
            try await gracefulShutdown()
            return
        }
        let told: AsyncStream<Void>
        do {
            told = try ResolvedThread.start(plan, logger: logger)
            try NamesThread.start(plan, content, logger: logger)
        } catch {
            // Without names there is still a mesh.
            logger.error("nobody answers about names", metadata: ["reason": "\(error)"])
            try? plan.resolved.post(.stop)
            try await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            for await _ in changes {
                try? plan.resolved.post(.again)
                do { try await Task.sleep(for: Self.rest) } catch { return }
            }
        }
        // The thread of names tells the other one when nobody answers any more.
        if ending.keeps { try? plan.resolved.post(.leave) }
        try? plan.commands.post(.stop)
        for await _ in told {}
    }
}
