internal import INET256
internal import NIOCore
internal import Synchronization

/// Frames on their way out. What is added while a write is under way goes out together in the next one, with one
/// system call. When much waits already, who adds more waits too.
final class Outbox: Sendable {
    private struct State {
        var pending = ByteBuffer()
        /// A write is under way or about to begin.
        var isBusy = false
        var waiting: [Awaited<Void>] = []
        var ended: NodeError?
        var closesWhenEmpty = false
    }

    private enum Step {
        case added(isFirst: Bool)
        case full(Awaited<Void>)
        case ended(NodeError)
    }

    private let channel: any Channel
    private let state = Mutex(State())

    /// Bytes that may wait; a frame is taken as long as there are fewer.
    private static let limit = 1 << 20
    /// How long a closed node may take to get rid of what it was given.
    private static let closingTime = TimeAmount.seconds(1)

    init(_ channel: any Channel) { self.channel = channel }

    /// Adds what `write` writes, as soon as there is room.
    func add(_ write: (inout ByteBuffer) -> Void) async throws(NodeError) {
        while true {
            let step = state.withLock { state -> Step in
                if let error = state.ended { return .ended(error) }
                guard state.pending.readableBytes < Self.limit else {
                    let room = Awaited<Void>()
                    state.waiting.append(room)
                    return .full(room)
                }
                write(&state.pending)
                defer { state.isBusy = true }
                return .added(isFirst: !state.isBusy)
            }
            switch step {
            case .added(let isFirst):
                if isFirst { channel.eventLoop.execute { self.flush() } }
                return
            case .full(let room):
                do throws(NodeError) { try await room.value() } catch {
                    state.withLock { state in state.waiting.removeAll { $0 === room } }
                    throw error
                }
            case .ended(let error): throw error
            }
        }
    }

    /// A sign of life, on the channel's event loop; it needs no room.
    func addKeepAlive() {
        let isFirst = state.withLock { state in
            guard state.ended == nil else { return false }
            state.pending.writeKeepAlive()
            defer { state.isBusy = true }
            return !state.isBusy
        }
        if isFirst { flush() }
    }

    /// Takes no more. What was taken still goes out, then the connection closes.
    func close() {
        let isBusy = state.withLock { state in
            state.closesWhenEmpty = true
            return state.isBusy
        }
        end(.closed)
        if !isBusy { return channel.close(promise: nil) }
        channel.eventLoop.scheduleTask(in: Self.closingTime) { [channel] in channel.close(promise: nil) }
    }

    /// Takes no more, with this reason; who waits for room hears of it.
    func end(_ error: NodeError) {
        let waiting = state.withLock { state in
            if state.ended == nil { state.ended = error }
            defer { state.waiting = [] }
            return state.waiting
        }
        for room in waiting { room.end(.failure(error)) }
    }

    private func flush() {
        let (bytes, waiting) = state.withLock { state in
            let bytes = state.pending
            state.pending = ByteBuffer()
            defer { state.waiting = [] }
            return (bytes, state.waiting)
        }
        for room in waiting { room.end(.success(())) }
        channel.writeAndFlush(bytes).whenComplete { result in
            // A write fails when the connection ends, which is told to us by itself.
            guard case .success = result else { return }
            let (isEmpty, closes) = self.state.withLock { state in
                let isEmpty = state.pending.readableBytes == 0
                if isEmpty { state.isBusy = false }
                return (isEmpty, state.closesWhenEmpty)
            }
            if !isEmpty {
                // Not from here: the connection is also to be read.
                self.channel.eventLoop.execute { self.flush() }
            } else if closes {
                self.channel.close(promise: nil)
            }
        }
    }
}
