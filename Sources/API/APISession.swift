internal import INET256
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// One connection: reads one request, has it answered, writes the answer, closes.
///
/// One request per connection keeps the states few: nothing that a client sends after its request, or before
/// it takes the answer, is looked at. Only a CONNECT goes on: it is handed over to `NodeOpening`. All methods run on
/// the connection's event loop.
final class APISession: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waiting
        case reading(HTTPRequestHead, body: ByteBuffer)
        /// The head of a CONNECT is read; its `.end` follows at once, and its body as bytes behind that.
        case connecting(HTTPRequestHead)
        case answering(Task<Void, Never>)
        case writing
        case lingering
        case closed
    }

    private let service: APIService
    private let place: PlainConnection
    private var state = State.waiting
    private var deadline: Scheduled<Void>?

    private var limits: APILimits { service.limits }

    init(service: APIService, place: PlainConnection) {
        self.service = service
        self.place = place
    }

    func channelActive(context: ChannelHandlerContext) {
        setDeadline(limits.requestTime, context) { session, context in
            session.write(.failure(408, "the request did not arrive in time"), context)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting) where head.method == .CONNECT:
            state = .connecting(head)
        case (.head(let head), .waiting):
            if let refusal = refusal(of: head) {
                write(refusal, context)
            } else {
                // In one piece from the start: a buffer that grows would leave copies of a private key behind.
                let length = min(max(0, head.contentLength ?? 0), limits.bodyBytes)
                state = .reading(head, body: context.channel.allocator.buffer(capacity: length))
            }
        case (.body(let part), .reading(let head, var body)):
            guard body.readableBytes + part.readableBytes <= limits.bodyBytes else {
                return write(bodyTooLarge, context)
            }
            // No second owner while it is written to, or it would be copied.
            state = .waiting
            body.writeImmutableBuffer(part)
            state = .reading(head, body: body)
            if head.isAboutNodes { part.wipe() }
        case (.end, .reading(let head, let body)):
            answer(head, body, context)
        case (.end, .connecting(let head)):
            handOver(head, context)
        case (.head, _), (.body, _), (.end, _):
            break  // behind the request: not looked at
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client may close its half once its request is out and still take the answer.
        if case .inputClosed? = event as? ChannelEvent {
            switch state {
            case .waiting, .reading, .connecting, .lingering: context.close(promise: nil)
            case .answering, .writing, .closed: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (state, error) {
        case (.waiting, HTTPParserError.headerOverflow), (.reading, HTTPParserError.headerOverflow):
            write(.failure(431, "the request's headers are larger than \(limits.headerBytes) bytes"), context)
        case (.waiting, is HTTPParserError), (.reading, is HTTPParserError), (.connecting, is HTTPParserError):
            write(.failure(400, "this is not an HTTP/1.1 request"), context)
        default:
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .answering(let task) = state { task.cancel() }
        state = .closed
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    // MARK: -

    private var bodyTooLarge: APIResponse {
        .failure(413, "the request's body is larger than \(limits.bodyBytes) bytes")
    }

    /// What speaks against a request already at its head.
    private func refusal(of head: HTTPRequestHead) -> APIResponse? {
        if let length = head.contentLength, length > limits.bodyBytes { return bodyTooLarge }
        return service.endpoint.refusal(of: head)
    }

    /// Leaves the connection to `NodeOpening`. The decoder goes last and hands on the bytes that it holds; until it
    /// has, it may still bring bytes, and by then nobody but the new handler must be there to take them.
    private func handOver(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        state = .closed
        deadline?.cancel()
        let pipeline = context.pipeline.syncOperations
        do {
            let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            // Before anything else: the new handler may write its first bytes when it is added.
            pipeline.removeHandler(context: encoder, promise: nil)
            try pipeline.addHandler(NodeOpening(head: head, service: service), position: .last)
            pipeline.removeHandler(context: context, promise: nil)
            pipeline.removeHandler(context: decoder, promise: nil)
        } catch {
            service.logger.error("a connection could not be handed over", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        let path = String(head.uri.prefix { $0 != "?" })
        let query = String(head.uri.dropFirst(path.count + 1))
        if head.isAboutNodes { return answerAboutNodes(head.method, path, body, context) }
        let caller = APICaller.ofChannel(context.channel, service.endpoint)
        answer(context) { [service] in
            let client = (try? await caller.get()) ?? .unknown
            service.logger.debug(
                "api request",
                metadata: ["method": "\(head.method)", "path": "\(path)", "client": "\(client)"])
            return await service.responder.respond(
                to: APIRequest(
                    method: head.method.rawValue, path: path, query: query, body: Array(body.readableBytesView),
                    client: client))
        }
    }

    /// DELETE drops a node. The body holds its private key, so it is read and overwritten here.
    private func answerAboutNodes(
        _ method: HTTPMethod, _ path: String, _ body: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        defer { body.wipe() }
        guard let nodes = service.nodes else { return write(.noNodes, context) }
        guard method == .DELETE else {
            return write(.methodNotAllowed(method.rawValue, allowed: "CONNECT, DELETE"), context)
        }
        do throws(NodeRequestError) {
            let key = try NodeRequest(path: path).key(in: body)
            let caller = APICaller.ofChannel(context.channel, service.endpoint)
            answer(context) { [service] in
                let client = (try? await caller.get()) ?? .unknown
                service.logger.info(
                    "a client drops a node", metadata: ["node": "\(key.address)", "client": "\(client)"])
                do throws(APINodeError) {
                    try await nodes.drop(key, caller: client)
                    return APIResponse(status: 200, body: Array("{}\n".utf8))
                } catch {
                    return .failure(error.status, error.description)
                }
            }
        } catch {
            write(error.response, context)
        }
    }

    /// Writes what `find` gives, within the time for that.
    private func answer(_ context: ChannelHandlerContext, _ find: @escaping @Sendable () async -> APIResponse) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let task = Task {
            let response = await find()
            loop.execute {
                let (session, context) = bound.value
                session.write(response, context)
            }
        }
        state = .answering(task)
        place.isAnswered = true
        setDeadline(limits.answerTime, context) { session, context in
            task.cancel()
            session.write(.failure(504, "the daemon did not answer in time"), context)
        }
    }

    private func write(_ response: APIResponse, _ context: ChannelHandlerContext) {
        switch state {
        case .waiting, .reading, .connecting, .answering: state = .writing
        case .writing, .lingering, .closed: return  // the deadline's answer was first, or the client is gone
        }
        place.isAnswered = true
        setDeadline(limits.writeTime, context) { _, context in context.close(promise: nil) }
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: response.contentType)
        headers.add(name: "content-length", value: String(response.body.count))
        headers.add(name: "cache-control", value: "no-store")
        headers.add(name: "connection", value: "close")
        if let allow = response.allow { headers.add(name: "allow", value: allow) }
        for field in response.fields { headers.add(name: field.name, value: field.value) }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let body = context.channel.allocator.buffer(bytes: response.body)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            self.linger(context)
        }
    }

    private func linger(_ context: ChannelHandlerContext) {
        guard case .writing = state else { return }
        state = .lingering
        place.isAnswered = false
        setDeadline(limits.lingerTime, context) { _, context in context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }

    /// Replaces the running deadline: there is one for each state.
    private func setDeadline(
        _ time: Duration, _ context: ChannelHandlerContext,
        _ action: @escaping @Sendable (APISession, ChannelHandlerContext) -> Void
    ) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(time)) {
            let (session, context) = bound.value
            action(session, context)
        }
    }
}
