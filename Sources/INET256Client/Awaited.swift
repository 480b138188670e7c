internal import INET256
internal import Synchronization

/// A value that one call waits for. Whoever is first ends it: the value, an error, or the caller's cancellation.
final class Awaited<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, NodeError>

    private enum State {
        case open
        case waiting(CheckedContinuation<Outcome, Never>)
        case ended(Outcome)
    }

    private let state = Mutex(State.open)

    /// Ends the wait; false when something else had before. The caller is resumed outside of all locks.
    @discardableResult
    func end(_ outcome: Outcome) -> Bool {
        let (isFirst, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Outcome, Never>?) in
            switch state {
            case .open:
                state = .ended(outcome)
                return (true, nil)
            case .waiting(let waiter):
                state = .ended(outcome)
                return (true, waiter)
            case .ended: return (false, nil)
            }
        }
        waiter?.resume(returning: outcome)
        return isFirst
    }

    /// Waits for the end. Called once.
    func value() async throws(NodeError) -> Value {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Outcome? in
                    switch state {
                    case .open:
                        state = .waiting(continuation)
                        return nil
                    case .ended(let outcome): return outcome
                    case .waiting: preconditionFailure("one call waits")
                    }
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            end(.failure(.cancelled))
        }
        return try outcome.get()
    }
}
