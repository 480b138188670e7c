import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Which keys a session sends on, and what it gives back when they end.
@Suite struct SessionKeysTests {
    private let random = MeshSim.SeededRandom(seed: 11)
    private let start = Instant(nanoseconds: 1_000_000_000)
    private let limits = MeshLimits()
    private let session: Session

    init() {
        let local = BoxNode(id: .main, key: PrivateKey(generatedFrom: random))
        session = Session(
            number: 1, local: local, remote: PrivateKey(generatedFrom: random).address,
            now: Instant(nanoseconds: 1_000_000_000))
    }

    private func keypair(
        _ index: UInt32, initiator: Bool = true, confirmed: Bool = false, at now: Instant? = nil
    ) -> Keypair {
        let secrets = TransportSecrets(
            initiatorToResponder: SecretBytes(count: 32, from: random),
            responderToInitiator: SecretBytes(count: 32, from: random), hash: [])
        let agreement = Agreement(
            suite: SuiteChoice(cipher: .chaCha20Poly1305, backend: .libsodium), secrets: secrets, initiator: initiator,
            localIndex: index, remoteIndex: index + 1000)
        let made = Keypair(agreement, limits: .chaCha, now: now ?? start)
        if confirmed { made.confirm() }
        return made
    }

    private func attempt(_ index: UInt32, _ route: Attempt.Route = .relayed) -> Attempt {
        Attempt(session, index, route, suites: Suites(ciphers: [.chaCha20Poly1305], minimum: 1), random, now: start)
    }

    private func indices(_ ended: [SessionKeys.Ended]) -> [UInt32] { ended.map(\.index) }

    /// The old keys serve until the other end has shown that it has the new ones.
    @Test func newKeysAreUsedWhenTheyAreConfirmed() {
        var keys = SessionKeys(prefersOwn: true)
        let first = keypair(1)
        #expect(keys.install(first, straight: true, start, limits).isEmpty && keys.current === first)
        #expect(keys.confirm(first, start, limits).isEmpty && first.confirmed)
        let second = keypair(2, at: start + .seconds(100))
        #expect(keys.install(second, straight: true, start + .seconds(100), limits).isEmpty)
        #expect(keys.current === first && keys.previous == nil)
        #expect(keys.confirm(second, start + .seconds(101), limits).isEmpty)
        #expect(keys.current === second && keys.previous === first)
        // The next ones push the first out.
        let third = keypair(3, initiator: false, confirmed: true, at: start + .seconds(150))
        #expect(indices(keys.install(third, straight: true, start + .seconds(150), limits)) == [1])
        #expect(keys.current === third && keys.previous === second)
        #expect(keys.lastHandshake == start + .seconds(150))
    }

    /// Where the other end has lost the old ones, the new ones are used at once.
    @Test func doubtfulKeysGiveWay() {
        var keys = SessionKeys(prefersOwn: true)
        let first = keypair(1, confirmed: true)
        _ = keys.install(first, straight: true, start, limits)
        let calling = attempt(2)
        keys.begin(calling)
        calling.doubtKeys()
        let second = keypair(2, at: start + .seconds(60))
        calling.answered(second, finish: [1], by: nil)
        _ = keys.install(second, straight: false, start + .seconds(60), limits)
        #expect(keys.current === second && keys.previous === first && keys.relayed === calling)
        // Message 3 is repeated until something comes under them.
        _ = keys.confirm(second, start + .seconds(61), limits)
        #expect(!keys.hasAttempt)
    }

    /// Both began at once: both ends send on the one that the smaller address began.
    @Test(arguments: [true, false]) func simultaneousHandshakes(prefersOwn: Bool) {
        var keys = SessionKeys(prefersOwn: prefersOwn)
        let own = keypair(1, initiator: true, confirmed: true)
        let other = keypair(2, initiator: false, confirmed: true, at: start + .seconds(1))
        _ = keys.install(own, straight: true, start, limits)
        _ = keys.install(other, straight: true, start + .seconds(1), limits)
        #expect(keys.current === (prefersOwn ? own : other) && keys.previous === (prefersOwn ? other : own))
        // Later ones are simply newer.
        let late = keypair(3, initiator: false, confirmed: true, at: start + .seconds(30))
        _ = keys.install(late, straight: true, start + .seconds(30), limits)
        #expect(keys.current === late)
    }

