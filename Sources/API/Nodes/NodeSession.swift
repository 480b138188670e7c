internal import INET256
internal import Logging
internal import NIOCore

/// A connection that has its node: frames both ways until either side goes. All methods run on its event loop.
///
/// Nothing of a client piles up here: messages in flight stop the reading, questions are counted, and what it does not
/// read is lost once `NodeDeliveries` is full.
final class NodeSession: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes of one read: many messages in one batch when there are many.
    private static let readSize = 256 << 10

    private let node: any APINode
    private let deliveries: NodeDeliveries
    private let caller: APICaller
    private let service: APIService
    private let credit: NodeCredit
    private var isOpen = true

    private var intake = NodeIntake()
    private var lastHeard = NIODeadline.now()
    private var isReadHeld = false
    private var hasCredit = true

    private var backlog: NodeBacklog
    private var isWriting = false

    private var questions: [UInt64: Task<Void, Never>] = [:]
    private var questionCount: UInt64 = 0
    /// Answers that the channel still holds, refusals among them.
    private var unwrittenAnswers = 0

    private var keep: Scheduled<Void>?
    private var silence: Scheduled<Void>?

    init(_ node: any APINode, _ deliveries: NodeDeliveries, _ caller: APICaller, _ service: APIService) {
        self.node = node
        self.deliveries = deliveries
        backlog = NodeBacklog(deliveries)
        self.caller = caller
        self.service = service
        credit = NodeCredit(limit: service.limits.nodeBytesInFlight)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return finish("the client is gone") }
        log("a node is opened", [:])
        try? context.channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: .init(low: NodeBacklog.writeSize / 2, high: NodeBacklog.writeSize))
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 2 << 10, initial: 16 << 10, maximum: Self.readSize))
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n")), promise: nil)
        guard isOpen else { return }
        sendKeeps(context)
        watchForSilence(context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        deliveries.attach {
            loop.execute {
                let (session, context) = bound.value
                session.deliver(context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish("the connection is closed")
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { finish("the connection is closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end("\(error)", context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { return end("the client has closed its side", context) }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: - From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isOpen else { return }
        lastHeard = .now()
        var (bytes, isFresh) = intake.join(unwrapInboundIn(data))
        do throws(APIFrameError) {
            let used = try receive(bytes, context)
            guard isOpen else { return }
            bytes.moveReaderIndex(forwardBy: used)
            intake.keep(bytes, mustCopy: isFresh || used > 0, context.channel.allocator)
        } catch {
            end(error.description, context)
        }
    }

    /// Not while the data plane has enough of this client, nor while the client asks on without reading answers.
    func read(context: ChannelHandlerContext) {
        if mayRead {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    private var mayRead: Bool { !isOpen || hasCredit && unwrittenAnswers <= 2 * service.limits.nodeRequests }

    private func readOn(_ context: ChannelHandlerContext) {
        guard isReadHeld, mayRead else { return }
        isReadHeld = false
        context.read()
    }

    /// Handles the whole frames of `buffer`; gives how many bytes they have. Neighbouring DATA frames go together.
    private func receive(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) throws(APIFrameError) -> Int {
        let result: Result<Int, APIFrameError> = buffer.withUnsafeReadableBytes { bytes in
            var position = 0
            var messages = 0  // where DATA frames begin that are not sent yet
            do throws(APIFrameError) {
                while isOpen, let frame = try APIFrame.first(in: UnsafeRawBufferPointer(rebasing: bytes[position...])) {
                    let start = position
                    position += frame.bytes.count
                    switch frame.kind {
                    case .data: continue
                    case .keep: break
                    case .find, .publicKey: ask(frame, context)
                    }
                    send(UnsafeRawBufferPointer(rebasing: bytes[messages..<start]), context)
                    messages = position
                }
            } catch {
                // What came before the fault is good.
                send(UnsafeRawBufferPointer(rebasing: bytes[messages..<position]), context)
                return .failure(error)
            }
            send(UnsafeRawBufferPointer(rebasing: bytes[messages..<position]), context)
            return .success(position)
        }
        return try result.get()
    }

    private func send(_ frames: UnsafeRawBufferPointer, _ context: ChannelHandlerContext) {
        guard isOpen, !frames.isEmpty else { return }
        let count = frames.count
        hasCredit = credit.take(count)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        node.send([UInt8](frames)) { [credit] in
            guard credit.give(count) else { return }
            loop.execute {
                let (session, context) = bound.value
                session.hasCredit = true
                session.lastHeard = .now()
                session.readOn(context)
            }
        }
    }

    // MARK: - Questions

    private func ask(_ frame: APIFrame, _ context: ChannelHandlerContext) {
        let (kind, id) = (frame.kind, frame.requestID)
        guard questions.count < service.limits.nodeRequests else {
            let reason = "more than \(service.limits.nodeRequests) requests at once: wait for answers"
            return write(answer: APIFrame.failed(kind, id, reason), context)
        }
        do throws(NodeQuestionError) {
            let question = try NodeQuestion(frame)
            let number = questionCount
            questionCount += 1
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            questions[number] = Task { [node] in
                let answer = await question.answer(id, from: node)
                loop.execute {
                    let (session, context) = bound.value
                    session.questions[number] = nil
                    session.write(answer: answer, context)
                }
            }
        } catch {
            write(answer: APIFrame.failed(kind, id, error.description), context)
        }
    }

    private func write(answer: [UInt8], _ context: ChannelHandlerContext) {
        guard isOpen else { return }
        unwrittenAnswers += 1
        let bytes = context.channel.allocator.buffer(bytes: answer)
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
            self.unwrittenAnswers -= 1
            self.readOn(context)
        }
    }

    // MARK: - To the client

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { deliver(context) }
        context.fireChannelWritabilityChanged()
    }

    /// Writes what waits as long as the client reads. When it does not, the rest waits for `channelWritabilityChanged`.
    private func deliver(_ context: ChannelHandlerContext) {
        guard isOpen, !isWriting else { return }
        isWriting = true
        defer { isWriting = false }
        while isOpen, context.channel.isWritable, let bytes = backlog.write(context.channel.allocator) {
            let count = bytes.readableBytes
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            deliveries.written(count)
        }
        if isOpen, let reason = deliveries.ended { end(reason.description, context) }
    }

    // MARK: - Time

    private func sendKeeps(_ context: ChannelHandlerContext) {
        keep = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(service.limits.keepInterval)) {
            // A client with a full channel has enough to read.
            if context.channel.isWritable {
                context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: APIFrame.keep)), promise: nil)
            }
            if self.isOpen { self.sendKeeps(context) }
        }
    }

    /// One timer, set anew only when it fires: hearing something costs nothing but a look at the clock.
    private func watchForSilence(_ context: ChannelHandlerContext) {
        let limit = TimeAmount(service.limits.silence)
        silence = context.eventLoop.assumeIsolated().scheduleTask(deadline: lastHeard + limit) {
            guard self.isOpen else { return }
            // Whom we do not read we cannot blame.
            if !self.hasCredit { self.lastHeard = .now() }
            guard self.lastHeard + limit <= .now() else { return self.watchForSilence(context) }
            self.end("silent for \(self.service.limits.silence)", context)
        }
    }

    // MARK: - The end

    private func end(_ reason: String, _ context: ChannelHandlerContext) {
        finish(reason)
        context.close(promise: nil)
    }

    private func finish(_ reason: String) {
        guard isOpen else { return }
        isOpen = false
        node.close()
        deliveries.detach()
        keep?.cancel()
        silence?.cancel()
        for question in questions.values { question.cancel() }
        questions = [:]
        backlog.clear()
        intake.clear()
        log("a node's connection ends", ["reason": "\(reason)"])
    }

    private func log(_ message: Logger.Message, _ more: Logger.Metadata) {
        service.logger.info(
            message, metadata: ["node": "\(node.address)", "client": "\(caller)"].merging(more) { $1 })
    }
}
