internal import INET256
internal import Wire

/// The two keys of one finished handshake, their counters and their age. Replaced by the next handshake, zeroed
/// with the last reference.
final class Keypair {
    let suite: SuiteChoice
    private let sendKey: AEADKey
    private let receiveKey: AEADKey
    private let limits: CipherLimits
    let created: Instant
    /// Did this box begin the handshake?
    let initiator: Bool
    /// The index that the other end puts on what it sends here, and the one it wants to see.
    let localIndex: UInt32
    let remoteIndex: UInt32
    /// Whether anything authenticated has come in under these keys. Until then the initiator repeats message 3.
    var confirmed = false

    private(set) var nextCounter: UInt64 = 0
    private(set) var window = ReplayWindow()
    private var loss = LossCount()
    private var failures: UInt64 = 0

    init(
        suite: SuiteChoice, secrets: TransportSecrets, initiator: Bool, localIndex: UInt32, remoteIndex: UInt32,
        limits: CipherLimits, now: Instant
    ) {
        self.limits = limits
        self.suite = suite
        self.initiator = initiator
        self.localIndex = localIndex
        self.remoteIndex = remoteIndex
        created = now
        let (outward, inward) =
            initiator
            ? (secrets.initiatorToResponder, secrets.responderToInitiator)
            : (secrets.responderToInitiator, secrets.initiatorToResponder)
        sendKey = AEADKey(suite.cipher, key: secrets.key(outward, suite.cipher), backend: suite.backend)
        receiveKey = AEADKey(suite.cipher, key: secrets.key(inward, suite.cipher), backend: suite.backend)
    }

    func maySend(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        now - created < bounds.rejectAfter && nextCounter < limits.rejectAfterMessages
    }

    func mayReceive(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        now - created < bounds.rejectAfter && failures < limits.failedOpenings
    }

    var isWornOut: Bool { nextCounter >= limits.rekeyAfterMessages }

    /// Is it time for new keys?
    func isDue(_ now: Instant, _ bounds: MeshLimits) -> Bool { now - created >= bounds.rekeyAfter || isWornOut }

    /// Writes the header at `target`, seals the `count` frame bytes that stand right behind it in place and puts the tag
    /// behind them. Returns the datagram's length. The caller has asked `maySend`.
    @inline(__always)
    func seal(at target: UnsafeMutableRawPointer, frameCount count: Int) -> Int {
        target.putLittle(UInt32(DatagramKind.transport.rawValue), 0)
        target.putLittle(remoteIndex, TransportLayout.receiver)
        target.putLittle(nextCounter, TransportLayout.counter)
        let header = UnsafeRawBufferPointer(start: target, count: TransportLayout.header)
        sendKey.seal(target + TransportLayout.header, count: count, nonce: nextCounter, additional: header)
        nextCounter += 1
        return count + TransportLayout.overhead
    }

    /// Datagrams of the other end that did not come in under these keys; see `LossCount`.
    var lost: UInt64 { loss.lost }

    func lookForLoss(_ now: Instant) { loss.look(at: window, now) }

    func endLoss() { loss.end(with: window) }

    enum Opening {
        /// The frame's bytes stand behind the header; was the counter newer than all before?
        case frame(count: Int, newest: Bool)
        case replayed
        case forged
    }

    /// Opens a datagram in place. The caller has checked that it is at least `TransportLayout.minimum` long.
    @inline(__always)
    func open(_ datagram: UnsafeMutableRawBufferPointer) -> Opening {
        let counter = UnsafeRawBufferPointer(datagram).little(TransportLayout.counter, as: UInt64.self)
        guard window.admits(counter), let base = datagram.baseAddress else { return .replayed }
        let header = UnsafeRawBufferPointer(start: base, count: TransportLayout.header)
        let sealed = datagram.count - TransportLayout.header
        guard receiveKey.open(base + TransportLayout.header, count: sealed, nonce: counter, additional: header) else {
            failures += 1
            return .forged
        }
        let newest = window.isNewest(counter)
        guard window.accept(counter) else { return .replayed }
        return .frame(count: sealed - TransportLayout.tag, newest: newest)
    }
}
