internal import INET256
internal import NIOCore
internal import NodeProtocol
internal import Wire

/// The connection's end of the conversation: sends the request, reads the answer's head, and then frames.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Stage {
        case head
        /// A refusal, whose reason is still to come.
        case reason(AnswerHead)
        case open(NodeLink)
        case over
    }

    /// What the request is for.
    enum Purpose {
        case open(Address, MessageQueue, Promise<NodeLink, NodeError>)
        case drop(Promise<Void, NodeError>)
    }

    private let purpose: Purpose
    private let endpoint: ClientEndpoint
    private var request: ByteBuffer
    private var stage = Stage.head
    private var received = ByteBuffer()
    /// Those of one read, on their way to the node.
    private var messages: [Message] = []
    private var heartbeat: RepeatedTask?
    /// Beats since anything was read. Counted, not timed: a process that was stopped for a while has not been silent.
    private var silentBeats = 0

    private static let beat = TimeAmount.seconds(1)
    /// The other side is gone after three seconds of silence.
    private static let mostSilentBeats = 3
    /// Bytes of a refusal's reason.
    private static let longestReason = 64 * 1024

    init(_ purpose: Purpose, request: ByteBuffer, endpoint: ClientEndpoint) {
        self.purpose = purpose
        self.request = request
        self.endpoint = endpoint
    }

    func channelActive(context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let me = NIOLoopBound(self, eventLoop: loop)
        context.writeAndFlush(NIOAny(request)).whenComplete { _ in
            // A turn later, when nobody else holds the bytes: then it is they that are wiped, not a copy.
            loop.execute { NodeCall.wipe(&me.value.request) }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        silentBeats = 0
        if case .open(let link) = stage, received.readableBytes > 0 {
            // Only the frame that was cut in two is put together, outside of the read that had its beginning; the others
            // are read where they are.
            if received.readerIndex > 0 { received = ByteBuffer(copying: received) }
            guard received.completeFrame(from: &bytes) else { return }
            readFrames(link, context)
            guard received.readableBytes == 0 else { return }
        }
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.writeBuffer(&bytes)
        }
        read(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch stage {
        case .reason(let head) where head.contentLength == nil: refuse(head, context)
        case .head, .reason: fail("it closed the connection before it had answered", context)
        case .open: fail("it closed the connection: it stops, or the node was dropped", context)
        case .over: break
        }
        heartbeat?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ConnectFailure.words(error), context)
    }

    // MARK: - Reading

    private func read(_ context: ChannelHandlerContext) {
        do {
            while case .head = stage {
                guard let head = try AnswerHead.next(in: &received) else { return }
                answered(head, context)
            }
            if case .reason(let head) = stage {
                let enough = head.contentLength.map { received.readableBytes >= $0 } ?? head.isChunked
                if enough || received.readableBytes > Self.longestReason { refuse(head, context) }
            }
            if case .open(let link) = stage { readFrames(link, context) }
        } catch {
            failed(error, context)
        }
    }

    private func readFrames(_ link: NodeLink, _ context: ChannelHandlerContext) {
        // In variables of our own meanwhile: access to an object's is checked each time.
        var (bytes, came) = (received, messages)
        (received, messages) = (ByteBuffer(), [])
        var failure: NodeFrameError?
        do throws(NodeFrameError) {
            while try bytes.nextFrame({ frame in
                switch frame.kind {
                case .data:
                    let payload = [UInt8](frame.payload)
                    came.append(Message(source: frame.address, destination: link.address, payload: payload))
                case .keep: break
                case .find, .publicKey: link.takeAnswer(frame)
                }
            }) {}
        } catch {
            failure = error
        }
        link.take(came)
        came.removeAll(keepingCapacity: true)
        // Without what was read to the end: its memory is for the next reads.
        (received, messages) = (bytes.readableBytes > 0 ? bytes : ByteBuffer(), came)
        if let failure { failed(failure, context) }
    }

    private func failed(_ error: any Error, _ context: ChannelHandlerContext) {
        fail("what it sends cannot be read: \(error)", context)
    }

    private func answered(_ head: AnswerHead, _ context: ChannelHandlerContext) {
        // An interim answer: the real one follows (RFC 9110 section 15.2).
        if (100..<200).contains(head.status) { return }
        guard (200..<300).contains(head.status) else {
            stage = .reason(head)
            return
        }
        switch purpose {
        case .drop(let done):
            stage = .over
            done.end(.success(()))
            context.close(promise: nil)
        case .open(let address, let queue, let opened):
            let link = NodeLink(address, channel: context.channel, queue: queue)
            stage = .open(link)
            // Who asked may have gone meanwhile.
            guard opened.end(.success(link)) else { return link.close() }
            let me = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            heartbeat = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.beat, delay: Self.beat) { _ in
                me.value.handler.beat(me.value.context)
            }
        }
    }

    private func beat(_ context: ChannelHandlerContext) {
        guard case .open(let link) = stage else { return }
        silentBeats += 1
        if silentBeats > Self.mostSilentBeats { return fail("it has been silent for three seconds", context) }
        link.keepAlive()
    }

    // MARK: - Ending

    /// The daemon said no, and why.
    private func refuse(_ head: AnswerHead, _ context: ChannelHandlerContext) {
        let body = head.isChunked ? [] : Array(received.readableBytesView.prefix(Self.longestReason))
        end(ConnectFailure.refused(head, body), context)
    }

    private func fail(_ words: String, _ context: ChannelHandlerContext) {
        end(.unavailable("the daemon at \(endpoint): \(words)"), context)
    }

    private func end(_ error: NodeError, _ context: ChannelHandlerContext) {
        let before = stage
        stage = .over
        heartbeat?.cancel()
        switch before {
        case .open(let link): link.lost(error)
        case .head, .reason:
            switch purpose {
            case .open(_, _, let opened): opened.end(.failure(error))
            case .drop(let done): done.end(.failure(error))
            }
        case .over: break
        }
        context.close(promise: nil)
    }
}
