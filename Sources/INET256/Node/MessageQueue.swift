internal import Synchronization
internal import Wire

/// Messages on their way to whoever calls `next`: bounded in number and bytes, for any number of threads and tasks.
///
/// When it is full a new message is dropped, not an old one: delivery is best effort, and what is first in line has
/// waited longest for a reader who may be about to come.
public final class MessageQueue: Sendable {
    /// A call that waits for a message.
    private typealias Pending = Promise<Message, NodeError>

    private struct State {
        var line = MessageLine()
        var waiting: [Pending] = []
        var dropped: UInt64 = 0
        var isClosed = false
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
        let (isTaken, reader) = state.withLock { state in take(message, &state) }
        reader?.resume(returning: .success(message))
        return isTaken
    }

    /// Offers each of `messages`, in order, at the price of one. Says how many were taken.
    @discardableResult
    public func offer(contentsOf messages: [Message]) -> Int {
        if messages.isEmpty { return 0 }
        let (taken, readers) = state.withLock { state in
            var taken = 0
            var readers: [(Pending.Waiter, Message)] = []
            for message in messages {
                let (isTaken, reader) = take(message, &state)
                if isTaken { taken += 1 }
                if let reader { readers.append((reader, message)) }
            }
            return (taken, readers)
        }
        for (reader, message) in readers { reader.resume(returning: .success(message)) }
        return taken
    }

    private func take(_ message: Message, _ state: inout State) -> (isTaken: Bool, Pending.Waiter?) {
        guard !state.isClosed else { return (false, nil) }
        while !state.waiting.isEmpty {
            // A reader whose task was cancelled meanwhile takes nothing; then the next one may.
            if case .taken(let reader) = state.waiting.removeFirst().claim(.success(message)) {
                return (true, reader)
            }
        }
        guard state.line.count < messageLimit, state.line.byteCount + message.payload.count <= byteLimit else {
            state.dropped += 1
            return (false, nil)
        }
        state.line.append(message)
        return (true, nil)
    }

    /// The next message, as soon as there is one. Throws `cancelled` when the task is, `closed` when the queue is; a
    /// message that was handed out is never lost to either.
    public func next() async throws(NodeError) -> Message {
        // Mostly one is there: then nothing has to be made that could wait. When one is in line, no reader waits.
        if !Task.isCancelled, let message = state.withLock({ $0.line.popFirst() }) { return message }
        return try await wait()
    }

    private func wait() async throws(NodeError) -> Message {
        let pending = Pending()
        do throws(NodeError) {
            return try await pending.value(cancelled: .cancelled) { attend(pending) }
        } catch {
            if error == .cancelled { state.withLock { state in state.waiting.removeAll { $0 === pending } } }
            throw error
        }
    }

    /// Puts a call in line, or ends it at once.
    private func attend(_ pending: Pending) {
        let ended = state.withLock { state -> (claim: Pending.Claim, outcome: Pending.Outcome)? in
            if state.isClosed { return (pending.claim(.failure(.closed)), .failure(.closed)) }
            guard let message = state.line.first else {
                if !pending.isDecided { state.waiting.append(pending) }
                return nil
            }
            // Whose task was cancelled meanwhile takes nothing out of the line.
            let claim = pending.claim(.success(message))
            if claim.isTaken { _ = state.line.popFirst() }
            return (claim, .success(message))
        }
        if let ended { ended.claim.waiter?.resume(returning: ended.outcome) }
    }

    /// Ends all waiting calls with `closed` and forgets what is in line.
    public func close() {
        let readers = state.withLock { state -> [Pending.Waiter] in
            state.isClosed = true
            let readers = state.waiting.compactMap { $0.claim(.failure(.closed)).waiter }
            state.waiting = []
            state.line = MessageLine()
            return readers
        }
        for reader in readers { reader.resume(returning: .failure(.closed)) }
    }
}
