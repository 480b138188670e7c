internal import INET256
internal import NIOCore
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
        let bytes = Array(prefix.masked(to: bits).raw.bytes.prefix((bits + 7) / 8))
        let answer = try await ask(.find, json: "{\"prefix\":\"\(Base64Text.encode(bytes))\",\"nbits\":\(bits)}")
        guard let text = answer["addr"]?.text, let found = Address(text), found.hasPrefix(prefix, bits: bits) else {
            throw .unavailable("the daemon found something else than it was asked for")
        }
        return found
    }

    func lookup(_ target: Address) async throws(NodeError) -> PublicKey {
        let answer = try await ask(.publicKey, json: "{\"target\":\(jsonQuoted(target.description))}")
        guard let text = answer["public_key"]?.text, let bytes = Base64Text.decode(text),
            let key = try? PublicKey(serialized: bytes), key.address == target
        else { throw .unavailable("the daemon's answer is not the key of \(target)") }
        return key
    }

    private func ask(_ type: FrameType, json: String) async throws(NodeError) -> JSONReading {
        let (id, answer) = try questions.begin(type)
        defer { questions.forget(id) }
        try await outbox.add { $0.writeQuestion(type, id, json: json) }
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

    func takeAnswer(_ type: FrameType, _ id: RequestID, _ json: [UInt8]) { questions.answer(type, id, json) }

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
