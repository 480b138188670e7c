internal import Synchronization

/// One call that waits for a message. Whoever claims it first decides how it ends: a message, or cancellation.
///
/// The continuation is resumed by whoever claimed it, after all locks are released: a cancelled task runs its handler under
/// a lock of the runtime's, which resuming takes as well, so either order of the two must be possible.
final class PendingReceive: Sendable {
    typealias Outcome = Result<Message, NodeError>
    typealias Waiter = CheckedContinuation<Outcome, Never>

    enum Claim {
        /// It had ended before.
        case tooLate
        /// Ours to end; without a waiter when the call has not begun to wait.
        case taken(Waiter?)

        var isTaken: Bool {
            switch self {
            case .tooLate: false
            case .taken: true
            }
        }

        var waiter: Waiter? {
            switch self {
            case .tooLate: nil
            case .taken(let waiter): waiter
            }
        }
    }

    private enum State {
        case beforeWaiting
        case waiting(Waiter)
        /// Ended before there was anybody to tell: cancelled in the first instant.
        case endedEarly(Outcome)
        case ended
    }

    private let state = Mutex(State.beforeWaiting)

    var isFinished: Bool {
        state.withLock { state in
            switch state {
            case .beforeWaiting, .waiting: false
            case .endedEarly, .ended: true
            }
        }
    }

    /// The call waits from now on; or what it ended with already, to be told by the caller of this.
    func begin(_ waiter: Waiter) -> Outcome? {
        state.withLock { state in
            switch state {
            case .beforeWaiting:
                state = .waiting(waiter)
                return nil
            case .endedEarly(let outcome):
                state = .ended
                return outcome
            case .waiting, .ended: preconditionFailure("a call waits once")
            }
        }
    }

    /// The right to end the call with `outcome`, given once.
    func claim(_ outcome: Outcome) -> Claim {
        state.withLock { state in
            switch state {
            case .beforeWaiting:
                state = .endedEarly(outcome)
                return .taken(nil)
            case .waiting(let waiter):
                state = .ended
                return .taken(waiter)
            case .endedEarly, .ended: return .tooLate
            }
        }
    }
}
