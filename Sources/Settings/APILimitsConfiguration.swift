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

    typealias Field = any WritableKeyPath<APILimitsConfiguration, Int> & Sendable

    static let counts: [(key: String, field: Field)] = [
        ("nodes", \.nodes), ("client_nodes", \.clientNodes),
        ("connections", \.connections), ("client_connections", \.clientConnections),
        ("requests", \.requests), ("client_requests", \.clientRequests), ("connection_requests", \.connectionRequests),
    ]
    static let sizes: [(key: String, field: Field)] = [
        ("queue", \.queue), ("client_queue", \.clientQueue), ("connection_queue", \.connectionQueue),
    ]

    package static let countRange = 0...65_536
    /// In bytes. Messages are handed over in batches of up to 256 KiB and one more message: a queue has to hold one.
    package static let sizeRange = 1 << 20...16 << 30
}

extension APILimitsConfiguration {
    mutating func read(_ value: ConfigurationValue) {
        let known = Self.counts.map(\.key) + Self.sizes.map(\.key)
        value.fields(known, expected: "a mapping such as {nodes: 100, queue: 64 MiB}") { key, value in
            if let count = Self.counts.first(where: { $0.key == key }) {
                if let number = value.integer(in: Self.countRange) { self[keyPath: count.field] = number }
            } else if let size = Self.sizes.first(where: { $0.key == key }) {
                if let number = value.byteCount(in: Self.sizeRange) { self[keyPath: size.field] = number }
            }
        }
    }

    /// The keys whose values differ.
    func differences(from other: APILimitsConfiguration) -> [String] {
        (Self.counts + Self.sizes).filter { self[keyPath: $0.field] != other[keyPath: $0.field] }.map(\.key)
    }
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
