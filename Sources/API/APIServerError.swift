internal import Glibc

/// Why the API's socket could not be opened.
package enum APIServerError: Error, Hashable, CustomStringConvertible {
    case anotherIsRunning(APIEndpoint)
    /// Something that is not a socket lies at the path; it is not ours to remove.
    case notASocket(String)
    /// The kernel refused: what was tried, on which path or address, and errno.
    case system(operation: String, path: String, code: Int32)
    case other(String)

    package var description: String {
        switch self {
        case .anotherIsRunning(let endpoint):
            "another daemon is running at \(endpoint): stop it first, or give this one an api_endpoint of its own"
        case .notASocket(let path):
            "\(path) exists and is not a socket: remove it, or set api_endpoint to another path"
        case .system(let operation, let path, let code):
            "cannot \(operation) \(path): \(String(cString: strerror(code)))" + Self.advice(code)
        case .other(let text): text
        }
    }

    private static func advice(_ code: Int32) -> String {
        switch code {
        case EACCES, EPERM, EROFS: " (run as root, or set api_endpoint to a place that you may write)"
        case EADDRINUSE: " (another program listens there: set api_endpoint to a free port)"
        default: ""
        }
    }
}
