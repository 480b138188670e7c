internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// The signals that end the daemon in order, heard from its first moment on: one that comes while it starts is heeded like one that
/// comes later, and nothing stays behind.
final class StopSignals: Sendable {
    private let heard = Atomic<Bool>(false)
    private let stops: AsyncStream<Void>

    /// SIGQUIT too: whoever types Ctrl-\ wants it gone, not a dump.
    init() async {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.stops = stops
        Task { [weak self] in
            for await _ in signals {
                self?.heard.store(true, ordering: .relaxed)
                stop.yield()
            }
        }
    }

    /// - Throws: `Stopped` when one came.
    func check() throws {
        if heard.load(ordering: .relaxed) { throw Stopped() }
    }

    /// Returns when one comes or has come, or when the daemon stops for another reason.
    func wait() async {
        for await _ in stops.cancelOnGracefulShutdown() { return }
    }

    /// The daemon was told to stop before it was up.
    struct Stopped: Error {}
}

/// Ends the group of services when a signal says so.
struct StopService: ServiceLifecycle.Service {
    let signals: StopSignals

    func run() async throws { await signals.wait() }
}
