internal import INET256
internal import NIOCore
internal import NodeProtocol
internal import Synchronization
internal import Wire

/// One open connection for one node, from the daemon's 200 to its end.
final class NodeLink: Sendable {
    private struct State {
        var ended: NodeError?
        var onEnd: (@Sendable (NodeError) -> Void)?
    }

    let address: Address
    private let outbox: Outbox
    private let questions = Questions()
    private let queue: MessageQueue
    private let state = Mutex(State())

    /// On the channel's event loop.
    init(_ address: Address, channel: any Channel, queue: MessageQueue) {
        self.address = address
        self.queue = queue
        outbox = Outbox(channel)
    }

    // MARK: For the node

    /// Sends if there is room now.
    func sendNow(_ message: [UInt8], to target: Address) throws(NodeError) -> Bool {
        try outbox.addNow { $0.writeMessage(message, to: target) }
    }

    func send(_ message: [UInt8], to target: Address) async throws(NodeError) {
        try await outbox.add { $0.writeMessage(message, to: target) }
    }

    func find(prefix: Address, bits: Int) async throws(NodeError) -> Address {
        let answer = try await ask(.find) { NodeFrame.find($0, prefix: prefix, bits: bits) }
        guard case .address(let found)? = answer, found.hasPrefix(prefix, bits: bits) else {
            throw .unavailable("the daemon found something else than it was asked for")
        }
        return found
    }

    func lookup(_ target: Address) async throws(NodeError) -> PublicKey {
        let answer = try await ask(.publicKey) { NodeFrame.lookup($0, target) }
        guard case .publicKey(let key)? = answer, key.address == target else {
            throw .unavailable("the daemon's answer is not the key of \(target)")
        }
        return key
    }

    /// Nil when the answer is none to this question.
    private func ask(
        _ kind: NodeFrame.Kind, _ frame: (NodeQuestionID) -> [UInt8]
    ) async throws(NodeError) -> NodeAnswer? {
        let (id, answer) = try questions.begin(kind)
        defer { questions.forget(id) }
        let bytes = frame(id)
        try await outbox.add { _ = $0.writeBytes(bytes) }
        return try await answer.value(cancelled: .cancelled)
    }

    /// Ends the connection on our side.
    func close() {
        // First the reason: once the connection closes, its own end would be one.
        end(.closed)
        outbox.close()
    }

    /// Has `body` called when the connection ends or if it has ended already.
    func whenEnded(_ body: @escaping @Sendable (NodeError) -> Void) {
        let ended = state.withLock { state in
            if state.ended == nil { state.onEnd = body }
            return state.ended
        }
        if let ended { body(ended) }
    }

    // MARK: For the connection, on its event loop

    /// The messages that came with one read.
    func take(_ messages: [Message]) { queue.offer(contentsOf: messages) }

    func takeAnswer(_ frame: NodeFrame) { questions.answer(frame) }

    func keepAlive() { outbox.addKeepAlive() }

    /// The connection has ended.
    func lost(_ error: NodeError) {
        end(error)
        outbox.cut()
    }

    /// The first reason counts.
    private func end(_ error: NodeError) {
        let onEnd = state.withLock { state -> (@Sendable (NodeError) -> Void)? in
            guard state.ended == nil else { return nil }
            state.ended = error
            defer { state.onEnd = nil }
            return state.onEnd
        }
        outbox.refuse(error)
        questions.end(error)
        onEnd?(error)
    }
}
