internal import Glibc
internal import INET256
internal import NIOCore
internal import NIOPosix
internal import Wire

/// Why there is no connection, as a `NodeError`.
enum ConnectFailure {
    /// The daemon's refusal: its JSON says why, in words; other daemons say it in plain text or not at all.
    static func refused(_ head: AnswerHead, _ body: [UInt8]) -> NodeError {
        let said = body.withUnsafeBytes { JSONObject($0)?.string("error") } ?? String(decoding: body, as: UTF8.self)
        var reason = String(said.trimmingBlanks().prefix(longestReason))
        if reason.isEmpty { reason = head.phrase.isEmpty ? "status \(head.status)" : head.phrase }
        switch head.status {
        case 410: return .closed
        case 503 where reason.lowercased().hasPrefix("too many nodes"): return .tooManyNodes
        default: return .unavailable("the daemon refuses: \(reason)")
        }
    }

    private static let longestReason = 1000

    static func error(_ error: any Error, _ endpoint: ClientEndpoint) -> NodeError {
        switch error {
        case let error as NodeError: return error
        case let error as IOError:
            switch error.errnoCode {
            case ENOENT, ECONNREFUSED, ENOTDIR: return .unavailable("no daemon answers at \(endpoint): is it running?")
            case EACCES, EPERM: return .unavailable("you may not use \(endpoint): your user is not in its group")
            default: break
            }
        case is NIOConnectionError, ChannelError.connectTimeout:
            return .unavailable("no daemon answers at \(endpoint): is it running?")
        default: break
        }
        return .unavailable("the daemon at \(endpoint): \(words(error))")
    }

    static func words(_ error: any Error) -> String {
        if let error = error as? IOError { String(cString: strerror(error.errnoCode)) } else { "\(error)" }
    }
}
