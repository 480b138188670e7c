internal import Synchronization

/// A network inside one process: nodes exchange messages without a wire. For tests, and for programs that want to
/// run against the Node API without a box.
public final class MemoryService: Service {
    private let nodes = Mutex<[Address: MemoryNode]>([:])
    private let queueLimit: Int

    /// Each node holds up to `queueLimit` messages that it has not received yet; more are dropped.
    public init(queueLimit: Int = 1024) { self.queueLimit = queueLimit }

    public func open(_ key: PrivateKey) async throws(NodeError) -> any Node {
        if Task.isCancelled { throw .cancelled }
        let node = MemoryNode(key.publicKey, service: self, queueLimit: queueLimit)
        let isNew = nodes.withLock { nodes in
            guard nodes[key.address] == nil else { return false }
            nodes[key.address] = node
            return true
        }
        guard isNew else { throw .alreadyOpen }
        return node
    }

    public func drop(_ key: PrivateKey) async throws(NodeError) {
        nodes.withLock { $0.removeValue(forKey: key.address) }?.queue.close()
    }

    fileprivate func node(_ address: Address) -> MemoryNode? { nodes.withLock { $0[address] } }

    /// The smallest address with the prefix, so that the answer does not depend on chance.
    fileprivate func first(prefix: Address, bits: Int) -> Address? {
        nodes.withLock { $0.keys.filter { $0.hasPrefix(prefix, bits: bits) }.min() }
    }

    /// Forgets `node`, unless a newer one has its address.
    fileprivate func remove(_ node: MemoryNode) {
        nodes.withLock { nodes in
            if nodes[node.localAddress] === node { nodes[node.localAddress] = nil }
        }
    }
}

private final class MemoryNode: Node {
    let publicKey: PublicKey
    let queue: MessageQueue
    private let service: MemoryService

    init(_ publicKey: PublicKey, service: MemoryService, queueLimit: Int) {
        self.publicKey = publicKey
        self.service = service
        queue = MessageQueue(messageLimit: queueLimit)
    }

    func send(_ message: [UInt8], to address: Address) async throws(NodeError) {
        guard message.count <= Message.maximumCount else { throw .messageTooLarge(message.count) }
        try checkUsable()
        guard let target = service.node(address) else { throw .notFound }
        target.queue.offer(Message(source: localAddress, destination: address, payload: message))
    }

    func receive() async throws(NodeError) -> Message { try await queue.next() }

    func findAddress(prefix: Address, bits: Int) async throws(NodeError) -> Address {
        guard (0...Address.bitCount).contains(bits) else { throw .badPrefix(bits: bits) }
        try checkUsable()
        guard let address = service.first(prefix: prefix, bits: bits) else { throw .notFound }
        return address
    }

    func lookupPublicKey(_ address: Address) async throws(NodeError) -> PublicKey {
        try checkUsable()
        guard let node = service.node(address) else { throw .notFound }
        return node.publicKey
    }

    func close() {
        service.remove(self)
        queue.close()
    }

    private func checkUsable() throws(NodeError) {
        if Task.isCancelled { throw .cancelled }
        // A node that was dropped, or whose place another has taken, is out of the network.
        guard service.node(localAddress) === self else { throw .closed }
    }
}
