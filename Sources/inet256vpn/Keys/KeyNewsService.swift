internal import DataPlane
internal import Foundation
internal import ServiceLifecycle
internal import Settings

/// While the box has two keys: tells others, and ends that when the time is over.
struct KeyNewsService: ServiceLifecycle.Service {
    let control: RunningDaemon

    /// Looks often at first, while links come up.
    private static let pauses: [Duration] = Array(repeating: .seconds(1), count: 60)
    private static let pause: Duration = .seconds(15)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var pauses = Self.pauses[...]
            while await control.tellOfKey() {
                do { try await Task.sleep(for: pauses.popFirst() ?? Self.pause) } catch { return }
            }
            // Nothing more to do until the daemon ends.
            try? await gracefulShutdown()
        }
    }
}

extension RunningDaemon {
    /// False when the box has one key.
    func tellOfKey() async -> Bool {
        guard await keys.isChanging else { return false }
        guard let until = configuration.formerKey?.until, Int64(Date().timeIntervalSince1970) < until else {
            await keys.endFormer()
            return false
        }
        if let snapshot = await snapshot() { await keys.tell(snapshot.box) }
        return true
    }
}
