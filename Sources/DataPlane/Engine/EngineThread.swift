package import System
package import Transport

/// Starts the data-plane thread and tells how it ended.
package struct EngineThread: Sendable {
    package let mailbox: Mailbox<EngineCommand>
    /// One element: how the thread ended.
    package let ended: AsyncStream<Result<Void, any Error>>

    /// Makes the engine on its own thread; returns when everything is open, throws what could not be opened.
    package static func start(_ setup: EngineSetup) async throws -> EngineThread {
        try await start(setup) { try Engine(setup, TunDevices()) }
    }

    /// The same with an engine over other devices.
    static func start(
        _ setup: EngineSetup, _ make: @escaping @Sendable () throws -> any PacketThread
    ) async throws -> EngineThread {
        let (ended, end) = AsyncStream.makeStream(of: Result<Void, any Error>.self)
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            let body: @Sendable () -> Void = {
                CurrentThread.wakePunctually()
                let engine: any PacketThread
                do {
                    engine = try make()
                } catch {
                    started.resume(throwing: error)
                    end.finish()
                    return
                }
                started.resume()
                end.yield(Result { try engine.run(setup.scheduling) })
                end.finish()
            }
            do { try OwnThread.start("data plane", body) } catch {
                started.resume(throwing: error)
                end.finish()
            }
        }
        return EngineThread(mailbox: setup.mailbox, ended: ended)
    }
}

/// What a thread that carries packets does from its beginning to its end.
protocol PacketThread: AnyObject {
    func run(_ scheduling: ThreadScheduling) throws
}
