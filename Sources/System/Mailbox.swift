internal import Synchronization

/// Why a command was not taken. It is untouched, and the sender's to deal with.
package enum MailboxError: Error, Equatable, CustomStringConvertible {
    /// The data thread has not drained for too long.
    case full
    /// The data thread is gone, or going.
    case closed

    package var description: String {
        switch self {
        case .full: "the data plane is too busy to take commands"
        case .closed: "the data plane has stopped"
        }
    }
}

/// Where the control side leaves commands for the data thread: a bounded queue with a wake-up.
///
/// The data thread touches the lock only after the wake-up has fired, never per packet.
package final class Mailbox<Command: Sendable>: Sendable {
    private struct State {
        var waiting: [Command] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    /// The most commands that wait at a time.
    package let capacity: Int

    package init(capacity: Int = 1024) throws(SystemError) {
        precondition(capacity > 0, "a mailbox needs room for a command")
        self.capacity = capacity
        wakeup = try Wakeup()
    }

    /// Register it with the data thread's poller, for `.readable`.
    package var descriptor: Int32 { wakeup.descriptor }

    /// Leaves a command; from any thread, never blocks for long.
    package func post(_ command: Command) throws(MailboxError) {
        let wasEmpty = try state.withLock { (state) throws(MailboxError) in
            if state.isClosed { throw .closed }
            if state.waiting.count >= capacity { throw .full }
            state.waiting.append(command)
            return state.waiting.count == 1
        }
        // The first one wakes: the others find the data thread awake or about to be.
        if wasEmpty { wakeup.signal() }
    }

    /// Leaves several commands, all or none.
    package func post(all commands: [Command]) throws(MailboxError) {
        guard !commands.isEmpty else { return }
        let wasEmpty = try state.withLock { (state) throws(MailboxError) in
            if state.isClosed { throw .closed }
            if commands.count > capacity - state.waiting.count { throw .full }
            state.waiting += commands
            return state.waiting.count == commands.count
        }
        if wasEmpty { wakeup.signal() }
    }

    /// Takes all commands in the order they came; for the data thread.
    package func drain() -> [Command] {
        // In this order: a command that comes in between is taken now and leaves a wake-up that finds
        // nothing. The other way round its wake-up would be lost.
        wakeup.drain()
        return state.withLock { state in
            var taken: [Command] = []
            swap(&taken, &state.waiting)
            return taken
        }
    }

    /// Takes nothing more from now on, and gives what still waits, so that nobody is left without an answer.
    package func close() -> [Command] {
        state.withLock { $0.isClosed = true }
        return drain()
    }
}
