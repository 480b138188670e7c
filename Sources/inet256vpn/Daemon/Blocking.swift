internal import Foundation
internal import Synchronization
internal import System

/// For the threads of our own making, which may wait: asynchronous work, awaited. Never on a thread of Swift's pool, which might be the
/// last one that could do the work.
enum Blocking {
    static func wait(_ work: @escaping @Sendable () async throws -> Void) throws {
        let ended = Ended()
        Task.detached {
            let result: Result<Void, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            ended.note(result)
        }
        try ended.wait().get()
    }

    /// The other way round: something that blocks, on a thread of its own; nil where there is no thread to be had.
    static func run<R: Sendable>(_ name: String, _ work: @escaping @Sendable () -> R) async -> R? {
        await withCheckedContinuation { (done: CheckedContinuation<R?, Never>) in
            do { try OwnThread.start(name) { done.resume(returning: work()) } } catch { done.resume(returning: nil) }
        }
    }

    private final class Ended: Sendable {
        private let result = Mutex<Result<Void, any Error>?>(nil)
        private let signal = DispatchSemaphore(value: 0)

        func note(_ outcome: Result<Void, any Error>) {
            result.withLock { $0 = outcome }
            signal.signal()
        }

        func wait() -> Result<Void, any Error> {
            signal.wait()
            return result.withLock { $0 } ?? .success(())
        }
    }
}
