internal import NIOCore
internal import Synchronization

/// The open connections: counted against the limits, and closed together when the server stops. Those with a node are
/// many and long-lived and have limits of their own, so that they do not shut out a request for the status.
final class APIConnections: Sendable {
    private struct Open {
        var plain: [ObjectIdentifier: any Channel] = [:]
        var withNode: [ObjectIdentifier: (channel: any Channel, client: APIClientIdentity)] = [:]
        var perClient: [APIClientIdentity: Int] = [:]
    }

    private let limits: APILimits
    private let open = Mutex(Open())

    init(_ limits: APILimits) { self.limits = limits }

    /// False when there are too many already. An admitted channel leaves by itself when it closes.
    func admit(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let admitted = open.withLock { open in
            guard open.plain.count < limits.connections else { return false }
            open.plain[id] = channel
            return true
        }
        if admitted {
            channel.closeFuture.whenComplete { _ in self.remove(id) }
        }
        return admitted
    }

    /// Counts an admitted channel among those with a node from now on. Gives what stands against it.
    func promote(_ channel: any Channel, _ client: APIClientIdentity) -> APINodeError? {
        let id = ObjectIdentifier(channel)
        return open.withLock { open in
            guard open.withNode.count < limits.nodeConnections else { return .tooMany("in all") }
            let count = open.perClient[client, default: 0]
            guard count < limits.nodeConnectionsPerClient else { return .tooMany("by this client") }
            // One that is gone has left already and would never leave again.
            guard open.plain.removeValue(forKey: id) != nil else { return .closed }
            open.withNode[id] = (channel, client)
            open.perClient[client] = count + 1
            return nil
        }
    }

    func closeAll() {
        let channels = open.withLock { open in Array(open.plain.values) + open.withNode.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }

    private func remove(_ id: ObjectIdentifier) {
        open.withLock { open in
            open.plain[id] = nil
            guard let client = open.withNode.removeValue(forKey: id)?.client else { return }
            let count = open.perClient[client, default: 1] - 1
            open.perClient[client] = count > 0 ? count : nil
        }
    }
}

/// Tells a client beyond the limit so, without reading what it wants.
final class APIRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let bytes = APIResponse.failure(503, "too many connections at once: try again").http(context.channel.allocator)
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
