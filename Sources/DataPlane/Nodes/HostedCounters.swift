/// Messages of applications since the start.
package struct HostedCounters: Sendable, Equatable {
    /// Taken in, to wherever they go.
    package var sent: UInt64 = 0
    /// Handed to connections.
    package var received: UInt64 = 0
    /// Both directions, what `api.allow` held back.
    package var prohibited: UInt64 = 0
    /// No connection of the node had room.
    package var full: UInt64 = 0
    /// For nodes that no connection has open.
    package var unread: UInt64 = 0
    /// Batches with something in them that is no DATA frame.
    package var malformed: UInt64 = 0
    /// Batches for a node that was dropped in the meantime.
    package var closed: UInt64 = 0
}
