internal import Synchronization

/// Bytes of one connection on their way to the data plane. What was taken in is given back on the data plane's thread;
/// the event loop is woken only when reading has stopped for it.
final class NodeCredit: Sendable {
    private struct State {
        var inFlight = 0
        var isWaiting = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// False when no more should be read until `give` says so.
    func take(_ count: Int) -> Bool {
        state.withLock { state in
            state.inFlight += count
            if state.inFlight > limit { state.isWaiting = true }
            return !state.isWaiting
        }
    }

    /// True when reading goes on: half the limit is free, so that a full pipe is not restarted for every batch.
    func give(_ count: Int) -> Bool {
        state.withLock { state in
            state.inFlight -= count
            guard state.isWaiting, state.inFlight <= limit / 2 else { return false }
            state.isWaiting = false
            return true
        }
    }
}
