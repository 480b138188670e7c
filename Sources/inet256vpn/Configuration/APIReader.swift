/// What applications may do by the API.
struct APIConfiguration: Equatable, Sendable {
    /// Whom their nodes exchange messages with.
    var allow = PortalAccess.any
    /// Nodes that applications have open, in all.
    var nodes = 4096
    /// Connections with a node, in all and of one client.
    var connections = 4096
    var clientConnections = 256

    static let nodeCounts = 0...65_536
    static let connectionCounts = 0...65_536
}

extension APIConfiguration {
    /// Takes in the mapping but for `allow`, which it gives back: that one needs the peers' names.
    mutating func read(_ value: ConfigurationValue) -> ConfigurationValue? {
        var allow: ConfigurationValue?
        value.fields(["allow", "limits"], expected: "a mapping such as {allow: [any]}") { key, value in
            if key == "allow" { allow = value } else { read(limits: value) }
        }
        return allow
    }

    private mutating func read(limits: ConfigurationValue) {
        limits.fields(["nodes", "connections", "client_connections"], expected: "a mapping such as {nodes: 100}") {
            key, value in
            let range = key == "nodes" ? Self.nodeCounts : Self.connectionCounts
            guard let count = value.integer(in: range) else { return }
            switch key {
            case "nodes": nodes = count
            case "connections": connections = count
            default: clientConnections = count
            }
        }
    }
}
