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
        state.withLock { state in
            guard !state.isClosed else { return false }
            while !state.waiting.isEmpty {
                // A reader whose task was cancelled meanwhile takes nothing; then the next one may.
                if state.waiting.removeFirst().finish(.success(message)) { return true }
            }
            guard state.messages.count - state.front < messageLimit,
                state.byteCount + message.payload.count <= byteLimit
            else {
                state.dropped += 1
                return false
            }
            state.messages.append(message)
            state.byteCount += message.payload.count
            return true
        }
    }

    /// The next message, as soon as there is one. Throws `cancelled` when the task is, `closed` when the queue is; a
    /// message that was handed out is never lost to either.
    public func next() async throws(NodeError) -> Message {
        let pending = PendingReceive()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                pending.begin(continuation)
                state.withLock { state in
                    if state.isClosed {
                        pending.finish(.failure(.closed))
                    } else if let message = state.first, pending.finish(.success(message)) {
                        state.removeFirst()
                    } else if !pending.isFinished {
                        state.waiting.append(pending)
                    }
                }
            }
        } onCancel: {
            pending.finish(.failure(.cancelled))
            state.withLock { state in state.waiting.removeAll { $0 === pending } }
        }
        return try result.get()
    }

    /// Ends all waiting calls with `closed` and forgets what is in line.
    public func close() {
        state.withLock { state in
            state.isClosed = true
            for pending in state.waiting { pending.finish(.failure(.closed)) }
            state.waiting = []
            state.messages = []
            state.front = 0
            state.byteCount = 0
        }
    }
}

/// One call that waits for a message. Whoever finishes it first decides how it ends: a message, or cancellation.
private final class PendingReceive: Sendable {
    typealias Outcome = Result<Message, NodeError>

    private enum State {
        case beforeWaiting
        case waiting(CheckedContinuation<Outcome, Never>)
        /// Finished before there was anybody to tell: cancelled in the first instant.
        case finishedEarly(Outcome)
        case finished
    }

    private let state = Mutex(State.beforeWaiting)

    var isFinished: Bool {
        state.withLock { state in
            switch state {
            case .beforeWaiting, .waiting: false
            case .finishedEarly, .finished: true
            }
        }
    }

    func begin(_ continuation: CheckedContinuation<Outcome, Never>) {
        state.withLock { state in
            switch state {
            case .beforeWaiting: state = .waiting(continuation)
            case .finishedEarly(let outcome):
                state = .finished
                continuation.resume(returning: outcome)
            case .waiting, .finished: preconditionFailure("a call waits once")
            }
        }
    }

    /// False when it had ended before.
    @discardableResult
    func finish(_ outcome: Outcome) -> Bool {
        state.withLock { state in
            switch state {
            case .beforeWaiting:
                state = .finishedEarly(outcome)
                return true
            case .waiting(let continuation):
                state = .finished
                continuation.resume(returning: outcome)
                return true
            case .finishedEarly, .finished: return false
            }
        }
    }
}
