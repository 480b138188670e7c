public import INET256

/// A daemon's API: opens nodes in the network that the daemon is part of. A value without state; each node has a connection
/// of its own.
///
/// A node whose connection breaks off ends with `NodeError.unavailable`. With `reconnects` it is opened again instead, at first
/// after a tenth of a second, then ever more slowly, until the node is closed: calls to it wait meanwhile, messages
/// that come are lost, and so may be some that were sent.
public struct INET256Connection: Service, Hashable {
    public let endpoint: ClientEndpoint
    public let reconnects: Bool

    /// Does not ask whether anybody listens there; `INET256.connect` does.
    public init(endpoint: ClientEndpoint, reconnects: Bool = false) {
        self.endpoint = endpoint
        self.reconnects = reconnects
    }

    /// Opens the node of `key`, or joins it where another client has it open: then each message goes to one of them. The
    /// node is closed when nobody holds it any more, too. Throws `tooManyNodes`, `cancelled`, or `unavailable` with the
    /// daemon's reason.
    public func open(_ key: PrivateKey) async throws(NodeError) -> any Node {
        let queue = ClientNode.makeQueue()
        let link = try await LinkOpening.open(key, at: endpoint, into: queue)
        return ClientNode(key, endpoint: endpoint, reconnects: reconnects, queue: queue, link: link)
    }

    /// Removes the node of `key` from the box, whoever has it open; their connections end. One of those that reconnects
    /// opens it again.
    public func drop(_ key: PrivateKey) async throws(NodeError) {
        try await LinkOpening.drop(key, at: endpoint)
    }
}
