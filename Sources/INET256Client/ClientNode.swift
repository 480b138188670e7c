internal import INET256
internal import Synchronization
internal import Wire

/// A node that a daemon holds for us: it outlives its connection when it may reconnect.
final class ClientNode: Node {
    private enum State {
        case up(NodeLink)
        /// Being opened again; these calls wait for it.
        case down([Promise<NodeLink, NodeError>])
        case ended(NodeError)
    }

    let publicKey: PublicKey
    private let key: PrivateKey
    private let endpoint: ClientEndpoint
    private let reconnects: Bool
    private let queue: MessageQueue
    private let state: Mutex<State>

    private static let firstPause: Duration = .milliseconds(100)
    private static let longestPause: Duration = .seconds(5)

    /// Where messages wait until they are received: up to 16,384 or 32 MiB; more are dropped.
    static func makeQueue() -> MessageQueue { MessageQueue(messageLimit: 16384, byteLimit: 32 << 20) }

    init(_ key: PrivateKey, endpoint: ClientEndpoint, reconnects: Bool, queue: MessageQueue, link: NodeLink) {
        publicKey = key.publicKey
        self.key = key
        self.endpoint = endpoint
        self.reconnects = reconnects
        self.queue = queue
        state = Mutex(.up(link))
        watch(link)
    }

    deinit { close() }

    func send(_ message: [UInt8], to address: Address) async throws(NodeError) {
        guard message.count <= Message.maximumCount else { throw .messageTooLarge(message.count) }
        // Mostly there is a connection with room: then nothing has to be made that could wait.
        if Task.isCancelled { throw .cancelled }
        if let link = linkNow, try link.sendNow(message, to: address) { return }
        try await link().send(message, to: address)
    }

    func receive() async throws(NodeError) -> Message {
        do throws(NodeError) {
            return try await queue.next()
        } catch .closed {
            throw state.withLock { state in
                if case .ended(let error) = state { error } else { .closed }
            }
        }
    }

    func findAddress(prefix: Address, bits: Int) async throws(NodeError) -> Address {
        guard (0...Address.bitCount).contains(bits) else { throw .badPrefix(bits: bits) }
        return try await link().find(prefix: prefix, bits: bits)
    }

    func lookupPublicKey(_ address: Address) async throws(NodeError) -> PublicKey {
        try await link().lookup(address)
    }

    func close() { end(.closed)?.close() }

    // MARK: - The connection

    private var linkNow: NodeLink? {
        state.withLock { state in
            if case .up(let link) = state { link } else { nil }
        }
    }

    /// The connection, as soon as there is one.
    private func link() async throws(NodeError) -> NodeLink {
        if Task.isCancelled { throw .cancelled }
        let waits = Promise<NodeLink, NodeError>()
        state.withLock { state in
            switch state {
            case .up(let link): waits.end(.success(link))
            case .down(let waiting): state = .down(waiting + [waits])
            case .ended(let error): waits.end(.failure(error))
            }
        }
        do throws(NodeError) {
            return try await waits.value(cancelled: .cancelled)
        } catch {
            state.withLock { state in
                if case .down(let waiting) = state { state = .down(waiting.filter { $0 !== waits }) }
            }
            throw error
        }
    }

    private func watch(_ link: NodeLink) {
        link.whenEnded { [weak self] error in self?.lost(link, error) }
    }

    private func lost(_ link: NodeLink, _ error: NodeError) {
        let isOurs = state.withLock { state in
            guard case .up(let current) = state, current === link else { return false }
            if reconnects { state = .down([]) }
            return true
        }
        guard isOurs else { return }
        guard reconnects else {
            end(error)
            return
        }
        let (key, endpoint, queue) = (key, endpoint, queue)
        Task { [weak self] in
            var pause = Self.firstPause
            // Only as long as somebody holds the node.
            while self?.isDown == true {
                do throws(NodeError) {
                    let link = try await LinkOpening.open(key, at: endpoint, into: queue)
                    guard let self else { return link.close() }
                    return self.restore(link)
                } catch {
                    do { try await Task.sleep(for: pause) } catch { return }
                    pause = min(pause * 2, Self.longestPause)
                }
            }
        }
    }

    private var isDown: Bool {
        state.withLock { state in
            if case .down = state { true } else { false }
        }
    }

    private func restore(_ link: NodeLink) {
        let waiting = state.withLock { state -> [Promise<NodeLink, NodeError>]? in
            guard case .down(let waiting) = state else { return nil }
            state = .up(link)
            return waiting
        }
        guard let waiting else { return link.close() }
        for call in waiting { call.end(.success(link)) }
        watch(link)
    }

    /// The end of the node; gives the connection it had.
    @discardableResult
    private func end(_ error: NodeError) -> NodeLink? {
        let before = state.withLock { state -> State in
            defer { if case .ended = state {} else { state = .ended(error) } }
            return state
        }
        queue.close()
        switch before {
        case .up(let link): return link
        case .down(let waiting):
            for call in waiting { call.end(.failure(error)) }
            return nil
        case .ended: return nil
        }
    }
}
