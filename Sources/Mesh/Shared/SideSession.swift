internal import INET256
internal import Wire

/// A way with keys, looked up once for a super-packet. Good until the box is handed anything else.
public struct SideLane {
    public let capacity: Int
    public let isSettled: Bool
    let path: Path
    let keypair: SideKeypair
    /// From the datagram's first byte to the packet's.
    static let lead = TransportLayout.header + 1
}

/// A side engine's view of a session.
final class SideSession {
    let remote: Address
    var way: SharedWay?
    var sending: SideKeypair?
    /// Messages go by the first engine until it is through with those before them.
    var isDetoured = false

    init(remote: Address) { self.remote = remote }

    func end() {
        way = nil
        sending = nil
    }
}

/// Shared keys with ciphers of this engine's own, made when they are first needed.
final class SideKeypair {
    let shared: SharedKeypair
    let session: SideSession
    lazy var sendKey = AEADKey(shared.suite.cipher, key: shared.sendSecret, backend: shared.suite.backend)
    lazy var receiveKey = AEADKey(shared.suite.cipher, key: shared.receiveSecret, backend: shared.suite.backend)
    var received: UInt64 = 0
    var receivedBytes: UInt64 = 0
    var sent: UInt64 = 0
    var sentBytes: UInt64 = 0

    init(_ shared: SharedKeypair, _ session: SideSession) {
        self.shared = shared
        self.session = session
    }

    func report(_ now: Instant) {
        if received > 0 { shared.noteReceived(received, bytes: receivedBytes, hadData: true, now) }
        if sent > 0 { shared.noteSent(sent, bytes: sentBytes, now) }
        (received, receivedBytes, sent, sentBytes) = (0, 0, 0, 0)
    }
}
