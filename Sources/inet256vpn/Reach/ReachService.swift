internal import DataPlane
internal import ServiceLifecycle
internal import Transport

/// Has what the box says of itself follow the machine's network while the daemon runs.
struct ReachService: ServiceLifecycle.Service {
    let control: RunningDaemon
    /// An element for each change of the machine's network, or for several.
    let changes: AsyncStream<Void>

    /// Between two looks at a network that changes all the time.
    private static let rest: Duration = .milliseconds(200)
    /// Until a data plane that is busy is asked again what its sockets are bound to.
    private static let retry: Duration = .seconds(1)

    func run() async throws {
        let candidates = control.candidates
        await cancelWhenGracefulShutdown {
            while await !begin(candidates) {
                do { try await Task.sleep(for: Self.retry) } catch { return }
            }
            for await _ in changes {
                await candidates.surroundingsChanged()
                do { try await Task.sleep(for: Self.rest) } catch { return }
            }
        }
        await candidates.stop()
    }

    private func begin(_ candidates: OwnCandidates) async -> Bool {
        let bound = await control.snapshot()?.sockets.map(\.facts.bound) ?? []
        guard !bound.isEmpty else { return false }
        await candidates.start(bound: bound)
        return true
    }
}
