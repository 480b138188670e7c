internal import Foundation
internal import Logging
internal import ServiceLifecycle

/// Has the exceptions of the portal's prefix follow the machine's network while the daemon runs.
struct PrefixService: ServiceLifecycle.Service {
    let keeper: PrefixKeeper
    /// An element for each change of the network that the data plane has heard of, or for several.
    let changes: AsyncStream<Void>
    let changed: @Sendable () -> Void

    /// How often it is looked whether somebody wrote another list of nameservers.
    private static let interval: Duration = .seconds(2)
    /// After each look at the whole routing table, as many times as long as it took: a busy router is not made busier.
    private static let restFactor = 20
    private static let leastRest: Duration = .milliseconds(200)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            async let watching: Void = watchNameservers()
            for await _ in changes {
                let began = ContinuousClock.now
                await keeper.refresh()
                let rest = max(Self.leastRest, (ContinuousClock.now - began) * Self.restFactor)
                do { try await Task.sleep(for: rest) } catch { break }
            }
            await watching
        }
    }

    private func watchNameservers() async {
        while true {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            if await keeper.hasNewNameservers() { changed() }
        }
    }
}
