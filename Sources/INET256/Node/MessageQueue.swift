internal import Synchronization

/// Messages on their way to whoever calls `next`: bounded in number and bytes, for any number of threads and tasks.
///
/// When it is full a new message is dropped, not an old one: delivery is best effort, and what is first in line has
/// waited longest for a reader who may be about to come.
public final class MessageQueue: Sendable {
    private struct State {
        /// In line from `front` on. What is before it was taken, and is cut off when it makes up half of the
        /// array, so that taking costs the same however long the line is.
        var messages: [Message?] = []
        var front = 0
        var byteCount = 0
        var waiting: [PendingReceive] = []
        var dropped: UInt64 = 0
        var isClosed = false

        var first: Message? { front < messages.count ? messages[front] : nil }

        mutating func removeFirst() {
            byteCount -= messages[front]?.payload.count ?? 0
            messages[front] = nil
            front += 1
            if front * 2 >= messages.count {
                messages.removeFirst(front)
                front = 0
            }
        }
    }

    private let state = Mutex(State())
    private let messageLimit: Int
    private let byteLimit: Int

    /// The limits count what waits, not what a reader is already waiting for. Each must admit one message.
    public init(messageLimit: Int = 1024, byteLimit: Int = 4 << 20) {
        precondition(messageLimit > 0 && byteLimit >= Message.maximumCount, "the queue holds no message")
        self.messageLimit = messageLimit
        self.byteLimit = byteLimit
    }

    /// Messages that were dropped because the queue was full.
    public var droppedCount: UInt64 { state.withLock { $0.dropped } }

    /// Calls of `next` that wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Hands `message` to a waiting reader or puts it in line. False when it was dropped: the queue is full or closed.
    @discardableResult
    public func offer(_ message: Message) -> Bool {
        let (taken, reader) = state.withLock { state -> (Bool, PendingReceive.Waiter?) in
            guard !state.isClosed else { return (false, nil) }
            while !state.waiting.isEmpty {
                // A reader whose task was cancelled meanwhile takes nothing; then the next one may.
                if case .taken(let reader) = state.waiting.removeFirst().claim(.success(message)) {
                    return (true, reader)
                }
            }
            guard state.messages.count - state.front < messageLimit,
                state.byteCount + message.payload.count <= byteLimit
            else {
                state.dropped += 1
                return (false, nil)
            }
            state.messages.append(message)
            state.byteCount += message.payload.count
            return (true, nil)
        }
        reader?.resume(returning: .success(message))
        return taken
    }

    /// The next message, as soon as there is one. Throws `cancelled` when the task is, `closed` when the queue is; a
    /// message that was handed out is never lost to either.
    public func next() async throws(NodeError) -> Message {
        let pending = PendingReceive()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let outcome = pending.begin(continuation) ?? attend(pending) {
                    continuation.resume(returning: outcome)
                }
            }
        } onCancel: {
            if case .taken(let reader) = pending.claim(.failure(.cancelled)) {
                reader?.resume(returning: .failure(.cancelled))
            }
            state.withLock { state in state.waiting.removeAll { $0 === pending } }
        }
        return try result.get()
    }

    /// Puts a call in line, or gives what it ends with at once.
    private func attend(_ pending: PendingReceive) -> PendingReceive.Outcome? {
        state.withLock { state in
            if state.isClosed {
                return pending.claim(.failure(.closed)).isTaken ? .failure(.closed) : nil
            }
            if let message = state.first {
                guard pending.claim(.success(message)).isTaken else { return nil }
                state.removeFirst()
                return .success(message)
            }
            if !pending.isFinished { state.waiting.append(pending) }
            return nil
        }
    }

    /// Ends all waiting calls with `closed` and forgets what is in line.
    public func close() {
        let readers = state.withLock { state -> [PendingReceive.Waiter] in
            state.isClosed = true
            let readers = state.waiting.compactMap { $0.claim(.failure(.closed)).waiter }
            state.waiting = []
            state.messages = []
            state.front = 0
            state.byteCount = 0
            return readers
        }
        for reader in readers { reader.resume(returning: .failure(.closed)) }
    }
}

/// One call that waits for a message. Whoever claims it first decides how it ends: a message, or cancellation.
///
/// The continuation is resumed by whoever claimed it, after all locks are released: a cancelled task runs its handler under
/// a lock of the runtime's, which resuming takes as well, so either order of the two must be possible.
private final class PendingReceive: Sendable {
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
