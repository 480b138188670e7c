internal import API

/// What applications may do by the API.
struct APIConfiguration: Equatable, Sendable {
    /// Whom their nodes exchange messages with.
    var allow = PortalAccess.any
    /// Nodes that applications have open, in all.
    var nodes = 4096
    /// Connections with a node, in all and of one client.
    var connections = 4096
    var clientConnections = 256
    /// A further listener, on loopback, for metrics and status alone.
    var listen: APIEndpoint?

    static let nodeCounts = 0...65_536
    static let connectionCounts = 0...65_536
}

extension APIConfiguration {
    /// Takes in the mapping but for `allow`, which it gives back: that one needs the peers' names.
    mutating func read(_ value: ConfigurationValue) -> ConfigurationValue? {
        var allow: ConfigurationValue?
        value.fields(["allow", "limits", "listen"], expected: "a mapping such as {allow: [any]}") { key, value in
            switch key {
            case "allow": allow = value
            case "listen": listen = value.loopbackListener()
            default: read(limits: value)
            }
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

extension ConfigurationValue {
    /// Nothing, or "tcp://127.0.0.1:PORT": there is no way to tell clients apart there, so other machines stay out.
    fileprivate func loopbackListener() -> APIEndpoint? {
        if isNull { return nil }
        let expected = "tcp:// with a loopback address and a port, such as tcp://127.0.0.1:2560"
        guard let text = text(expected: expected) else { return nil }
        guard let endpoint = try? APIEndpoint(parsing: text), case .tcp = endpoint else {
            complain(expected: expected)
            return nil
        }
        return endpoint
    }
}
