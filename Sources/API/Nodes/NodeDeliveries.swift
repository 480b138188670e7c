internal import NIOCore
internal import Synchronization

/// What waits for one client to read it. The data plane's thread adds to it and never waits; the connection takes it
/// away on its event loop, woken once however much comes meanwhile.
final class NodeDeliveries: APINodeSink {
    fileprivate enum Phase {
        /// Nobody reads yet: the node is being opened.
        case opening
        case reading(wake: @Sendable () -> Void)
        case over
    }

    fileprivate struct State {
        var phase = Phase.opening
        var waiting: [[UInt8]] = []
        /// Of what waits and what was taken and is not written yet.
        var byteCount = 0
        /// The reader knows that something waits.
        var isAwake = false
        var end: APINodeError?
    }

    private let limit: Int
    private let state = Mutex(State())

    /// Holds up to `limit` bytes.
    init(limit: Int) { self.limit = limit }

    func offer(_ frames: [UInt8]) -> Bool {
        let (taken, wake) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            if case .over = state.phase { return (false, nil) }
            guard state.end == nil, frames.count <= limit - state.byteCount else { return (false, nil) }
            state.waiting.append(frames)
            state.byteCount += frames.count
            return (true, state.claimWake())
        }
        wake?()
        return taken
    }

    func end(_ reason: APINodeError) {
        let wake = state.withLock { state -> (@Sendable () -> Void)? in
            state.end = reason
            guard case .reading(let wake) = state.phase else { return nil }
            return wake
        }
        wake?()
    }

    /// From now on `wake` is called, on any thread, when something waits. It is called at once where something does.
    func attach(wake: @escaping @Sendable () -> Void) {
        let now = state.withLock { state -> (@Sendable () -> Void)? in
            state.phase = .reading(wake: wake)
            if state.end != nil { return wake }
            return state.waiting.isEmpty ? nil : state.claimWake()
        }
        now?()
    }

    /// Takes nothing any more and forgets what it holds.
    func detach() {
        state.withLock { state in
            state.phase = .over
            state.waiting = []
        }
    }

    var ended: APINodeError? { state.withLock { $0.end } }

    /// What waits, in order. It counts until it is `written`. Nothing means that the next offer wakes the reader again.
    func take() -> [[UInt8]] {
        state.withLock { state in
            let frames = state.waiting
            state.waiting = []
            if frames.isEmpty { state.isAwake = false }
            return frames
        }
    }

    /// `count` bytes that were taken are out of the way.
    func written(_ count: Int) {
        state.withLock { $0.byteCount -= count }
    }
}

extension NodeDeliveries.State {
    fileprivate mutating func claimWake() -> (@Sendable () -> Void)? {
        guard case .reading(let wake) = phase, !isAwake else { return nil }
        isAwake = true
        return wake
    }
}
