internal import API
internal import INET256
package import System
internal import Wire

/// What the API asks of the data-plane thread.
enum NodeCommand: Sendable {
    case open(PrivateKey, NodeArrival, Promise<Void, APINodeError>)
    case drop(PrivateKey, Promise<Void, APINodeError>)

    /// Tells whoever waits for it that it will not be obeyed.
    func fail(_ error: APINodeError) {
        switch self {
        case .open(_, _, let answer), .drop(_, let answer): answer.end(.failure(error))
        }
    }
}

/// The applications' way into the data plane: a mailbox of its own, so that however many of them come, what the daemon itself
/// asks of its data plane finds room.
package final class NodeInbox: Sendable {
    private let mailbox: Mailbox<NodeCommand>

    package init() throws(SystemError) { mailbox = try Mailbox(capacity: 8192) }

    var descriptor: Int32 { mailbox.descriptor }

    func post(_ command: NodeCommand) throws(APINodeError) {
        do throws(MailboxError) {
            try mailbox.post(command)
        } catch {
            switch error {
            case .full: throw .busy
            case .closed: throw .closed
            }
        }
    }

    /// Everything since the last call, in order.
    func drain() -> [NodeCommand] { mailbox.drain() }

    /// Takes nothing more, and tells those who wait.
    package func close() {
        for command in mailbox.close() { command.fail(.closed) }
    }
}
