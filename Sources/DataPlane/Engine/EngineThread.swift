package import System
internal import Transport

/// Starts the data-plane thread and tells how it ended.
package struct EngineThread: Sendable {
    package let mailbox: Mailbox<EngineCommand>
    /// One element: how the thread ended.
    package let ended: AsyncStream<Result<Void, any Error>>

    /// Makes the engine on its own thread; returns when everything is open, throws what could not be opened.
    package static func start(_ setup: EngineSetup) async throws -> EngineThread {
        try await start(setup) {
            // All that is generic is specialised from here on: the type is known, and nothing is called through an existential.
            let engine = try Engine(setup, TunDevices())
            return { try engine.run(setup.scheduling) }
        }
    }

    /// The same with an engine of the caller's making: `make` opens it and gives what runs it.
    static func start(
        _ setup: EngineSetup, _ make: @escaping @Sendable () throws -> () throws -> Void
    ) async throws -> EngineThread {
        let (ended, end) = AsyncStream.makeStream(of: Result<Void, any Error>.self)
        try await withCheckedThrowingContinuation { (started: CheckedContinuation<Void, any Error>) in
            let body: @Sendable () -> Void = {
                CurrentThread.wakePunctually()
                let run: () throws -> Void
                do {
                    run = try make()
                } catch {
                    started.resume(throwing: error)
                    end.finish()
                    return
                }
                started.resume()
                end.yield(Result { try run() })
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
