internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// One connection: reads one request, has it answered, writes the answer, closes.
///
/// One request per connection keeps the states few: nothing that a client sends after its request, or before
/// it takes the answer, is looked at. All methods run on the connection's event loop.
final class APISession: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waiting
        case reading(HTTPRequestHead, body: ByteBuffer)
        case answering(Task<Void, Never>)
        case writing
        case lingering
        case closed
    }

    private let endpoint: APIEndpoint
    private let responder: any APIResponder
    private let limits: APILimits
    private let logger: Logger
    private var state = State.waiting
    private var deadline: Scheduled<Void>?

    init(endpoint: APIEndpoint, responder: some APIResponder, limits: APILimits, logger: Logger) {
        self.endpoint = endpoint
        self.responder = responder
        self.limits = limits
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        setDeadline(limits.requestTime, context) { session, context in
            session.write(.failure(408, "the request did not arrive in time"), context)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting):
            if let refusal = refusal(of: head) {
                write(refusal, context)
            } else {
                state = .reading(head, body: context.channel.allocator.buffer(capacity: 0))
            }
        case (.body(var part), .reading(let head, var body)):
            guard body.readableBytes + part.readableBytes <= limits.bodyBytes else {
                return write(bodyTooLarge, context)
            }
            body.writeBuffer(&part)
            state = .reading(head, body: body)
        case (.end, .reading(let head, let body)):
            answer(head, body, context)
        case (.head, _), (.body, _), (.end, _):
            break  // behind the request: not looked at
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client may close its half once its request is out and still take the answer.
        if case .inputClosed? = event as? ChannelEvent {
            switch state {
            case .waiting, .reading, .lingering: context.close(promise: nil)
            case .answering, .writing, .closed: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (state, error) {
        case (.waiting, HTTPParserError.headerOverflow), (.reading, HTTPParserError.headerOverflow):
            write(.failure(431, "the request's headers are larger than \(limits.headerBytes) bytes"), context)
        case (.waiting, is HTTPParserError), (.reading, is HTTPParserError):
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

    // MARK: -

    private var bodyTooLarge: APIResponse {
        .failure(413, "the request's body is larger than \(limits.bodyBytes) bytes")
    }

    /// What speaks against a request already at its head.
    private func refusal(of head: HTTPRequestHead) -> APIResponse? {
        if let text = head.headers.first(name: "content-length"), let length = Int(text), length > limits.bodyBytes {
            return bodyTooLarge
        }
        guard case .tcp = endpoint else { return nil }
        // Any web page may make a browser send requests to loopback. Browsers say where a page is from
        // (Origin), and a name that was rebound to 127.0.0.1 shows in Host.
        if head.headers.contains(name: "origin") {
            return .failure(403, "requests from web pages are refused")
        }
        guard let host = head.headers.first(name: "host"), Self.isLoopback(host: host) else {
            return .failure(403, "the Host header must name a loopback address")
        }
        return nil
    }

    private static func isLoopback(host text: String) -> Bool {
        let host = text.lowercased()
        if host.hasPrefix("[") { return host == "[::1]" || host.hasPrefix("[::1]:") }
        let name = host.prefix { $0 != ":" }
        return name == "localhost" || name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." }
    }

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let path = String(head.uri.prefix { $0 != "?" })
        let caller = self.caller(context)
        let task = Task { [responder, logger] in
            let client = (try? await caller.get()) ?? .unknown
            logger.debug(
                "api request",
                metadata: ["method": "\(head.method)", "path": "\(path)", "client": "\(client)"])
            let response = await responder.respond(
                to: APIRequest(
                    method: head.method.rawValue, path: path, body: Array(body.readableBytesView), client: client))
            loop.execute {
                let (session, context) = bound.value
                session.write(response, context)
            }
        }
        state = .answering(task)
        setDeadline(limits.answerTime, context) { session, context in
            task.cancel()
            session.write(.failure(504, "the daemon did not answer in time"), context)
        }
    }

    private func caller(_ context: ChannelHandlerContext) -> EventLoopFuture<APICaller> {
        switch endpoint {
        case .tcp:
            let text = context.remoteAddress.map { "\($0)" } ?? "unknown"
            return context.eventLoop.makeSucceededFuture(.address(text))
        case .unix:
            guard let options = context.channel as? any SocketOptionProvider else {
                return context.eventLoop.makeSucceededFuture(.unknown)
            }
            let credentials: EventLoopFuture<ProcessCredentials> = options.unsafeGetSocketOption(
                level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
                name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
            return credentials.map { .process(id: $0.process, user: $0.user, group: $0.group) }
        }
    }

    private func write(_ response: APIResponse, _ context: ChannelHandlerContext) {
        switch state {
        case .waiting, .reading, .answering: state = .writing
        case .writing, .lingering, .closed: return  // the deadline's answer was first, or the client is gone
        }
        setDeadline(limits.writeTime, context) { _, context in context.close(promise: nil) }
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: response.contentType)
        headers.add(name: "content-length", value: String(response.body.count))
        headers.add(name: "cache-control", value: "no-store")
        headers.add(name: "connection", value: "close")
        if let allow = response.allow { headers.add(name: "allow", value: allow) }
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

/// `struct ucred` of unix(7): glibc shows it only to C with _GNU_SOURCE.
private struct ProcessCredentials: Sendable {
    let process: Int32
    let user: UInt32
    let group: UInt32
}