    /// The other end was faster: a call that waits has become needless, one over UDP only where the keys came so.
    @Test func aFasterHandshakeEndsCalls() {
        var keys = SessionKeys(prefersOwn: true)
        keys.begin(attempt(5))
        keys.begin(attempt(6, .direct([])))
        let relayed = keypair(1, initiator: false, confirmed: true)
        #expect(indices(keys.install(relayed, straight: false, start, limits)) == [5])
        #expect(keys.relayed == nil && keys.direct != nil)
        let straight = keypair(2, initiator: false, confirmed: true, at: start + .seconds(10))
        #expect(indices(keys.install(straight, straight: true, start + .seconds(10), limits)) == [6])
        #expect(!keys.hasAttempt)
    }

    /// An index is given back once: by the attempt, or by the keys that it has become.
    @Test func everyIndexIsGivenBackOnce() {
        var keys = SessionKeys(prefersOwn: true)
        let calling = attempt(7)
        keys.begin(calling)
        let made = keypair(7)
        calling.answered(made, finish: [], by: nil)
        _ = keys.install(made, straight: false, start, limits)
        #expect(keys.current === made)
        #expect(keys.end(.relayed).isEmpty && keys.end(.relayed).isEmpty && keys.end(.direct).isEmpty)
        let ended = keys.drop()
        #expect(indices(ended) == [7] && ended.first?.keypair === made && !keys.hasAny && keys.drop().isEmpty)
        // Keys that never came into use go with their attempt.
        let waiting = keypair(9, confirmed: true)
        _ = keys.install(waiting, straight: false, start, limits)
        let second = attempt(8)
        keys.begin(second)
        let unused = keypair(8)
        second.answered(unused, finish: [], by: nil)
        _ = keys.install(unused, straight: false, start, limits)
        let left = keys.endAttempts()
        #expect(indices(left) == [8] && left.first?.keypair === unused)
    }

    @Test func keysThatWereNeverConfirmedAreGivenUp() {
        var keys = SessionKeys(prefersOwn: true)
        let old = keypair(1)
        _ = keys.install(old, straight: true, start, limits)
        let new = keypair(2, at: start + .seconds(10))
        _ = keys.install(new, straight: true, start + .seconds(10), limits)
        #expect(keys.current === new && keys.previous === old)
        #expect(keys.giveUp(old) == nil)
        #expect(keys.giveUp(new).map(indices) == [2] && keys.current === old && keys.previous == nil)
    }

    @Test func keysExpire() {
        var keys = SessionKeys(prefersOwn: true)
        #expect(keys.end(limits) == .distantFuture)
        let old = keypair(1, confirmed: true)
        let new = keypair(2, confirmed: true, at: start + .seconds(100))
        _ = keys.install(old, straight: true, start, limits)
        _ = keys.install(new, straight: true, start + .seconds(100), limits)
        #expect(keys.end(limits) == start + limits.rejectAfter)
        #expect(keys.expire(start + .seconds(179), limits).isEmpty)
        #expect(indices(keys.expire(start + .seconds(180), limits)) == [1] && keys.current === new)
        #expect(keys.end(limits) == start + .seconds(100) + limits.rejectAfter)
        #expect(keys.sending(start + .seconds(279), limits) === new)
        #expect(keys.sending(start + .seconds(280), limits) == nil)
        #expect(indices(keys.expire(start + .seconds(280), limits)) == [2] && !keys.hasAny)
    }

    /// A hint must fit to what was sent lately, and is heeded twice a second.
    @Test func hints() {
        var keys = SessionKeys(prefersOwn: true)
        #expect(keys.heedsHint(0, start) == false)
        let made = keypair(1, confirmed: true)
        _ = keys.install(made, straight: true, start, limits)
        made.shared.skip(to: 5000)
        let later = start + .seconds(1)
        #expect(keys.heedsHint(4999, start + .milliseconds(500)) == false, "keys that are so young are not doubted")
        #expect(!keys.heedsHint(5000, later) && !keys.heedsHint(3975, later))
        #expect(keys.heedsHint(3976, later) && !keys.heedsHint(4999, later + .milliseconds(500)))
        #expect(keys.heedsHint(4999, later + .milliseconds(501)) == true)
    }
}
