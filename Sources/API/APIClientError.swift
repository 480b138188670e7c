internal import Glibc
internal import NIOCore
internal import NIOHTTP1

/// Why the daemon gave no answer, worded for the one who typed the command.
package enum APIClientError: Error, Hashable, CustomStringConvertible {
    /// Nobody listens there.
    case notRunning(APIEndpoint)
    /// The socket is there, and this user may not use it.
    case noPermission(APIEndpoint)
    case timedOut(APIEndpoint, after: Duration)
    case cancelled
    /// Whatever answered does not speak our HTTP, or broke off.
    case broken(APIEndpoint, String)

    package var description: String {
        switch self {
        case .notRunning(let endpoint):
            """
            no daemon answers at \(endpoint): is it running?
            Try: sudo systemctl start inet256vpn    or: sudo inet256vpn up
            """
        case .noPermission(let endpoint):
            """
            you may not use \(endpoint): your user is not in its group (inet256vpn).
            Use sudo, or join the group: sudo usermod -aG inet256vpn $USER    (then log in again)
            """
        case .timedOut(let endpoint, let time): "the daemon at \(endpoint) gave no answer within \(time)"
        case .cancelled: "interrupted"
        case .broken(let endpoint, let reason):
            "whatever answers at \(endpoint) is not this program's daemon: \(reason)"
        }
    }

    init(_ error: any Error, _ endpoint: APIEndpoint) {
        switch error {
        case let error as APIClientError: self = error
        case is CancellationError: self = .cancelled
        case let error as IOError:
            switch error.errnoCode {
            case ENOENT, ECONNREFUSED, ENOTDIR: self = .notRunning(endpoint)
            case EACCES, EPERM: self = .noPermission(endpoint)
            default: self = .broken(endpoint, String(cString: strerror(error.errnoCode)))
            }
        case ChannelError.connectTimeout: self = .notRunning(endpoint)
        case APIAnswerError.brokenOff: self = .broken(endpoint, "it closed the connection before it had answered")
        case APIAnswerError.tooLarge: self = .broken(endpoint, "its answer is too large")
        case is HTTPParserError: self = .broken(endpoint, "it does not speak HTTP")
        default: self = .broken(endpoint, "\(error)")
        }
    }
}
