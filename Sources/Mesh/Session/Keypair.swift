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
    var confirmed = false {
        didSet { if confirmed { shared?.confirm() } }
    }
    /// Counter and window live there while several engines use these keys; with one engine there is none.
    let shared: SharedKeypair?

    /// The counter of the next datagram; tests come to the end of a key by setting it.
    var ownCounter: UInt64 = 0
    private var window = ReplayWindow()
    private var loss = LossCount()
    private var failures: UInt64 = 0

    init(
        suite: SuiteChoice, secrets: TransportSecrets, initiator: Bool, localIndex: UInt32, remoteIndex: UInt32,
        limits: CipherLimits, sharedWith remote: Address? = nil, now: Instant
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
        let sendSecret = secrets.key(outward, suite.cipher)
        let receiveSecret = secrets.key(inward, suite.cipher)
        sendKey = AEADKey(suite.cipher, key: sendSecret, backend: suite.backend)
        receiveKey = AEADKey(suite.cipher, key: receiveSecret, backend: suite.backend)
        shared = remote.map {
            SharedKeypair(
                remote: $0, suite: suite, sendSecret: sendSecret, receiveSecret: receiveSecret, localIndex: localIndex,
                remoteIndex: remoteIndex, limits: limits, created: now)
        }
    }

    var nextCounter: UInt64 { shared?.nextCounter ?? ownCounter }

    func maySend(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        if let shared { return shared.maySend(now, bounds) }
        return now - created < bounds.rejectAfter && ownCounter < limits.rejectAfterMessages
    }

    func mayReceive(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        if let shared { return shared.mayReceive(now, bounds) }
        return now - created < bounds.rejectAfter && failures < limits.failedOpenings
    }

    var isWornOut: Bool { nextCounter >= limits.rekeyAfterMessages }

    /// Is it time for new keys?
    func isDue(_ now: Instant, _ bounds: MeshLimits) -> Bool { now - created >= bounds.rekeyAfter || isWornOut }

    /// Writes the header at `target`, seals the `count` frame bytes that stand right behind it in place and puts the tag
    /// behind them. Returns the datagram's length. The caller has asked `maySend`.
    @inline(__always)
    func seal(at target: UnsafeMutableRawPointer, frameCount count: Int) -> Int {
        let counter: UInt64
        if let shared {
            counter = shared.takeCounter()
        } else {
            counter = ownCounter
            ownCounter &+= 1
        }
        return sendKey.seal(at: target, frameCount: count, to: remoteIndex, counter)
    }

    /// Datagrams of the other end that did not come in under these keys; see `LossCount`.
    var lost: UInt64 { loss.lost }

    func lookForLoss(_ now: Instant) {
        if let shared { shared.withWindow { loss.look(at: $0, now) } } else { loss.look(at: window, now) }
    }

    func endLoss() {
        if let shared { shared.withWindow { loss.end(with: $0) } } else { loss.end(with: window) }
    }

    enum Opening {
        /// The frame's bytes stand behind the header; was the counter newer than all before?
        case frame(count: Int, newest: Bool)
        case replayed
        case forged
        /// A counter that no sender comes to with these keys.
        case beyondLimit
    }

    /// Opens a datagram in place. The caller has checked that it is at least `TransportLayout.minimum` long.
    @inline(__always)
    func open(_ datagram: UnsafeMutableRawBufferPointer) -> Opening {
        if let shared { return open(datagram, shared) }
        let counter = UnsafeRawBufferPointer(datagram).little(TransportLayout.counter, as: UInt64.self)
        guard counter < limits.rejectAfterMessages else { return .beyondLimit }
        guard window.admits(counter) else { return .replayed }
        guard receiveKey.open(datagram, counter) else {
            failures = failures.saturated(plus: 1)
            return .forged
        }
        let newest = window.isNewest(counter)
        guard window.accept(counter) else { return .replayed }
        return .frame(count: datagram.count - TransportLayout.overhead, newest: newest)
    }

    private func open(_ datagram: UnsafeMutableRawBufferPointer, _ shared: SharedKeypair) -> Opening {
        let counter = UnsafeRawBufferPointer(datagram).little(TransportLayout.counter, as: UInt64.self)
        guard shared.mayHaveSealed(counter) else { return .beyondLimit }
        guard receiveKey.open(datagram, counter) else {
            shared.noteForgery()
            return .forged
        }
        guard let newest = shared.accept(counter) else { return .replayed }
        return .frame(count: datagram.count - TransportLayout.overhead, newest: newest)
    }
}

/// A key's work on a whole transport datagram, in place.
extension AEADKey {
    /// Writes the header at `target` and seals the frame behind it. Returns the datagram's length.
    @inline(__always)
    func seal(at target: UnsafeMutableRawPointer, frameCount count: Int, to index: UInt32, _ counter: UInt64) -> Int {
        target.putLittle(UInt32(DatagramKind.transport.rawValue), 0)
        target.putLittle(index, TransportLayout.receiver)
        target.putLittle(counter, TransportLayout.counter)
        let header = UnsafeRawBufferPointer(start: target, count: TransportLayout.header)
        seal(target + TransportLayout.header, count: count, nonce: counter, additional: header)
        return count + TransportLayout.overhead
    }

    /// Opens what is at least `TransportLayout.minimum` long. False when it is forged.
    @inline(__always)
    func open(_ datagram: UnsafeMutableRawBufferPointer, _ counter: UInt64) -> Bool {
        guard let base = datagram.baseAddress else { return false }
        let header = UnsafeRawBufferPointer(start: base, count: TransportLayout.header)
        let sealed = datagram.count - TransportLayout.header
        return open(base + TransportLayout.header, count: sealed, nonce: counter, additional: header)
    }
}
