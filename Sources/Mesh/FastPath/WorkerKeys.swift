internal import INET256
internal import Wire

/// The keys of one handshake as one worker has them: ciphers of its own, made when they are first needed, over the counter and the
/// window that all workers share. Every datagram of every session is sealed and opened here.
final class WorkerKeys {
    let shared: SharedKeypair
    private lazy var sendKey = AEADKey(shared.suite.cipher, key: shared.sendSecret, backend: shared.suite.backend)
    private lazy var receiveKey = AEADKey(shared.suite.cipher, key: shared.receiveSecret, backend: shared.suite.backend)
    /// What was done since the last report.
    private(set) var done = Work()

    /// Datagrams and bytes under one handshake's keys.
    struct Work {
        var received: UInt64 = 0
        var receivedBytes: UInt64 = 0
        /// Whether there were messages among them, and not only what was relayed.
        var hasData = false
        var sent: UInt64 = 0
        var sentBytes: UInt64 = 0
        /// Of `PathSize.largePayload` and more.
        var sentLarge: UInt64 = 0

        var isNone: Bool { received | sent == 0 }
    }

    init(_ shared: SharedKeypair) { self.shared = shared }

    // MARK: Out

    /// Writes the header at `target`, seals the `count` frame bytes that stand right behind it in place and puts the tag behind
    /// them. Gives the datagram's length. The caller has asked `maySend`.
    @inline(__always)
    func seal(at target: UnsafeMutableRawPointer, frameCount count: Int) -> Int {
        sendKey.seal(at: target, frameCount: count, to: shared.remoteIndex, shared.takeCounter())
    }

    /// The same, for whoever did not ask just before. Nil when the keys have sealed enough.
    @inline(__always)
    func sealInLimit(at target: UnsafeMutableRawPointer, frameCount count: Int) -> Int? {
        guard let counter = shared.takeCounterInLimit() else { return nil }
        return sendKey.seal(at: target, frameCount: count, to: shared.remoteIndex, counter)
    }

    // MARK: In

    enum Opening: Equatable {
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
        let counter = UnsafeRawBufferPointer(datagram).little(TransportLayout.counter, as: UInt64.self)
        guard shared.mayHaveSealed(counter) else { return .beyondLimit }
        guard receiveKey.open(datagram, counter) else {
            shared.noteForgery()
            return .forged
        }
        guard let newest = shared.accept(counter) else { return .replayed }
        return .frame(count: datagram.count - TransportLayout.overhead, newest: newest)
    }

    /// Opens a datagram in place, if the keys still may. Nil when it is no good, which is counted.
    @inline(__always)
    func take(
        _ datagram: UnsafeMutableRawBufferPointer, _ now: Instant, _ limits: MeshLimits, _ drops: inout DropCounters
    ) -> (count: Int, newest: Bool)? {
        guard shared.mayReceive(now, limits) else {
            drops.count(.keyExpired)
            return nil
        }
        switch open(datagram) {
        case .frame(let count, let newest): return (count, newest)
        case .replayed: drops.count(.replayed)
        case .forged: drops.count(.forged)
        case .beyondLimit: drops.count(.counterBeyondLimit)
        }
        return nil
    }

    // MARK: Reports

    @inline(__always)
    func noteReceived(_ bytes: Int, isData: Bool) {
        if isData { done.hasData = true }
        done.received &+= 1
        done.receivedBytes &+= UInt64(bytes)
    }

    @inline(__always)
    func noteSent(_ bytes: Int) {
        done.sent &+= 1
        done.sentBytes &+= UInt64(bytes)
        if bytes >= PathSize.largePayload { done.sentLarge &+= 1 }
    }

    /// Tells the box what was done.
    func report(_ now: Instant) {
        shared.note(done, now)
        done = Work()
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
