internal import INET256
internal import Logging
internal import NIOCore
internal import NIOPosix

/// A connection that has left the event loop: asks for its node, and brings it back where that is refused.
struct NodeHandover: Sendable {
    let key: PrivateKey
    let arrival: NodeArrival
    let service: APIService
    let loop: any EventLoop

    func begin(_ nodes: any APINodeService) {
        let deadline = loop.scheduleTask(in: TimeAmount(service.limits.answerTime)) { refuse(.cancelled) }
        Task {
            defer { deadline.cancel() }
            do throws(APINodeError) {
                try await nodes.open(key, arrival)
            } catch {
                refuse(error)
            }
        }
    }

    static func log(_ error: APINodeError, _ node: Address, _ caller: APICaller, _ service: APIService) {
        service.logger.info(
            "a node is not opened", metadata: ["node": "\(node)", "client": "\(caller)", "reason": "\(error)"])
    }

    private func refuse(_ error: APINodeError) {
        // Nobody to tell: it was taken, or its deadline was first.
        guard let descriptor = arrival.take() else { return }
        Self.log(error, key.address, arrival.caller, service)
        let response: APIResponse =
            switch error {
            case .cancelled: .failure(504, "the daemon did not answer in time")
            case .reserved, .tooMany, .notFound, .closed, .busy: .failure(error.status, error.description)
            }
        ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { [arrival, service] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NodeRefusal(response, service.limits.lingerTime, arrival))
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { _ in }
    }
}

/// Answers and ends the connection, reading on for a moment: bytes left unread would make the kernel reset it before the
/// client has the answer. Its place stays counted until then.
private final class NodeRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let response: APIResponse
    private let time: Duration
    private let arrival: NodeArrival
    private var deadline: Scheduled<Void>?

    init(_ response: APIResponse, _ time: Duration, _ arrival: NodeArrival) {
        self.response = response
        self.time = time
        self.arrival = arrival
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            context.close(promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(response.http(context.channel.allocator))).assumeIsolated()
            .whenComplete { _ in context.close(mode: .output, promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }
}
