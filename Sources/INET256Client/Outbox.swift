internal import INET256
internal import NIOCore
internal import Synchronization
internal import Wire

/// Frames on their way out, in the order in which they were added.
///
/// A system call costs more than a frame does, and waking a thread more than both. So who adds a frame writes it at
/// once, on its own thread, as long as that is not often. Frames that come quickly one after the other wait for each
/// other, until the event loop has its turn or there are enough of them; to tasks that run on the event loop themselves
/// that turn costs nothing, and it comes as soon as they wait for something.
///
/// When much waits already, who adds more waits too.
final class Outbox: Sendable {
    /// Who sees to it that what is pending goes out.
    private enum Duty {
        case nobody
        /// The event loop in its next turn, unless somebody writes before.
        case scheduled
        /// Somebody who writes now: any thread, or the channel. Looks again when done.
        case writing
    }

    private struct State {
        var pending = ByteBuffer()
        /// Empty: memory for the next frames.
        var spare = ByteBuffer()
        var duty = Duty.nobody
        /// The event loop was asked for a turn that it has not had.
        var turnIsComing = false
        /// Nil once the connection has ended.
        var writer: SocketWriter?
        var pace = WritePace()
        var waiting: [Promise<Void, NodeError>] = []
        var ended: NodeError?
        var closesWhenEmpty = false

        /// Has the event loop see to it; false when it will have a turn anyway.
        mutating func schedule() -> Bool {
            duty = .scheduled
            defer { turnIsComing = true }
            return !turnIsComing
        }
    }

    private enum Step {
        case nothing
        case schedule
        case write
        case close
    }

    private let channel: any Channel
    private let state: Mutex<State>

    /// Bytes that may wait; a frame is taken as long as there are fewer.
    private static let limit = 1 << 20
    /// Bytes that are worth a write of their own.
    private static let enough = 32 * 1024
    /// Memory that is kept for the next frames.
    private static let mostSpare = 256 * 1024
    /// How long a closed node may take to get rid of what it was given.
    private static let closingTime = TimeAmount.seconds(1)

    /// On the channel's event loop.
    init(_ channel: any Channel) {
        self.channel = channel
        state = Mutex(State(writer: SocketWriter(channel)))
    }

    // MARK: - Adding

    /// Adds what `write` writes if there is room now.
    func addNow(_ write: (inout ByteBuffer) -> Void) throws(NodeError) -> Bool {
        let added = state.withLock { state -> Result<Step?, NodeError> in
            if let error = state.ended { return .failure(error) }
            guard state.pending.readableBytes < Self.limit else { return .success(nil) }
            write(&state.pending)
            switch state.duty {
            case .nobody:
                if state.writer != nil, state.pace.admitsWrite() {
                    state.duty = .writing
                    return .success(.write)
                }
                return .success(state.schedule() ? .schedule : .nothing)
            case .scheduled:
                guard state.pending.readableBytes >= Self.enough, state.writer != nil else { return .success(.nothing) }
                state.duty = .writing
                return .success(.write)
            case .writing: return .success(.nothing)
            }
        }
        guard let step = try added.get() else { return false }
        take(step)
        return true
    }

    /// Adds what `write` writes, as soon as there is room.
    func add(_ write: (inout ByteBuffer) -> Void) async throws(NodeError) {
        while try !addNow(write) {
            let room = Promise<Void, NodeError>()
            state.withLock { state in
                if let error = state.ended { return _ = room.end(.failure(error)) }
                if state.pending.readableBytes < Self.limit { return _ = room.end(.success(())) }
                state.waiting.append(room)
            }
            do throws(NodeError) { try await room.value(cancelled: .cancelled) } catch {
                state.withLock { state in state.waiting.removeAll { $0 === room } }
                throw error
            }
        }
    }

    /// A sign of life, on the channel's event loop; it needs no room.
    func addKeepAlive() {
        let step = state.withLock { state -> Step in
            guard state.ended == nil else { return .nothing }
            state.pending.writeKeepAlive()
            guard case .nobody = state.duty else { return .nothing }
            state.duty = .writing
            return .write
        }
        take(step)
    }

    // MARK: - Ending

    /// Takes no more. What was taken still goes out, then the connection closes.
    func close() {
        let isIdle = state.withLock { state -> Bool in
            state.closesWhenEmpty = true
            guard case .nobody = state.duty else { return false }
            return true
        }
        if isIdle { return cut() }
        refuse(.closed)
        channel.eventLoop.scheduleTask(in: Self.closingTime) { self.cut() }
    }

    /// The connection has ended or is to end: takes no more, with this reason; who waits for room hears of it.
    func refuse(_ error: NodeError) {
        let waiting = state.withLock { state in
            if state.ended == nil { state.ended = error }
            defer { state.waiting = [] }
            return state.waiting
        }
        for room in waiting { room.end(.failure(error)) }
    }

    /// Closes the connection with whatever has not gone out.
    func cut() {
        refuse(.closed)
        state.withLock { $0.writer = nil }
        channel.close(promise: nil)
    }

    // MARK: - Writing

    private func take(_ step: Step) {
        switch step {
        case .nothing: break
        case .schedule: channel.eventLoop.execute { self.turn() }
        case .write: drain()
        case .close: cut()
        }
    }

    private func turn() {
        let isOurs = state.withLock { state in
            state.turnIsComing = false
            guard case .scheduled = state.duty else { return false }
            state.duty = .writing
            return true
        }
        if isOurs { drain() }
    }

    /// Writes what is pending, on the thread of whoever has the duty; what the socket does not take now, the channel writes.
    private func drain() {
        var (bytes, writer, waiting) = state.withLock { state in
            let found = (state.pending, state.writer, state.waiting)
            state.pending = state.spare
            state.spare = ByteBuffer()
            state.waiting = []
            return found
        }
        for room in waiting { room.end(.success(())) }
        writer?.write(&bytes)
        guard bytes.readableBytes > 0 else { return written(bytes) }
        channel.writeAndFlush(bytes).whenComplete { result in
            // A write fails when the connection ends, which is told to us by itself.
            if case .success = result { self.written(ByteBuffer()) }
        }
    }

    private func written(_ used: consuming ByteBuffer) {
        used.clear()
        let next = state.withLock { state -> Step in
            if (1...Self.mostSpare).contains(used.capacity) { state.spare = used }
            if state.pending.readableBytes == 0 {
                state.duty = .nobody
                return state.closesWhenEmpty ? .close : .nothing
            }
            // Not from here: who writes has something else to do, and the connection is also to be read.
            return state.schedule() ? .schedule : .nothing
        }
        take(next)
    }
}
