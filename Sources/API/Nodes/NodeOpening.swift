internal import INET256
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// The second part of a CONNECT: takes the body, which comes as bare bytes behind the head, and hands the connection over
/// to the thread that will own it, by a `NodeHandover`. What stands against the request before that is answered here.
final class NodeOpening: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading(NodeRequest, body: ByteBuffer, missing: Int)
        /// The request is whole: the connection leaves at the end of this turn of the event loop.
        case leaving
        /// Handed over, refused or closed: nothing more is looked at.
        case over
    }

    private let head: HTTPRequestHead
    private let service: APIService
    private var state = State.over
    /// Bytes behind the body: frames already.
    private var rest = ByteBuffer()
    private var isReadHeld = false
    private var deadline: Scheduled<Void>?

    init(head: HTTPRequestHead, service: APIService) {
        self.head = head
        self.service = service
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
        case .leaving:
            rest.writeBuffer(&bytes)
        case .over:
            break
        }
    }

    /// Nothing more is read behind the request: it is for whoever gets the connection.
    func read(context: ChannelHandlerContext) {
        if case .leaving = state {
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
        state = .over
        context.fireChannelInactive()
    }

    // MARK: -

    private func open(_ request: NodeRequest, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        defer { body.wipe() }
        guard service.nodes != nil else { return refuse(.noNodes, context) }
        do throws(NodeRequestError) {
            let key = try request.key(in: body)
            state = .leaving
            // What this turn of the loop still reads comes along.
            context.eventLoop.assumeIsolated().execute { self.leave(key, context) }
        } catch {
            refuse(error.response, context)
        }
    }

    private func leave(_ key: PrivateKey, _ context: ChannelHandlerContext) {
        APICaller.ofChannel(context.channel, service.endpoint).assumeIsolated().whenComplete { result in
            let caller: APICaller
            switch result {
            case .success(let known): caller = known
            case .failure: caller = .unknown
            }
            self.leave(key, caller, context)
        }
    }

    /// Takes a descriptor of its own for the connection and closes the channel, which closes no more than the other one:
    /// from then on the arrival is the only owner.
    private func leave(_ key: PrivateKey, _ caller: APICaller, _ context: ChannelHandlerContext) {
        guard case .leaving = state, let nodes = service.nodes else { return }
        do throws(APINodeError) {
            let client = caller.client(context.channel)
            let place = try service.connections.promote(context.channel, client)
            let arrival = NodeArrival(
                descriptor: try Self.descriptor(of: context), ahead: [UInt8](rest.readableBytesView), caller: caller,
                client: client, place: place)
            state = .over
            deadline?.cancel()
            NodeHandover(key: key, arrival: arrival, service: service, loop: context.eventLoop).begin(nodes)
            context.close(promise: nil)
        } catch {
            NodeHandover.log(error, key.address, caller, service)
            refuse(.failure(error.status, error.description), context)
        }
    }

    private static func descriptor(of context: ChannelHandlerContext) throws(APINodeError) -> Int32 {
        let copy: Int32?
        do {
            copy =
                try context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                    of: NIOBSDSocket.Handle.self
                ) { NodeSocket.duplicate(of: $0) } ?? nil
        } catch {
            throw .closed
        }
        guard let copy else { throw .busy }
        return copy
    }

    /// Answers and ends the connection, reading on for a moment: bytes left unread would make the kernel reset it
    /// before the client has the answer.
    private func refuse(_ response: APIResponse, _ context: ChannelHandlerContext) {
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
