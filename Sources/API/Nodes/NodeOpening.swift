internal import INET256
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// The second part of a CONNECT: takes the body, which comes as bare bytes behind the head, opens the node, and leaves
/// the connection to a `NodeSession`. What stands against the request is answered over HTTP, and the connection ends.
final class NodeOpening: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading(NodeRequest, body: ByteBuffer, missing: Int)
        case opening(Task<Void, Never>)
        /// Handed over, refused or closed: nothing more is looked at.
        case over
    }

    private let head: HTTPRequestHead
    private let service: APIService
    private let deliveries: NodeDeliveries
    private var state = State.over
    /// Bytes behind the body: frames already.
    private var rest = ByteBuffer()
    private var isReadHeld = false
    private var deadline: Scheduled<Void>?

    init(head: HTTPRequestHead, service: APIService) {
        self.head = head
        self.service = service
        deliveries = NodeDeliveries(limit: service.limits.nodeBytesQueued)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        if let refusal = service.endpoint.refusal(of: head) { return refuse(refusal, context) }
        do throws(NodeRequestError) {
            let request = try NodeRequest(path: String(head.uri.prefix { $0 != "?" }))
            guard service.nodes != nil else { return refuse(.noNodes, context) }
            guard let length = head.contentLength, length >= 0 else { throw .noLength }
            guard length <= service.limits.bodyBytes else { throw .tooLarge(limit: service.limits.bodyBytes) }
            state = .reading(request, body: context.channel.allocator.buffer(capacity: length), missing: length)
            setDeadline(service.limits.requestTime, .failure(408, "the request did not arrive in time"), context)
            if length == 0 { open(request, ByteBuffer(), context) }
        } catch {
            refuse(error.response, context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch state {
        case .reading(let request, var body, let missing):
            guard let part = bytes.readSlice(length: min(missing, bytes.readableBytes)) else { return }
            // No second owner while it is written to, or it would be copied.
            state = .over
            body.writeImmutableBuffer(part)
            part.wipe()
            let left = missing - part.readableBytes
            state = .reading(request, body: body, missing: left)
            rest = bytes
            if left == 0 { open(request, body, context) }
        case .opening:
            rest.writeBuffer(&bytes)
        case .over:
            break
        }
    }

    /// While the node is being opened nothing more is read, so that what a client sends ahead stays in its socket.
    func read(context: ChannelHandlerContext) {
        if case .opening = state {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that sends nothing any more could not keep the connection alive either.
        if case .inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if case .opening(let task) = state { task.cancel() }
        state = .over
        context.fireChannelInactive()
    }

    // MARK: -

    private func open(_ request: NodeRequest, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        defer { body.wipe() }
        guard let nodes = service.nodes else { return refuse(.noNodes, context) }
        do throws(NodeRequestError) {
            let key = try request.key(in: body)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            let caller = APICaller.ofChannel(context.channel, service.endpoint)
            let task = Task { [service, deliveries, channel = context.channel] in
                let caller = (try? await caller.get()) ?? .unknown
                let result: Result<any APINode, APINodeError>
                do throws(APINodeError) {
                    if let refusal = service.connections.promote(channel, caller.client(channel)) { throw refusal }
                    result = .success(try await nodes.open(key, caller: caller, sink: deliveries))
                } catch {
                    result = .failure(error)
                }
                loop.execute {
                    let (opening, context) = bound.value
                    opening.opened(result, key.address, caller, context)
                }
            }
            state = .opening(task)
            setDeadline(service.limits.answerTime, .failure(504, "the daemon did not answer in time"), context)
        } catch {
            refuse(error.response, context)
        }
    }

    private func opened(
        _ result: Result<any APINode, APINodeError>, _ address: Address, _ caller: APICaller,
        _ context: ChannelHandlerContext
    ) {
        guard case .opening = state else {
            // The client is gone, or the deadline was first.
            if case .success(let node) = result { node.close() }
            return
        }
        switch result {
        case .failure(let error):
            service.logger.info(
                "a node is not opened",
                metadata: ["node": "\(address)", "client": "\(caller)", "reason": "\(error)"])
            refuse(.failure(error.status, error.description), context)
        case .success(let node):
            state = .over
            deadline?.cancel()
            let session = NodeSession(node, deliveries, caller, service)
            do {
                try context.pipeline.syncOperations.addHandler(session, position: .after(self))
            } catch {
                service.logger.error("a node's connection could not begin", metadata: ["error": "\(error)"])
                node.close()
                return context.close(promise: nil)
            }
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            if isReadHeld { context.read() }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    /// Answers and ends the connection, reading on for a moment: bytes left unread would make the kernel reset it
    /// before the client has the answer.
    private func refuse(_ response: APIResponse, _ context: ChannelHandlerContext) {
        if case .opening(let task) = state { task.cancel() }
        state = .over
        deadline?.cancel()
        rest = ByteBuffer()
        let loop = context.eventLoop.assumeIsolated()
        deadline = loop.scheduleTask(in: TimeAmount(service.limits.lingerTime)) { context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(response.http(context.channel.allocator))).assumeIsolated()
            .whenComplete { _ in context.close(mode: .output, promise: nil) }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
    }

    private func setDeadline(_ time: Duration, _ response: APIResponse, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.refuse(response, context)
        }
    }
}
