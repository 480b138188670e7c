package import INET256
package import NodeProtocol
package import Wire

/// What the API needs of the box to let applications open nodes. The program implements it over the data plane's mailbox, tests in memory.
package protocol APINodeService: Sendable {
    /// Opens the node of `key`, or joins it where it is open already, and takes over the connection: on the thread that
    /// owns a `NodeConnections` it is given to that one's `open`. What is thrown is answered over HTTP.
    func open(_ key: PrivateKey, _ arrival: NodeArrival) async throws(APINodeError)

    /// Removes the node and ends every connection that has it open. Fine when it is not open.
    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError)
}

/// A connection as those see it who have something for it. All calls come from the thread that owns it.
package protocol APINodeSink: AnyObject {
    /// Takes whole DATA frames as they stand on the wire, one behind the other, source in each, and gives how many bytes of
    /// them it took: as many whole frames, from the first on, as there is room for. The caller offers the rest to the
    /// next connection of the node, or drops and counts it.
    func offer(_ frames: UnsafeRawBufferPointer) -> Int

    /// Answers a question that this connection asked.
    func answer(_ question: NodeQuestion, _ answer: NodeQuestion.Answer)

    /// Nobody waits for answers any more.
    var isEnded: Bool { get }

    /// The node was dropped or the daemon stops.
    func end(_ reason: APINodeError)
}

/// What the owner of connections does for them. All calls come from its own thread.
package protocol APINodeHost: AnyObject {
    /// Takes whole DATA frames as they stand on the wire, one behind the other, destination in each. They are valid until
    /// it returns.
    func take(_ frames: UnsafeRawBufferPointer, from connection: NodeConnection) throws

    /// Answers a question by the connection's `answer`, now or later, once.
    func ask(_ question: NodeQuestion, from connection: NodeConnection)

    /// The connection has ended: its hold on its node is to be let go of.
    func leave(_ connection: NodeConnection)

    /// Nil when there is room for more messages; else when it is to be asked again.
    func roomAwaited(now: Instant) -> Instant?

    /// Watches a descriptor, or changes what it is watched for. Nothing at all means that it is not watched.
    func watch(_ descriptor: Int32, number: UInt64, from old: NodeInterest, to new: NodeInterest) throws
}

/// What a connection's descriptor is watched for.
package struct NodeInterest: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let readable = NodeInterest(rawValue: 1)
    package static let writable = NodeInterest(rawValue: 2)
}

/// Why a node could not be opened or a question was not answered. Each has an HTTP status and words for people.
package enum APINodeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The box's own main address is not for applications.
    case reserved
    /// Too many nodes: of this client, or in all.
    case tooMany(String)
    case notFound
    /// Dropped by a client that has its key, or the daemon stops.
    case closed
    /// The data plane does not take more at the moment.
    case busy
    case cancelled

    package var status: Int {
        switch self {
        case .reserved: 403
        case .tooMany, .busy: 503
        case .notFound: 404
        case .closed: 410
        case .cancelled: 499
        }
    }

    package var description: String {
        switch self {
        case .reserved: "this address is the box's own: only the daemon speaks from it"
        case .tooMany(let what): "too many nodes are open \(what)"
        case .notFound: "not found"
        case .closed: "the node was dropped"
        case .busy: "the daemon is busy: try again"
        case .cancelled: "cancelled"
        }
    }
}
