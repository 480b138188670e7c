internal import Glibc
internal import NIOCore
internal import Synchronization

/// The open connections: counted against the limits. Those with a node are many and long-lived and have limits of their
/// own, so that they do not shut out a request for the status. The others are closed together when the server stops.
///
/// Nobody keeps others from asking by connections that ask nothing: each client has only so many, and where there is no
/// room, the oldest one that waits for its client makes some. The last few are kept for root and the daemon's own user.
final class APIConnections: Sendable {
    fileprivate struct Open {
        var plain: [ObjectIdentifier: PlainConnection] = [:]
        var count: [APIClientIdentity: Int] = [:]
        /// Those of clients that nothing is kept for.
        var strangers = 0
        var admitted: UInt64 = 0
        var withNode = 0
        var perClient: [APIClientIdentity: Int] = [:]
    }

    private let limits: APILimits
    private let owner = geteuid()
    private let open = Mutex(Open())

    init(_ limits: APILimits) { self.limits = limits }

    /// Nil when there are too many already and all of them are being answered. An admitted channel leaves by itself when it
    /// closes; another one may be closed for it.
    func admit(_ channel: any Channel, _ client: APIClientIdentity) -> PlainConnection? {
        let id = ObjectIdentifier(channel)
        guard let connection = admit(id, client, { channel.close(promise: nil) }) else { return nil }
        channel.closeFuture.whenComplete { _ in self.remove(id) }
        return connection
    }

    func admit(
        _ id: ObjectIdentifier, _ client: APIClientIdentity, _ close: @escaping @Sendable () -> Void
    ) -> PlainConnection? {
        let (admitted, left): (PlainConnection?, PlainConnection?) = open.withLock { open in
            var left: PlainConnection?
            if let scarcity = scarcity(open, client) {
                left = victim(open, scarcity)
                guard let left else { return (nil, nil) }
                open.forget(left.id, isStranger: isStranger(left.client))
            }
            open.admitted += 1
            let connection = PlainConnection(id: id, client: client, number: open.admitted, close: close)
            open.plain[id] = connection
            open.count[client, default: 0] += 1
            if isStranger(client) { open.strangers += 1 }
            return (connection, left)
        }
        left?.close()
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
            guard open.forget(id, isStranger: isStranger(client)) else { return .closed }
            open.withNode += 1
            open.perClient[client] = count + 1
            return nil
        }
        if let refusal { throw refusal }
        return ConnectionPlace(self, client)
    }

    /// Closes the one that has waited longest for its client.
    func makeRoom() {
        let left = open.withLock { open -> PlainConnection? in
            guard let left = victim(open, .ofAll) else { return nil }
            open.forget(left.id, isStranger: isStranger(left.client))
            return left
        }
        left?.close()
    }

    func closeAll() {
        let connections = open.withLock { open in Array(open.plain.values) }
        for connection in connections { connection.close() }
    }

    private func remove(_ id: ObjectIdentifier) {
        open.withLock { open in
            guard let connection = open.plain[id] else { return }
            open.forget(id, isStranger: isStranger(connection.client))
        }
    }

    /// Whether the reserve is not for this client.
    private func isStranger(_ client: APIClientIdentity) -> Bool { client != .user(0) && client != .user(owner) }

    /// Of which connections there are too many for one more of `client`.
    private enum Scarcity {
        case ofClient(APIClientIdentity)
        case ofStrangers
        case ofAll
    }

    private func scarcity(_ open: Open, _ client: APIClientIdentity) -> Scarcity? {
        if open.count[client, default: 0] >= limits.connectionsPerClient { return .ofClient(client) }
        // First: a stranger gains nothing by a place out of the reserve.
        if isStranger(client), open.strangers >= max(1, limits.connections - limits.connectionsReserved) {
            return .ofStrangers
        }
        return open.plain.count >= limits.connections ? .ofAll : nil
    }

    /// The oldest one that waits for its client, of the client that has the most; nil where all are being answered.
    private func victim(_ open: Open, _ scarcity: Scarcity) -> PlainConnection? {
        let candidates = open.plain.values.filter { connection in
            guard !connection.isAnswered else { return false }
            switch scarcity {
            case .ofClient(let client): return connection.client == client
            case .ofStrangers: return isStranger(connection.client)
            case .ofAll: return true
            }
        }
        return candidates.min { a, b in
            let (mine, other) = (open.count[a.client, default: 0], open.count[b.client, default: 0])
            return mine != other ? mine > other : a.number < b.number
        }
    }

    fileprivate func giveBack(_ client: APIClientIdentity) {
        open.withLock { open in
            open.withNode -= 1
            let count = open.perClient[client, default: 1] - 1
            open.perClient[client] = count > 0 ? count : nil
        }
    }
}

extension APIConnections.Open {
    /// False when it had left already.
    @discardableResult
    fileprivate mutating func forget(_ id: ObjectIdentifier, isStranger: Bool) -> Bool {
        guard let connection = plain.removeValue(forKey: id) else { return false }
        let left = count[connection.client, default: 1] - 1
        count[connection.client] = left > 0 ? left : nil
        if isStranger { strangers -= 1 }
        return true
    }
}

/// An admitted connection without a node.
final class PlainConnection: Sendable {
    fileprivate let id: ObjectIdentifier
    fileprivate let client: APIClientIdentity
    /// In the order of their coming.
    fileprivate let number: UInt64
    fileprivate let close: @Sendable () -> Void
    private let answered = Atomic(false)

    fileprivate init(
        id: ObjectIdentifier, client: APIClientIdentity, number: UInt64, close: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.client = client
        self.number = number
        self.close = close
    }

    /// From a whole request until its answer is written. At other times it is the client that is waited for, and the
    /// connection may have to make room.
    var isAnswered: Bool {
        get { answered.load(ordering: .relaxed) }
        set { answered.store(newValue, ordering: .relaxed) }
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
