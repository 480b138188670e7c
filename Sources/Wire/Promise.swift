package import Synchronization

/// One outcome that one task waits for. Whoever is first decides it, from any thread: a value, an error, or the waiting
/// task's cancellation; what comes later changes nothing.
///
/// The task is resumed by whoever decided, after all locks are released: a cancelled task runs its handler under a lock of the
/// runtime's, which resuming takes as well, so either order of the two must be possible.
package final class Promise<Value: Sendable, Failure: Error>: Sendable {
    package typealias Outcome = Result<Value, Failure>
    package typealias Waiter = CheckedContinuation<Outcome, Never>

    package enum Claim {
        /// It was decided before.
        case tooLate
        /// Ours to decide; without a waiter when nobody has begun to wait.
        case taken(Waiter?)

        @inlinable
        package var isTaken: Bool {
            switch self {
            case .tooLate: false
            case .taken: true
            }
        }

        @inlinable
        package var waiter: Waiter? {
            switch self {
            case .tooLate: nil
            case .taken(let waiter): waiter
            }
        }
    }

    @usableFromInline
    enum State {
        case open
        case waiting(Waiter)
        /// Decided before there was anybody to tell.
        case decided(Outcome)
        /// Decided and told.
        case ended
    }

    @usableFromInline let state = Mutex(State.open)

    @inlinable
    package init() {}

    @inlinable
    package var isDecided: Bool {
        state.withLock { state in
            switch state {
            case .open, .waiting: false
            case .decided, .ended: true
            }
        }
    }

    // MARK: Who decides

    /// Decides, and resumes who waits. False when something else had before.
    @discardableResult @inlinable
    package func end(_ outcome: Outcome) -> Bool {
        let claim = claim(outcome)
        claim.waiter?.resume(returning: outcome)
        return claim.isTaken
    }

    /// As `end`, for callers that hold a lock: the waiter is theirs to resume with this outcome, once they hold none.
    @inlinable
    package func claim(_ outcome: Outcome) -> Claim {
        state.withLock { state in
            switch state {
            case .open:
                state = .decided(outcome)
                return .taken(nil)
            case .waiting(let waiter):
                state = .ended
                return .taken(waiter)
            case .decided, .ended: return .tooLate
            }
        }
    }

    // MARK: Who waits

    /// Waits for the outcome; once. `cancelled` is what it is when the task is cancelled first.
    /// - Parameter begun: called when the wait has begun, unless it was decided before: whoever is to decide may be asked now.
    @inlinable
    package func value(
        cancelled: Failure, begun: @Sendable () -> Void = {}
    ) async throws(Failure) -> Value {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                if let known = begin(waiter) { waiter.resume(returning: known) } else { begun() }
            }
        } onCancel: {
            end(.failure(cancelled))
        }
        return try outcome.get()
    }

    /// The task waits from now on; or what was decided already.
    @inlinable
    func begin(_ waiter: Waiter) -> Outcome? {
        state.withLock { state in
            switch state {
            case .open:
                state = .waiting(waiter)
                return nil
            case .decided(let outcome):
                state = .ended
                return outcome
            case .waiting, .ended: preconditionFailure("one task waits, once")
            }
        }
    }
}
