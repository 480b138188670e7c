package import INET256
internal import Synchronization
internal import Wire

/// The keys of one handshake as all workers use them. What must stay one is one here: the counter that nonces come from, the replay
/// window, the count of forgeries. Everything else each worker has of its own (`WorkerKeys`), the prepared ciphers above all, which
/// serve one thread at a time. With one thread it is the same: the atomic addition takes 5 ns and the free lock less than 30, where
/// sealing 1,400 bytes takes 100 to 1,500.
///
/// - No nonce twice: a counter is taken by one atomic addition, and taken once, whatever becomes of the datagram.
/// - No replay: a datagram is authentic before it asks the window, and the window answers under a lock. The kernel gives what
///   comes from one endpoint to one socket, so in the long run one engine asks, and the lock is free.
/// - The limits hold: engines stop `margin` before the last counter, which is more than what all can take at once.
package final class SharedKeypair: Sendable {
    /// Whom the session joins the box's main address with, where several workers use the keys; nil where the box does alone, as of
    /// sessions of its other nodes.
    package let remote: Address?
    let suite: SuiteChoice
    let localIndex: UInt32
    let remoteIndex: UInt32
    let created: Instant
    private let limits: CipherLimits
    /// What each engine makes its own ciphers from: locked memory, zeroed with the last reference.
    let sendSecret: SecretBytes
    let receiveSecret: SecretBytes

    private let counter = Atomic<UInt64>(0)
    private let window = Mutex(ReplayWindow())
    private let failures = Atomic<UInt64>(0)
    /// Whether anything authentic has come in under these keys, as far as the first engine knows.
    private let confirmation = Atomic<Bool>(false)

    /// What the workers did since the box asked.
    private let received = Atomic<UInt64>(0)
    private let receivedBytes = Atomic<UInt64>(0)
    private let receivedAt = Atomic<Int64>(0)
    /// When a message came; 0 while none did.
    private let dataAt = Atomic<Int64>(0)
    private let sent = Atomic<UInt64>(0)
    private let sentBytes = Atomic<UInt64>(0)
    private let sentLarge = Atomic<UInt64>(0)
    private let sentAt = Atomic<Int64>(0)

    /// Counters that are never used, before the last: an engine asks `maySend` once and may then seal a super-packet's
    /// segments, while others take a counter each that they find to be too high.
    static let margin: UInt64 = 4096

    init(_ agreement: Agreement, limits: CipherLimits, sharedWith remote: Address?, created: Instant) {
        self.remote = remote
        suite = agreement.suite
        sendSecret = agreement.sendSecret
        receiveSecret = agreement.receiveSecret
        localIndex = agreement.localIndex
        remoteIndex = agreement.remoteIndex
        self.limits = limits
        self.created = created
    }

    // MARK: Sending

    /// The counter that is taken next; it may be gone by the time it is read.
    var nextCounter: UInt64 { counter.load(ordering: .relaxed) }

    var lastCounter: UInt64 {
        let margin = remote == nil ? 0 : Self.margin
        return limits.rejectAfterMessages - min(margin, limits.rejectAfterMessages)
    }

    var isWornOut: Bool { nextCounter >= limits.rekeyAfterMessages }

    /// For tests, which come to the end of a key by it.
    func skip(to next: UInt64) { counter.store(next, ordering: .relaxed) }

    func maySend(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        now - created < bounds.rejectAfter && nextCounter < lastCounter
    }

    /// A counter that nobody else has had or will have.
    @inline(__always)
    func takeCounter() -> UInt64 { counter.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// The same, for whoever did not ask how many are left just before. Nil when the keys have sealed enough.
    @inline(__always)
    func takeCounterInLimit() -> UInt64? {
        // Asked first, so that those who go on asking do not push the counter to its end.
        guard nextCounter < lastCounter else { return nil }
        return takeCounter()
    }

    // MARK: Receiving

    func mayReceive(_ now: Instant, _ bounds: MeshLimits) -> Bool {
        now - created < bounds.rejectAfter && failures.load(ordering: .relaxed) < limits.failedOpenings
    }

    /// Whether the other end may come to this counter with these keys.
    @inline(__always)
    func mayHaveSealed(_ counter: UInt64) -> Bool { counter < limits.rejectAfterMessages }

    /// Marks an authentic counter. Nil when it was seen before or is too old, else whether it is newer than all before.
    @inline(__always)
    func accept(_ counter: UInt64) -> Bool? {
        window.withLock { window in
            let isNewest = window.isNewest(counter)
            return window.accept(counter) ? isNewest : nil
        }
    }

    func noteForgery() { failures.wrappingAdd(1, ordering: .relaxed) }

    func withWindow(_ body: (inout ReplayWindow) -> Void) { window.withLock { body(&$0) } }

    var isConfirmed: Bool { confirmation.load(ordering: .relaxed) }

    func confirm() { confirmation.store(true, ordering: .relaxed) }

    // MARK: What the box hears of workers

    struct Activity {
        let work: WorkerKeys.Work
        let receivedAt: Instant
        /// When a message last came.
        let dataAt: Instant?
        let sentAt: Instant
    }

    /// A worker took in messages, or sent some.
    func note(_ work: WorkerKeys.Work, _ now: Instant) {
        if work.received > 0 {
            receivedAt.store(now.nanoseconds, ordering: .relaxed)
            if work.hasData { dataAt.store(now.nanoseconds, ordering: .relaxed) }
            receivedBytes.wrappingAdd(work.receivedBytes, ordering: .relaxed)
            received.wrappingAdd(work.received, ordering: .releasing)
        }
        guard work.sent > 0 else { return }
        sentAt.store(now.nanoseconds, ordering: .relaxed)
        sentBytes.wrappingAdd(work.sentBytes, ordering: .relaxed)
        sentLarge.wrappingAdd(work.sentLarge, ordering: .relaxed)
        sent.wrappingAdd(work.sent, ordering: .releasing)
    }

    /// Takes the counts, which begin anew. Nil when nothing happened.
    func takeActivity() -> Activity? {
        guard received.load(ordering: .relaxed) > 0 || sent.load(ordering: .relaxed) > 0 else { return nil }
        let dataAt = dataAt.load(ordering: .relaxed)
        return Activity(
            work: WorkerKeys.Work(
                received: received.exchange(0, ordering: .acquiring),
                receivedBytes: receivedBytes.exchange(0, ordering: .relaxed),
                sent: sent.exchange(0, ordering: .acquiring), sentBytes: sentBytes.exchange(0, ordering: .relaxed),
                sentLarge: sentLarge.exchange(0, ordering: .relaxed)),
            receivedAt: Instant(nanoseconds: receivedAt.load(ordering: .relaxed)),
            dataAt: dataAt == 0 ? nil : Instant(nanoseconds: dataAt),
            sentAt: Instant(nanoseconds: sentAt.load(ordering: .relaxed)))
    }
}
