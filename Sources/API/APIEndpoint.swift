package import Wire

/// Where the daemon's API listens and where commands look for it.
package enum APIEndpoint: Hashable, Sendable {
    /// A stream socket in the file system.
    case unix(path: String)
    /// HTTP over TCP. The API has no authentication and no encryption of its own: a listener belongs on a loopback address.
    case tcp(Endpoint)

    /// The socket that the daemon opens when nothing else is configured.
    package static let standard = APIEndpoint.unix(path: "/run/inet256vpn/api.sock")

    /// Parses "unix:///run/x.sock", "unix://./x.sock" or "tcp://127.0.0.1:2560" ("localhost" stands for
    /// 127.0.0.1). Addresses that other machines reach are refused unless `allowingRemote` says otherwise. Throws what
    /// is wrong with the text, worded for people.
    package init(parsing text: String, allowingRemote: Bool = false) throws(APIEndpointError) {
        let socket: SocketText
        do throws(SocketTextError) { socket = try SocketText(text) } catch { throw APIEndpointError(error) }
        switch socket {
        case .unix(let path):
            guard !path.hasSuffix("/") else { throw .noPath }
            self = .unix(path: path)
        case .tcp(let rest):
            let rest = String(rest)
            let numeric = rest.dropping(prefix: "localhost:").map { "127.0.0.1:" + $0 } ?? rest
            guard let endpoint = Endpoint(numeric) else { throw .notNumeric }
            guard allowingRemote || endpoint.address.isLoopback else { throw .notLoopback(rest) }
            self = .tcp(endpoint)
        }
    }

    /// Whether other machines may reach it.
    package var isRemote: Bool {
        switch self {
        case .unix: false
        case .tcp(let endpoint): !endpoint.address.isLoopback
        }
    }
}

extension APIEndpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let endpoint): "tcp://\(endpoint)"
        }
    }
}

/// Why a text does not name an API endpoint.
package enum APIEndpointError: Error, Hashable, CustomStringConvertible {
    case unknownScheme
    case noPath
    /// The path's length in bytes.
    case pathTooLong(Int)
    case notNumeric
    /// The host and port that were given.
    case notLoopback(String)

    init(_ error: SocketTextError) {
        switch error {
        case .unknownScheme: self = .unknownScheme
        case .noPath: self = .noPath
        case .pathTooLong(let count): self = .pathTooLong(count)
        }
    }

    package var description: String {
        switch self {
        case .unknownScheme: "expected unix:///path/to/socket or tcp://127.0.0.1:PORT"
        case .noPath: "expected the path of a socket after unix://, such as unix:///run/inet256vpn/api.sock"
        case .pathTooLong(let count):
            "the socket's path has \(count) bytes, and Unix sockets allow \(SocketText.longestPath)"
        case .notNumeric: "expected a numeric loopback address and a port after tcp://, such as tcp://127.0.0.1:2560"
        case .notLoopback(let host):
            "\(host) is not a loopback address, and the API has no authentication and no encryption"
        }
    }
}

extension String {
    /// The text behind `prefix`, or nil when it does not begin so.
    func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
