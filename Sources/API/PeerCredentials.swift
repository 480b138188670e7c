internal import Glibc
internal import NIOCore

/// `struct ucred` of unix(7): glibc shows it only to C with _GNU_SOURCE.
private struct ProcessCredentials: Sendable {
    let process: Int32
    let user: UInt32
    let group: UInt32
}

extension APICaller {
    /// Who is at the other end of `channel`, as the kernel knows it.
    static func ofChannel(_ channel: any Channel, _ endpoint: APIEndpoint) -> EventLoopFuture<APICaller> {
        switch endpoint {
        case .tcp:
            let text = channel.remoteAddress.map { "\($0)" } ?? "unknown"
            return channel.eventLoop.makeSucceededFuture(.address(text))
        case .unix:
            guard let options = channel as? any SocketOptionProvider else {
                return channel.eventLoop.makeSucceededFuture(.unknown)
            }
            let credentials: EventLoopFuture<ProcessCredentials> = options.unsafeGetSocketOption(
                level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
                name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
            return credentials.map { .process(id: $0.process, user: $0.user, group: $0.group) }
        }
    }

    /// Whom limits per client count: a user's processes together, a host's ports together.
    func client(_ channel: any Channel) -> APIClientIdentity {
        switch self {
        case .process(_, let user, _): .user(user)
        case .address: .host(channel.remoteAddress?.ipAddress ?? "unknown")
        case .unknown: .unknown
        }
    }
}

enum APIClientIdentity: Hashable, Sendable {
    case user(UInt32)
    case host(String)
    case unknown
}
