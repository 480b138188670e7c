/// What one client may cost the daemon: a user on the Unix socket, a host on TCP. A client that goes beyond is answered with the status that says so
/// where that is still possible, and cut off.
package struct APILimits: Sendable {
    /// Connections at once that have no node open, and of one client. For one more the oldest that has no whole request
    /// yet is closed; where all are being answered, it is answered with 503.
    package var connections = 256
    package var connectionsPerClient = 64
    /// How many of `connections` only root and the daemon's own user may have.
    package var connectionsReserved = 32
    /// Bytes of header names and values together (431 beyond), and their number.
    package var headerBytes = 16 * 1024
    package var headerFields = 64
    /// Bytes of a request's body (413 beyond).
    package var bodyBytes = 64 * 1024
    /// Time for a whole request to arrive, however slowly its bytes drip in (408 beyond).
    package var requestTime: Duration = .seconds(10)
    /// Time for the daemon to find its answer (504 beyond). Longer than the longest ping.
    package var answerTime: Duration = .seconds(75)
    /// Time for a client to take the answer in.
    package var writeTime: Duration = .seconds(10)
    /// Time that the connection stays open for reading after the answer, so that closing it with unread bytes
    /// does not make the kernel reset it before the client has read the answer.
    package var lingerTime: Duration = .seconds(1)

    /// Connections with a node, in all and of one client. The next one is answered with 503.
    package var nodeConnections = 4096
    package var nodeConnectionsPerClient = 256
    /// Different nodes that one client may have open. The next one is answered with 503.
    package var nodesPerClient = 256
    /// Bytes of messages that wait to be read: of one connection, of one client and in all; beyond, messages are lost.
    package var nodeBytesQueued = 4 << 20
    package var nodeBytesQueuedPerClient = 64 << 20
    package var nodeBytesQueuedInAll = 256 << 20
    /// Questions that are being answered: of one connection, of one client and in all; the next one is answered with an
    /// error.
    package var nodeRequests = 64
    package var nodeRequestsPerClient = 256
    package var nodeRequestsInAll = 1024
    /// How often a KEEP is sent.
    package var keepInterval: Duration = .seconds(1)
    /// How long a client may send nothing at all.
    package var silence: Duration = .seconds(3)

    package init() {}
}
