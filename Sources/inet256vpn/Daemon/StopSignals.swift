internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import System
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
        if isHeard { throw Stopped() }
    }

    /// Whether one came.
    var isHeard: Bool { heard.load(ordering: .relaxed) }

    /// Returns when one comes or has come, or when the daemon stops for another reason.
    func wait() async {
        for await _ in stops.cancelOnGracefulShutdown() { return }
    }

    /// The daemon was told to stop before it was up.
    struct Stopped: Error {}
}

/// Ends the group of services when a signal says so, and finds out before that what comes after.
struct StopService: ServiceLifecycle.Service {
    let signals: StopSignals
    /// SIGUSR2: the program is to begin again in its own place.
    let restarts: UnixSignalsSequence
    let setup: DaemonSetup
    let control: RunningDaemon
    let ending: Ending
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await stop() }
            group.addTask { await restart() }
            // Either of them is enough.
            await group.next()
            group.cancelAll()
        }
    }

    private func stop() async {
        await signals.wait()
        guard signals.isHeard, setup.store.isManaged else { return }
        if await Blocking.run("ask systemd", { ServiceJob.isRestart() }) == true { ending.restart() }
    }

    private func restart() async {
        for await _ in restarts.cancelOnGracefulShutdown() {
            do {
                ending.begin(try Succession(setup, running: await control.configuration))
                return
            } catch {
                logger.error(
                    "SIGUSR2: not restarted, and everything stays as it is", metadata: ["reason": "\(error)"])
            }
        }
        // Cancelled: the other one has ended.
    }
}
