internal import INET256
internal import Wire

/// The two keys of one finished handshake as the box sees them: who began it, whether it is confirmed, what was lost under it. The
/// keys themselves, with counter and window, are the workers' as well (`SharedKeypair`). Replaced by the next handshake, zeroed with the
/// last reference.
final class Keypair {
    let keys: WorkerKeys
    let shared: SharedKeypair
    /// Did this box begin the handshake?
    let initiator: Bool
    /// Whether anything authenticated has come in under these keys. Until then the initiator repeats message 3.
    private(set) var confirmed = false
    private var loss = LossCount()

    /// `remote`: the other end, where other workers may use the keys as well.
    init(_ agreement: Agreement, limits: CipherLimits, sharedWith remote: Address? = nil, now: Instant) {
        initiator = agreement.initiator
        shared = SharedKeypair(agreement, limits: limits, sharedWith: remote, created: now)
        keys = WorkerKeys(shared)
    }

    func confirm() {
        confirmed = true
        shared.confirm()
    }

    var suite: SuiteChoice { shared.suite }
    var created: Instant { shared.created }
    /// The index that the other end puts on what it sends here, and the one it wants to see.
    var localIndex: UInt32 { shared.localIndex }
    var remoteIndex: UInt32 { shared.remoteIndex }
    var nextCounter: UInt64 { shared.nextCounter }

    func maySend(_ now: Instant, _ bounds: MeshLimits) -> Bool { shared.maySend(now, bounds) }

    func mayReceive(_ now: Instant, _ bounds: MeshLimits) -> Bool { shared.mayReceive(now, bounds) }

    var isWornOut: Bool { shared.isWornOut }

    /// Is it time for new keys?
    func isDue(_ now: Instant, _ bounds: MeshLimits) -> Bool { now - created >= bounds.rekeyAfter || isWornOut }

    /// See `WorkerKeys`. The caller has asked `maySend`.
    @inline(__always)
    func seal(at target: UnsafeMutableRawPointer, frameCount count: Int) -> Int {
        keys.seal(at: target, frameCount: count)
    }

    /// Datagrams of the other end that did not come in under these keys; see `LossCount`.
    var lost: UInt64 { loss.lost }

    /// See `LossCount.look`.
    func lookForLoss(_ now: Instant) -> Bool {
        var isOpen = true
        shared.withWindow { isOpen = loss.look(at: $0, now) }
        return isOpen
    }

    func endLoss() { shared.withWindow { loss.end(with: $0) } }
}
