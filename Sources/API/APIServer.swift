package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization
internal import Wire

/// Serves HTTP/1.1 on a Unix socket (mode 0660) or on loopback TCP: one request per connection, every step
/// bounded by `APILimits`. Runs on event loop threads of its own, never on the data plane's.
package final class APIServer: Sendable {
    package let endpoint: APIEndpoint
    private let listener: any Channel
    private let connections: APIConnections
    private let file: UnixSocketFile?
    private let isClosed = Atomic(false)

    private init(
        endpoint: APIEndpoint, listener: any Channel, connections: APIConnections, file: UnixSocketFile?
    ) {
        self.endpoint = endpoint
        self.listener = listener
        self.connections = connections
        self.file = file
    }

    /// Opens the endpoint and begins to serve. Port 0 lets the kernel choose: `endpoint` tells which.
    /// `group` is the Unix group that a socket opened by root is handed to, where it exists. `nodes` opens nodes for
    /// applications; without it /nodes answers 501.
    /// - Parameter beforeAddress: a TCP endpoint may be one whose address this machine does not have yet.
    package static func listen(
        on endpoint: APIEndpoint, responder: any APIResponder, limits: APILimits = APILimits(),
        nodes: (any APINodeService)? = nil, group: String? = nil, beforeAddress: Bool = false, logger: Logger
    ) async throws(APIServerError) -> APIServer {
        let connections = APIConnections(limits)
        let service = APIService(
            endpoint: endpoint, responder: responder, nodes: nodes, limits: limits, connections: connections,
            logger: logger)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(connections, logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                APICaller.ofChannel(channel, endpoint).flatMapThrowing { caller in
                    guard let place = connections.admit(channel, caller.client(channel)) else {
                        try channel.pipeline.syncOperations.addHandler(APIRefusal())
                        return
                    }
                    try addHandlers(to: channel, place, service)
                }
            }
        switch endpoint {
        case .unix(let path):
            let file = try UnixSocketFile(path: path, group: group)
            do {
                let listener = try await bootstrap.withBoundSocket(file.descriptor).get()
                return APIServer(endpoint: endpoint, listener: listener, connections: connections, file: file)
            } catch {
                file.remove()
                throw .other("cannot serve \(endpoint): \(error)")
            }
        case .tcp(let address):
            do {
                let binding = beforeAddress ? bootstrap.serverChannelOption(address.freeBinding, value: 1) : bootstrap
                let listener = try await binding.bind(to: try address.socketAddress()).get()
                var bound = address
                bound.port = UInt16(listener.localAddress?.port ?? Int(address.port))
                return APIServer(endpoint: .tcp(bound), listener: listener, connections: connections, file: nil)
            } catch let error as IOError {
                throw .system(operation: "listen on", path: endpoint.description, code: error.errnoCode)
            } catch {
                throw .other("cannot listen on \(endpoint): \(error)")
            }
        }
    }

    /// Serves until the task is cancelled, then closes. (It serves from `listen` on; this only waits.)
    package func run() async {
        await withTaskCancellationHandler {
            // However the listener came to be closed, what is left to do is the same.
            try? await listener.closeFuture.get()
        } onCancel: {
            listener.close(promise: nil)
        }
        await close()
    }

    /// Stops listening, closes every connection and removes the socket's file. Also for a server that was never run; a
    /// second call does nothing.
    package func close() async {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        try? await listener.close()
        connections.closeAll()
        file?.remove()
    }

    private static func addHandlers(
        to channel: any Channel, _ place: PlainConnection, _ service: APIService
    ) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = service.limits.headerBytes
        decoding.maxHeaderListSize = service.limits.headerBytes
        decoding.maxHeaderFieldCount = service.limits.headerFields
        // For CONNECT the message ends with its head, and what is behind it is for `NodeOpening`.
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(APISession(service: service, place: place))
    }
}

/// What every connection of a server has in common.
struct APIService: Sendable {
    let endpoint: APIEndpoint
    let responder: any APIResponder
    let nodes: (any APINodeService)?
    let limits: APILimits
    let connections: APIConnections
    let logger: Logger
}
