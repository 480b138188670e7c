/// A message as it arrives.
public struct Message: Hashable, Sendable {
    /// Who sent it: proven by the network.
    public var source: Address
    /// To whom: the node that receives it.
    public var destination: Address
    /// 0 to `maximumCount` bytes.
    public var payload: [UInt8]

    /// The MTU of every INET256 network, in bytes (specification, section 2.2.1).
    public static let maximumCount = 65_535

    public init(source: Address, destination: Address, payload: [UInt8]) {
        self.source = source
        self.destination = destination
        self.payload = payload
    }
}

/// The Node API of the INET256 specification (section 2.2): an address in the network that sends and receives
/// messages. Delivery is best effort, at most once, unaltered, and from whom it says.
///
/// Calls may be made from any task, several at a time. Each that waits ends soon with `NodeError.cancelled` when
/// its task is cancelled, and with `NodeError.closed` when the node is closed; that is how callers limit their time.
public protocol Node: Sendable {
    /// The public half of the key that the node was opened with.
    var publicKey: PublicKey { get }

    /// Sends 0 to `Message.maximumCount` bytes; more are refused. That it returns says that the message was taken, not
    /// that it arrived.
    func send(_ message: [UInt8], to address: Address) async throws(NodeError)

    /// Waits for the next message. Each is given to one caller.
    func receive() async throws(NodeError) -> Message

    /// An address in the network whose first `bits` bits (0 to 256) are those of `prefix`. Throws `notFound` when
    /// there is none; then sending to such an address would fail as well.
    func findAddress(prefix: Address, bits: Int) async throws(NodeError) -> Address

    /// The key whose hash `address` is.
    func lookupPublicKey(_ address: Address) async throws(NodeError) -> PublicKey

    /// Takes the node out of the network. Waiting calls end with `closed`; closing twice does nothing.
    func close()
}

extension Node {
    /// The node's own address: the hash of its key.
    public var localAddress: Address { publicKey.address }
}

/// The Service API of the INET256 specification (section 2.1): makes nodes of keys.
public protocol Service: Sendable {
    /// Puts a node with this key into the network. The service is trusted with the key as long as the node is open.
    /// Throws `alreadyOpen` when there is one with the key.
    func open(_ key: PrivateKey) async throws(NodeError) -> any Node

    /// Takes the node with this key out of the network and forgets the key. Nothing to do is no error.
    func drop(_ key: PrivateKey) async throws(NodeError)
}
