internal import INET256
internal import NIOCore
internal import NIOPosix
internal import NodeProtocol
internal import Wire

/// How connections to the daemon come about.
enum LinkOpening {
    /// From the first packet to the daemon's answer.
    private static let patience = TimeAmount.seconds(10)
    private static let connectTime = TimeAmount.seconds(3)
    /// Bytes that are read at a time: some messages of the longest kind.
    private static let readCount = 256 * 1024

    /// Opens the node of `key`; its messages go to `queue`.
    static func open(
        _ key: PrivateKey, at endpoint: ClientEndpoint, into queue: MessageQueue
    ) async throws(NodeError) -> NodeLink {
        let opened = Promise<NodeLink, NodeError>()
        let request = NodeCall.open.bytes(key)
        return try await converse(endpoint, opened) {
            LinkHandler(.open(key.address, queue, opened), request: request, endpoint: endpoint)
        }
    }

    /// Drops the node of `key`.
    static func drop(_ key: PrivateKey, at endpoint: ClientEndpoint) async throws(NodeError) {
        let done = Promise<Void, NodeError>()
        let request = NodeCall.drop.bytes(key)
        try await converse(endpoint, done) { LinkHandler(.drop(done), request: request, endpoint: endpoint) }
    }

    /// Throws unless somebody listens there.
    static func probe(_ endpoint: ClientEndpoint) async throws(NodeError) {
        let reached = Promise<Void, NodeError>()
        let connected = connect(ClientBootstrap(group: LinkLoop.shared.loop), endpoint)
        connected.whenComplete { result in
            switch result {
            case .success(let channel):
                reached.end(.success(()))
                channel.close(promise: nil)
            case .failure(let error): reached.end(.failure(ConnectFailure.error(error, endpoint)))
            }
        }
        try await reached.value(cancelled: .cancelled)
    }

    /// Connects with a handler that ends `answer`, and waits for that, for as long as the caller does.
    private static func converse<Value>(
        _ endpoint: ClientEndpoint, _ answer: Promise<Value, NodeError>,
        _ handler: @escaping @Sendable () -> LinkHandler
    ) async throws(NodeError) -> Value {
        let loop = LinkLoop.shared.loop
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readCount))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
        let connected = connect(bootstrap, endpoint)
        connected.whenFailure { answer.end(.failure(ConnectFailure.error($0, endpoint))) }
        let timer = loop.scheduleTask(in: patience) {
            answer.end(.failure(.unavailable("the daemon at \(endpoint) gave no answer")))
        }
        defer { timer.cancel() }
        do throws(NodeError) {
            return try await answer.value(cancelled: .cancelled)
        } catch {
            connected.whenSuccess { $0.close(promise: nil) }
            throw error
        }
    }

    private static func connect(
        _ bootstrap: ClientBootstrap, _ endpoint: ClientEndpoint
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = bootstrap.connectTimeout(connectTime)
        return switch endpoint {
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
        }
    }
}
