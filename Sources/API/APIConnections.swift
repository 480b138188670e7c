internal import NIOCore
internal import Synchronization

/// The open connections: counted against the limits. Those with a node are many and long-lived and have limits of their
/// own, so that they do not shut out a request for the status. The others are closed together when the server stops.
final class APIConnections: Sendable {
    private struct Open {
        var plain: [ObjectIdentifier: any Channel] = [:]
        var withNode = 0
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

    /// Counts an admitted channel among those with a node from now on, for as long as somebody holds its place.
    func promote(_ channel: any Channel, _ client: APIClientIdentity) throws(APINodeError) -> ConnectionPlace {
        let id = ObjectIdentifier(channel)
        let refusal: APINodeError? = open.withLock { open in
            guard open.withNode < limits.nodeConnections else { return .tooMany("in all") }
            let count = open.perClient[client, default: 0]
            guard count < limits.nodeConnectionsPerClient else { return .tooMany("by this client") }
            // One that is gone has left already.
            guard open.plain.removeValue(forKey: id) != nil else { return .closed }
            open.withNode += 1
            open.perClient[client] = count + 1
            return nil
        }
        if let refusal { throw refusal }
        return ConnectionPlace(self, client)
    }

    func closeAll() {
        let channels = open.withLock { open in Array(open.plain.values) }
        for channel in channels { channel.close(promise: nil) }
    }

    private func remove(_ id: ObjectIdentifier) { open.withLock { $0.plain[id] = nil } }

    fileprivate func giveBack(_ client: APIClientIdentity) {
        open.withLock { open in
            open.withNode -= 1
            let count = open.perClient[client, default: 1] - 1
            open.perClient[client] = count > 0 ? count : nil
        }
    }
}

/// The place of a connection with a node among those that are counted. It is given back when the last one lets go of it.
final class ConnectionPlace: Sendable {
    private let connections: APIConnections
    private let client: APIClientIdentity

    fileprivate init(_ connections: APIConnections, _ client: APIClientIdentity) {
        self.connections = connections
        self.client = client
    }

    deinit { connections.giveBack(client) }
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
