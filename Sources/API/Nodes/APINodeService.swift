public import INET256

/// What the API needs of the box to let applications open nodes. The program implements it over the data plane's mailbox, tests in memory.
public protocol APINodeService: Sendable {
    /// Opens the node of `key`, or joins it where it is open already. `sink` takes what comes for the node until the
    /// returned handle is closed or `sink.end` is called.
    func open(_ key: PrivateKey, caller: APICaller, sink: any APINodeSink) async throws(APINodeError) -> any APINode

    /// Removes the node and ends every connection that has it open. Fine when it is not open.
    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError)
}

/// A connection's hold on a node. All calls may come from any thread and none blocks.
public protocol APINode: Sendable {
    var address: Address { get }

    /// Hands over messages: whole DATA frames as they stand on the wire, one behind the other, destination in each.
    /// `done` is called, on any thread, when they were taken in or dropped (and counted): a connection keeps its own bytes in
    /// flight within limits by not reading on until then, so nobody else has to wait for it.
    func send(_ frames: [UInt8], done: @escaping @Sendable () -> Void)

    func find(prefix: Address, bits: Int) async throws(APINodeError) -> Address

    func lookup(_ address: Address) async throws(APINodeError) -> PublicKey

    /// Lets go of the node; it is removed when the last connection has.
    func close()
}

/// Where messages for a node go.
public protocol APINodeSink: AnyObject, Sendable {
    /// Takes whole DATA frames as they stand on the wire, one behind the other, source in each; called on the data plane's thread,
    /// so it only notes them and returns. False when there is no room for all of them: then none was taken, and the caller
    /// offers them to the next connection of the node, or drops and counts them.
    func offer(_ frames: [UInt8]) -> Bool

    /// The node was dropped or the daemon stops.
    func end(_ reason: APINodeError)
}

/// Why a node could not be opened or a question was not answered. Each has an HTTP status and words for people.
public enum APINodeError: Error, Hashable, Sendable, CustomStringConvertible {
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

    public var status: Int {
        switch self {
        case .reserved: 403
        case .tooMany, .busy: 503
        case .notFound: 404
        case .closed: 410
        case .cancelled: 499
        }
    }

    public var description: String {
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
