internal import Glibc
internal import Wire

/// Where a daemon's API is.
public enum ClientEndpoint: Hashable, Sendable {
    case unix(path: String)
    /// A host's name or numeric address (an IPv6 one without brackets), and a port.
    case tcp(host: String, port: Int)

    /// The environment variable that names the endpoint for all INET256 programs.
    public static let environmentKey = "INET256_API"
    /// Sockets that are looked for, in this order, where the environment says nothing.
    static let usualPaths = ["/run/inet256vpn/api.sock", "/run/inet256.sock"]

    /// What `INET256_API` names, else the first of the usual sockets that exists, else the first of them.
    public static func standard() throws(ClientEndpointError) -> ClientEndpoint {
        if let value = getenv(environmentKey) {
            let text = String(cString: value)
            if !text.isEmpty { return try ClientEndpoint(parsing: text) }
        }
        return .unix(path: usualPaths.first { access($0, F_OK) == 0 } ?? usualPaths[0])
    }

    /// Parses "unix:///run/x.sock" or "tcp://127.0.0.1:2560".
    public init(parsing text: String) throws(ClientEndpointError) {
        guard let socket = try? SocketText(text) else { throw .init(text) }
        switch socket {
        case .unix(let path): self = .unix(path: path)
        case .tcp(var rest):
            while rest.last == "/" { rest.removeLast() }
            guard let parts = HostPort(rest), parts.port > 0, !parts.host.contains("/"),
                parts.isBracketed || !parts.host.contains(":")
            else { throw .init(text) }
            self = .tcp(host: String(parts.host), port: Int(parts.port))
        }
    }
}

extension ClientEndpoint: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        }
    }
}

/// A text that names no endpoint.
public struct ClientEndpointError: Error, Hashable, CustomStringConvertible {
    public let text: String

    init(_ text: String) { self.text = text }

    public var description: String {
        "\"\(text)\" is no API endpoint: expected unix:///path/to/socket or tcp://127.0.0.1:PORT"
    }
}
