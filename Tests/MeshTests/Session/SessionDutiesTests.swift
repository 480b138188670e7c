import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What a session wants done, and when: by its state alone, without a box.
@Suite struct SessionDutiesTests {
    private let random = MeshSim.SeededRandom(seed: 31)
    private let start = Instant(nanoseconds: 1_000_000_000_000)
    private let limits = MeshLimits()
    private let local: BoxNode

    init() { local = BoxNode(id: .main, key: PrivateKey(generatedFrom: random)) }

    private func session(withKeys: Bool = true) -> Session {
        let session = Session(number: 1, local: local, remote: PrivateKey(generatedFrom: random).address, now: start)
        guard withKeys else { return session }
        let secrets = TransportSecrets(
            initiatorToResponder: SecretBytes(count: 32, from: random),
            responderToInitiator: SecretBytes(count: 32, from: random), hash: [])
        let agreement = Agreement(
            suite: SuiteChoice(cipher: .chaCha20Poly1305, backend: .libsodium), secrets: secrets, initiator: true,
            localIndex: 1, remoteIndex: 2)
        let keypair = Keypair(agreement, limits: .chaCha, now: start)
        keypair.confirm()
        _ = session.keys.install(keypair, straight: true, start, limits)
        return session
    }

    private let path = Path(
        remote: Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 1), port: 1), interface: 1, socket: 0)

    /// A session over a direct path that has just answered.
    private func direct() -> Session {
        let session = session()
        session.path.turn(to: path, isProven: true, bytes: 0, challenge: 0, now: start)
        _ = session.path.answers(start, limits, isLink: false)
        return session
    }

    private func step(_ session: Session, _ reason: DeadlineReason, _ now: Instant, accepts: Bool = true) -> String {
        switch session.step(reason, acceptsLink: accepts, now, limits) {
        case .none: "none"
        case .retire(let ended, let current): "retire \(ended.count) \(current)"
        case .challenge: "challenge"
        case .loseWay: "lose way"
        case .size(let probe, let isNews): "size \(probe != nil) \(isNews)"
        case .life(let step): "life \(step)"
        case .hello: "hello"
        case .call(let way): "call \(way)"
        case .tell(let frame): "tell \(frame.kind)"
        case .doubtKeys: "doubt keys"
        case .servePending: "serve pending"
        case .repeatMessage: "repeat"
        case .giveUp: "give up"
        case .forget: "forget"
        }
    }

    /// Nothing to do before its time, what is said at its time, and then nothing that is due at once again, though nobody did it.
    private func expect(
        _ session: Session, _ reason: DeadlineReason, at: Instant, _ word: String,
        _ place: SourceLocation = #_sourceLocation
    ) {
        let before = at - .milliseconds(1)
        #expect(step(session, reason, before) == "none", sourceLocation: place)
        #expect(session.due(reason, before, limits) == at, sourceLocation: place)
        #expect(step(session, reason, at) == word, sourceLocation: place)
        #expect(session.due(reason, at, limits) > at, sourceLocation: place)
    }

    @Test func aSessionWithoutKeysIsForgottenSoon() {
        let new = session(withKeys: false)
        #expect(step(new, .idle, start) == "none" && new.due(.idle, start, limits) == start + .seconds(5))
        #expect(step(new, .idle, start + .seconds(5)) == "forget")
        for reason in DeadlineReason.allCases where reason != .idle {
            #expect(step(new, reason, start + .seconds(9)) == "none", "\(reason)")
            #expect(new.due(reason, start + .seconds(9), limits) == .distantFuture, "\(reason)")
        }
        // A peer's stays.
        new.configure(as: Peer(PeerSettings(address: new.remote, endpoints: [])))
        #expect(step(new, .idle, start + .seconds(999)) == "none")
        #expect(new.due(.idle, start, limits) == .distantFuture)
    }

    @Test func aSessionWithKeysIsForgottenLate() {
        let session = session()
        session.traffic.sent(10, start + .seconds(20))
        let end = start + .seconds(20) + limits.sessionIdle
        #expect(session.due(.idle, start, limits) == end)
        #expect(step(session, .idle, end - .milliseconds(1)) == "none" && step(session, .idle, end) == "forget")
    }

    @Test func keysEndAndAreRenewed() {
        let session = session()
        // Nobody uses them: they simply end.
        #expect(session.due(.newKeys, start + limits.rekeyAfter, limits) == .distantFuture)
        session.traffic.sentData(start + .seconds(100))
        expect(session, .newKeys, at: start + limits.rekeyAfter, "call relayed")
        expect(session, .keysEnd, at: start + limits.rejectAfter, "retire 1 true")
        #expect(session.current == nil)
        let straight = direct()
        straight.traffic.sentData(start + .seconds(100))
        expect(straight, .newKeys, at: start + limits.rekeyAfter, "call direct")
    }

    @Test func whatCameIsAcknowledged() {
        let session = session()
        #expect(session.due(.keepalive, start, limits) == .distantFuture)
        session.traffic.receivedData(start + .seconds(1))
        expect(session, .keepalive, at: start + .seconds(1) + limits.keepaliveAfter, "tell keepalive")
        // Anything that goes out does that.
        session.traffic.sent(50, start + .seconds(2))
        #expect(session.due(.keepalive, start + .seconds(2), limits) == .distantFuture)
        // A link is asked for signs of life instead.
        session.traffic.receivedData(start + .seconds(3))
        session.link.up(as: NeighbourID(rawValue: 0))
        #expect(session.due(.keepalive, start + .seconds(3), limits) == .distantFuture)
    }

    @Test func silenceMakesKeysDoubtful() {
        let session = session()
        _ = session.traffic.awaitsAnswer(start + .seconds(1))
        expect(session, .silence, at: start + .seconds(1) + limits.silenceBeforeHandshake, "doubt keys")
        #expect(session.due(.silence, start + .seconds(60), limits) == .distantFuture)
    }

    @Test func relaySizesAreReported() {
        let session = session()
        #expect(step(session, .relaySize, start) == "none")
        _ = session.relayed.saw(stamp: 1200)
        #expect(step(session, .relaySize, start) == "tell relaySize")
        expect(session, .relaySize, at: start + .seconds(1), "tell relaySize")
        expect(session, .relaySize, at: start + .seconds(2), "tell relaySize")
        #expect(session.due(.relaySize, start + .seconds(2), limits) == .distantFuture)
    }

    @Test func hellosArePaced() {
        let session = direct()
        session.link.greet(start + .seconds(1))
        expect(session, .hello, at: start + .seconds(1), "hello")
        expect(session, .hello, at: start + .seconds(2), "hello")
        #expect(step(session, .hello, start + .seconds(3), accepts: false) == "hello")
        #expect(session.due(.hello, start + .seconds(3), limits) == .distantFuture)
        // Not without a direct path.
        let relayed = self.session()
        relayed.link.greet(start)
        #expect(step(relayed, .hello, start) == "none" && relayed.due(.hello, start, limits) == .distantFuture)
    }

    @Test func aPeerIsCalledUnlessItWantsCalm() {
        let session = session(withKeys: false)
        session.configure(as: Peer(PeerSettings(address: session.remote, endpoints: [path.remote])))
        #expect(step(session, .call, start) == "call direct")
        #expect(session.due(.call, start, limits) == .distantFuture)
        session.keys.calm(until: start + .seconds(10))
        expect(session, .call, at: start + .seconds(10), "call direct")
    }

    @Test func aNewEndpointIsChallengedUntilItIsLost() {
        let session = session()
        session.path.turn(to: path, isProven: false, bytes: 1000, challenge: 7, now: start)
        var now = start
        for _ in 0..<DirectPath.challengeTries {
            #expect(step(session, .challenge, now) == "challenge")
            #expect(session.due(.challenge, now, limits) == now + DirectPath.challengeRetry)
            now = now + DirectPath.challengeRetry
        }
        // It never answered, and nothing of it is kept.
        #expect(step(session, .challenge, now) == "none" && session.direct == nil)
        #expect(session.due(.challenge, now, limits) == .distantFuture)
    }

    /// A path that is used is asked, and its size is probed; one that is dead and needed by nobody rests.
    @Test func pathsAreAsked() {
        let session = direct()
        #expect(step(session, .size, start) == "none" && session.due(.size, start, limits) == .distantFuture)
        session.traffic.sentData(start)
        _ = session.path.sentData(start, limits)
        #expect(step(session, .size, start) == "size true false" && session.due(.size, start, limits) > start)
        let asked = session.due(.signOfLife, start, limits)
        #expect(asked <= start + limits.linkSuspicion)
        #expect(step(session, .signOfLife, asked) == "life ask")
        session.path.died(start + .seconds(30))
        #expect(step(session, .signOfLife, start + .seconds(40)) == "none")
        #expect(session.due(.signOfLife, start + .seconds(40), limits) == .distantFuture)
        session.configure(as: Peer(PeerSettings(address: session.remote, endpoints: [])))
        #expect(step(session, .signOfLife, start + .seconds(40)) == "life ask")
    }

    @Test func whatWaitsIsLookedAt() {
        let session = session(withKeys: false)
        [UInt8(1)].withUnsafeBytes { session.pending.append(kind: .message, $0, start) }
        #expect(step(session, .pending, start) == "serve pending")
        #expect(session.due(.pending, start, limits) == start + .milliseconds(250))
        let late = start + limits.pendingLifetime - .milliseconds(100)
        #expect(session.due(.pending, late, limits) == start + limits.pendingLifetime)
        #expect(step(session, .idle, start + .seconds(60)) == "none")
    }

    @Test func handshakesAreRepeatedAndGivenUp() {
        let session = session(withKeys: false)
        let attempt = Attempt(
            session, 5, .relayed, suites: Suites(ciphers: [.chaCha20Poly1305], minimum: 1), random, now: start)
        session.keys.begin(attempt)
        #expect(session.due(.handshake, start, limits) == .distantFuture)
        #expect(step(session, .relayedHandshake, start) == "repeat")
        attempt.sent(start, again: .seconds(1))
        #expect(session.due(.relayedHandshake, start, limits) == start + .seconds(1))
        #expect(step(session, .relayedHandshake, start + .milliseconds(999)) == "none")
        #expect(step(session, .idle, start + .seconds(60)) == "none")
        #expect(step(session, .relayedHandshake, start + limits.handshakeTimeout) == "give up")
    }
}
