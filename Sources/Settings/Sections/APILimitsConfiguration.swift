package import API

/// What applications may use of the box: in all, one client, one connection. A client is a user on the Unix socket, a host
/// on TCP.
package struct APILimitsConfiguration: Equatable, Sendable {
    /// Nodes that are open.
    package var nodes = 4096
    package var clientNodes = APILimits().nodesPerClient
    /// Connections with a node.
    package var connections = APILimits().nodeConnections
    package var clientConnections = APILimits().nodeConnectionsPerClient
    /// Questions that are being answered.
    package var requests = APILimits().nodeRequestsInAll
    package var clientRequests = APILimits().nodeRequestsPerClient
    package var connectionRequests = APILimits().nodeRequests
    /// Bytes of messages that wait to be read.
    package var queue = APILimits().nodeBytesQueuedInAll
    package var clientQueue = APILimits().nodeBytesQueuedPerClient
    package var connectionQueue = APILimits().nodeBytesQueued

    package static let countRange = 0...65_536
    /// In bytes. Messages are handed over in batches of up to 256 KiB and one more message: a queue has to hold one.
    static let sizeRange = 1 << 20...16 << 30
}

extension APILimitsConfiguration {
    static let table = Section(
        "api.limits", expected: "a mapping such as {nodes: 100, queue: 64 MiB}",
        comment: """
            In all, of one client (a user, or a host where TCP is used), and of one connection: counts up to
            \(countRange.upperBound), and bytes from \(ByteCount.text(sizeRange.lowerBound)) to \(ByteCount.text(sizeRange.upperBound)).
            """
    ) {
        Setting(
            "api.limits.nodes", \.api.limits.nodes, .number(countRange), .reload,
            comment: "Nodes that applications have open."
        )
        .placed(in: .told, behind: "api.allow")
        Setting("api.limits.client_nodes", \.api.limits.clientNodes, .number(countRange), .restart)
        Setting(
            "api.limits.connections", \.api.limits.connections, .number(countRange), .restart,
            comment: "Connections with a node.")
        Setting("api.limits.client_connections", \.api.limits.clientConnections, .number(countRange), .restart)
        Setting(
            "api.limits.requests", \.api.limits.requests, .number(countRange), .restart,
            comment: "Questions (find, public key) that are being answered.")
        Setting("api.limits.client_requests", \.api.limits.clientRequests, .number(countRange), .restart)
        Setting("api.limits.connection_requests", \.api.limits.connectionRequests, .number(countRange), .restart)
        Setting(
            "api.limits.queue", \.api.limits.queue, .bytes(sizeRange), .restart,
            comment: "Messages that wait to be read, in bytes (B, KiB, MiB, GiB): beyond, messages are lost.")
        Setting("api.limits.client_queue", \.api.limits.clientQueue, .bytes(sizeRange), .restart)
        Setting("api.limits.connection_queue", \.api.limits.connectionQueue, .bytes(sizeRange), .restart)
    }
    .row(
        "[in docs/api.md](docs/api.md#frames)",
        "applications' nodes, connections, questions (each up to 65,536) and queued bytes "
            + "(\(ByteCount.text(sizeRange.lowerBound)) to \(ByteCount.text(sizeRange.upperBound))), in all, of one client, of one connection"
    )
}

extension APILimits {
    /// The standard ones with what the configuration says of applications.
    package init(_ limits: APILimitsConfiguration) {
        self.init()
        nodesPerClient = limits.clientNodes
        nodeConnections = limits.connections
        nodeConnectionsPerClient = limits.clientConnections
        nodeRequestsInAll = limits.requests
        nodeRequestsPerClient = limits.clientRequests
        nodeRequests = limits.connectionRequests
        nodeBytesQueuedInAll = limits.queue
        nodeBytesQueuedPerClient = limits.clientQueue
        nodeBytesQueued = limits.connectionQueue
    }
}
