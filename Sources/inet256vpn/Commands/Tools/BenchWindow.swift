internal import Synchronization

/// The messages on their way: so many that none has to be lost, and so few that the sender waits for the reader.
final class BenchWindow: Sendable {
    private struct State {
        var sent = 0
        var arrived = 0
        /// Given up: lost, or very late. They count as arrived if they still do.
        var forgiven = 0
        var sender: CheckedContinuation<Void, Never>?
        var isOver = false

        var underway: Int { max(0, sent - arrived - forgiven) }
    }

    private let state = Mutex(State())
    private let size: Int

    init(size: Int) { self.size = size }

    var sent: Int { state.withLock { $0.sent } }
    var arrived: Int { state.withLock { $0.arrived } }

    /// Room for messages, which are then counted as sent: one at least, unless it is over. Waits until half of the window
    /// is free, so that sender and reader do not wake each other for every message.
    func room() async -> Int {
        let now = state.withLock { $0.underway < size || $0.isOver }
        if !now {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard state.underway > size / 2, !state.isOver else { return false }
                    state.sender = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        }
        return state.withLock { state in
            guard !state.isOver else { return 0 }
            let room = max(1, size - state.underway)
            state.sent += room
            return room
        }
    }

    func noteArrival() {
        let sender = state.withLock { state in
            state.arrived += 1
            // More than are missing cannot have been lost: this one was only late.
            state.forgiven = max(0, min(state.forgiven, state.sent - state.arrived))
            return state.underway <= size / 2 ? state.sender.take() : nil
        }
        sender?.resume()
    }

    /// What is missing is not waited for any more.
    func forgive() {
        let sender = state.withLock { state in
            state.forgiven += state.underway
            return state.sender.take()
        }
        sender?.resume()
    }

    /// No more is sent.
    func end() {
        let sender = state.withLock { state in
            state.isOver = true
            return state.sender.take()
        }
        sender?.resume()
    }
}
