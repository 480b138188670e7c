public import INET256

extension Node {
    /// The messages that come, as a sequence that ends when the node is closed. It throws `cancelled` when the task is, and
    /// `unavailable` when the daemon is gone. Two loops over it share the messages.
    public var messages: NodeMessages { NodeMessages(node: self) }
}

public struct NodeMessages: AsyncSequence, Sendable {
    fileprivate let node: any Node

    public func makeAsyncIterator() -> Iterator { Iterator(node: node) }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let node: any Node

        public func next() async throws(NodeError) -> Message? {
            do throws(NodeError) {
                return try await node.receive()
            } catch .closed {
                return nil
            }
        }

        public func next(isolation actor: isolated (any Actor)?) async throws(NodeError) -> Message? {
            try await next()
        }
    }
}
