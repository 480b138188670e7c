internal import API
internal import DataPlane
internal import INET256
internal import Logging
internal import ServiceLifecycle
internal import Settings
internal import System
internal import Wire

/// Waits for the data plane to end; tells it to when the daemon stops.
struct EngineService: ServiceLifecycle.Service {
    let thread: EngineThread
    let ending: Ending

    func run() async throws {
        try await withGracefulShutdownHandler {
            for await result in thread.ended { try result.get() }
        } onGracefulShutdown: {
            // Full or closed: it is ending, or so busy that it will not take even this; then systemd ends it.
            try? thread.mailbox.post(.stop(keeping: ending.keeps))
        }
    }
}

/// Keeps the peers' endpoints current.
struct PeerService: ServiceLifecycle.Service {
    let control: RunningDaemon
    let directory: PeerDirectory
    /// An element for each change of the machine's network, or for several.
    let surroundingsChanges: AsyncStream<Void>

    /// How often the names of peers that do not answer are looked up again.
    private static let refresh: Duration = .seconds(20)
    /// Between two looks at a network that changes all the time.
    private static let surroundingsRest: Duration = .milliseconds(200)

    func run() async throws {
        await directory.set(await control.configuration.peers)
        await cancelWhenGracefulShutdown {
            async let watching: Void = watchSurroundings()
            while true {
                do { try await Task.sleep(for: Self.refresh) } catch { break }
                await directory.refresh(await control.unlinkedPeers())
                await control.settleFormerAddresses()
                await control.tellNames()
            }
            await watching
        }
        await directory.stop()
    }

    private func watchSurroundings() async {
        for await _ in surroundingsChanges {
            await directory.surroundingsChanged()
            do { try await Task.sleep(for: Self.surroundingsRest) } catch { return }
        }
    }
}

/// Tells systemd that the daemon is ready, alive and stopping. Alive means that the data plane answers.
struct NotifyService: ServiceLifecycle.Service {
    let notify: NotifySocket?
    let control: RunningDaemon
    let ending: Ending
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
            // A service that begins again in its own place never stops.
            if ending.kind != .again { try? notify.stopping() }
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

/// What the daemon of another box said.
struct Saying: Sendable {
    let from: Address
    let purpose: UInt8
    let body: [UInt8]
}

/// Hands on what daemons of other boxes say, one after the other.
struct SayingService: ServiceLifecycle.Service {
    let control: RunningDaemon
    let sayings: AsyncStream<Saying>

    func run() async throws {
        for await saying in sayings.cancelOnGracefulShutdown() {
            await control.heard(saying.from, saying.purpose, saying.body)
        }
    }
}
