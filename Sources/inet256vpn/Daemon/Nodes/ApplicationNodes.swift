internal import API
internal import INET256
internal import Logging
internal import Synchronization

/// Lets the API open nodes on the running data plane.
struct ApplicationNodes: APINodeService {
    let inbox: NodeInbox
    let logger: Logger

    func open(
        _ key: PrivateKey, caller: APICaller, sink: any APINodeSink
    ) async throws(APINodeError) -> any APINode {
        let answer = Answer<OpenNode>()
        try inbox.post(.open(key, sink, answer))
        let node = try await answer.value()
        logger.info("node opened", metadata: ["node": "\(node.address)", "by": "\(caller)"])
        return node
    }

    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError) {
        let answer = Answer<Void>()
        try inbox.post(.drop(key, answer))
        try await answer.value()
        logger.info("node dropped", metadata: ["node": "\(key.address)", "by": "\(caller)"])
    }
}

/// A connection's hold on a node. Letting go of the last reference closes it as well.
final class OpenNode: APINode {
    let address: Address
    private let hold: UInt64
    private let inbox: NodeInbox
    private let isClosed = Atomic(false)

    init(address: Address, hold: UInt64, inbox: NodeInbox) {
        self.address = address
        self.hold = hold
        self.inbox = inbox
    }

    deinit { close() }

    func send(_ frames: [UInt8], done: @escaping @Sendable () -> Void) { inbox.send(frames, hold: hold, done: done) }

    func find(prefix: Address, bits: Int) async throws(APINodeError) -> Address {
        let answer = Answer<Address>()
        try inbox.post(.find(prefix: prefix, bits: bits, answer))
        return try await answer.value()
    }

    func lookup(_ address: Address) async throws(APINodeError) -> PublicKey {
        let answer = Answer<PublicKey>()
        try inbox.post(.lookup(address, answer))
        return try await answer.value()
    }

    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        inbox.release(hold)
    }
}
