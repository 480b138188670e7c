internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Wire

/// Asks the daemon: one connection per request, bounded in time and size.
package struct APIClient: Sendable {
    package let endpoint: APIEndpoint
    /// How long a request may take unless it says otherwise.
    package let timeout: Duration

    /// Bytes of an answer that are taken in; a report of thousands of sessions stays far below.
    static let longestAnswer = 64 * 1024 * 1024
    private static let connectTime: Duration = .seconds(3)

    package init(endpoint: APIEndpoint, timeout: Duration = .seconds(10)) {
        self.endpoint = endpoint
        self.timeout = timeout
    }

    /// Sends a request and waits for the whole answer, whatever its status is.
    package func send(
        _ method: String, _ path: String, body: [UInt8] = [], timeout: Duration? = nil
    ) async throws(APIClientError) -> APIResponse {
        do {
            return try await exchange(method, path, body, timeout ?? self.timeout)
        } catch {
            throw APIClientError(error, endpoint)
        }
    }

    private func exchange(
        _ method: String, _ path: String, _ body: [UInt8], _ timeout: Duration
    ) async throws -> APIResponse {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: APIResponse.self)
        let patience = loop.scheduleTask(in: TimeAmount(timeout)) {
            answer.fail(APIClientError.timedOut(endpoint, after: timeout))
        }
        defer { patience.cancel() }
        let request = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers(for: body))
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(min(timeout, Self.connectTime)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(HTTPRequestEncoder())
                    try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder()))
                    try pipeline.addHandler(APIExchange(request, body, answer))
                }
            }
        return try await withTaskCancellationHandler {
            let channel: any Channel
            do {
                switch endpoint {
                case .unix(let path): channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
                case .tcp(let address): channel = try await bootstrap.connect(to: address.socketAddress()).get()
                }
            } catch {
                answer.fail(error)
                throw error
            }
            defer { channel.close(promise: nil) }
            return try await answer.futureResult.get()
        } onCancel: {
            answer.fail(CancellationError())
        }
    }

    private func headers(for body: [UInt8]) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: hostHeader)
        headers.add(name: "content-length", value: String(body.count))
        if !body.isEmpty { headers.add(name: "content-type", value: "application/json") }
        return headers
    }

    private var hostHeader: String {
        switch endpoint {
        case .unix: "localhost"
        case .tcp(let address): address.description
        }
    }
}

/// Sends one request as soon as the connection stands and gathers its answer.
private final class APIExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: HTTPRequestHead
    private let content: [UInt8]
    private let promise: EventLoopPromise<APIResponse>
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init(_ request: HTTPRequestHead, _ content: [UInt8], _ promise: EventLoopPromise<APIResponse>) {
        self.request = request
        self.content = content
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        let buffer = context.channel.allocator.buffer(bytes: content)
        context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body(let part):
            guard body.count + part.readableBytes <= APIClient.longestAnswer else {
                promise.fail(APIAnswerError.tooLarge)
                return context.close(promise: nil)
            }
            body += part.readableBytesView
        case .end:
            guard let head else { return }
            var response = APIResponse(
                status: Int(head.status.code), contentType: head.headers.first(name: "content-type") ?? "",
                body: body)
            response.allow = head.headers.first(name: "allow")
            promise.succeed(response)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(APIAnswerError.brokenOff)
    }
}

enum APIAnswerError: Error {
    case tooLarge
    case brokenOff
}
