/// What calls to nodes and services fail with. It says what the caller can do; the reasons inside the network
/// stay there.
public enum NodeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The message has this many bytes, more than `Message.maximumCount`.
    case messageTooLarge(Int)
    /// The network knows no such address, no address with the prefix, or no key for the address.
    case notFound
    /// A count of prefix bits outside 0 to 256.
    case badPrefix(bits: Int)
    /// The node was closed, or its key dropped.
    case closed
    /// A node with this key is open already.
    case alreadyOpen
    /// The service gives out no more nodes.
    case tooManyNodes
    /// The caller's task was cancelled. Whether a message was sent is unknown.
    case cancelled
    /// The service cannot be reached or broke off, in words for people.
    case unavailable(String)

    public var description: String {
        switch self {
        case .messageTooLarge(let count):
            "a message of \(count) bytes is too large, at most \(Message.maximumCount) are possible"
        case .notFound: "the network does not know it"
        case .badPrefix(let bits): "a prefix has 0 to 256 bits, not \(bits)"
        case .closed: "the node is closed"
        case .alreadyOpen: "a node with this key is open already"
        case .tooManyNodes: "no more nodes can be opened"
        case .cancelled: "cancelled"
        case .unavailable(let reason): reason
        }
    }
}
