internal import INET256
internal import Wire

/// A handshake that this box began. Waits for message 2, then repeats message 3 until the first authenticated datagram.
final class Attempt {
    /// At most one each.
    enum Way: CaseIterable { case direct, relayed }
    enum Route { case direct([Path]), relayed }
    enum Stage {
        case waiting(XXInitiator)
        case confirming(Keypair, message: [UInt8])
    }

    let session: Session
    let index: UInt32
    private(set) var route: Route
    private(set) var stage: Stage
    private let started: Instant
    /// How often the message that is due was sent, and when it is due again.
    private(set) var repeats = 0
    private(set) var nextSend: Instant
    /// Message 1 with its MACs.
    private var message: [UInt8]
    private var cookie: [UInt8]?
    /// Is there reason to think that the other end has lost the keys in use? Then the new ones are used at once; else
    /// the old ones serve until the other end has shown that message 3 came, so that nothing that overtakes it is lost.
    private(set) var keysAreDoubtful = false

    /// `suites`: what message 1 offers.
    init(_ session: Session, _ index: UInt32, _ route: Route, suites: Suites, _ random: any RandomSource, now: Instant)
    {
        self.session = session
        self.index = index
        self.route = route
        let noise = XXInitiator(
            prologue: handshakePrologue(suites: suites.bits, callee: session.remote), ours: session.local.noise,
            ephemeral: .generate(random))
        stage = .waiting(noise)
        message = Initiation.make(
            sender: index, suites: suites.bits, noise: noise, keys: AddressKeys(session.remote), cookie: nil)
        started = now
        nextSend = now
    }

    var way: Way {
        switch route {
        case .direct: .direct
        case .relayed: .relayed
        }
    }

    /// What is sent now, byte for byte the same each time.
    var due: [UInt8] {
        switch stage {
        case .waiting: message
        case .confirming(_, let finish): finish
        }
    }

    /// Whether nobody answers, as far as can be told: it was sent four times and once more, in about 3 s.
    var isFruitless: Bool { isWaiting && repeats >= 4 }

    /// Does it still wait for message 2?
    var isWaiting: Bool {
        if case .waiting = stage { true } else { false }
    }

    /// Does it repeat message 3 until something sealed under `keypair` comes in?
    func confirms(_ keypair: Keypair) -> Bool {
        guard case .confirming(let own, _) = stage else { return false }
        return own === keypair
    }

    /// Nobody has answered for too long; or message 3 was not confirmed, and the other end has forgotten by now what it answers.
    func isHopeless(_ now: Instant, _ limits: MeshLimits) -> Bool {
        switch stage {
        case .waiting: now - started >= limits.handshakeTimeout
        case .confirming(let keypair, _): now - keypair.created >= limits.responseLifetime
        }
    }

    // MARK: Sending

    func doubtKeys() { keysAreDoubtful = true }

    /// Where it calls, over UDP: `own`, the session's path, among them.
    func paths(and own: Path?) -> [Path] {
        guard case .direct(var called) = route else { return [] }
        if let own, !called.contains(where: { $0.remote == own.remote }) {
            called.append(own)
            route = .direct(called)
        }
        return called
    }

    /// What was due was sent; again after `wait`.
    func sent(_ now: Instant, again wait: Interval) {
        repeats += 1
        nextSend = now + wait
    }

    /// The network changed: it is sent at once and soon again, since neighbours may not be found yet.
    func hurry(_ now: Instant) {
        nextSend = now
        repeats = min(repeats, 1)
    }

    // MARK: Answers

    /// An answer must come the way the question went.
    func expects(_ arrival: Arrival) -> Bool {
        switch (route, arrival.way) {
        case (.direct, .direct), (.relayed, .relayed): true
        case (.direct, .relayed), (.relayed, .direct): false
        }
    }

    func wentOnlyTo(_ endpoint: Endpoint) -> Bool {
        guard case .direct(let paths) = route else { return false }
        return paths.allSatisfy { $0.remote == endpoint }
    }

    /// Message 2 came, by `path` if it came straight: there message 3 goes, until it is confirmed.
    func answered(_ keypair: Keypair, finish: [UInt8], by path: Path?) {
        stage = .confirming(keypair, message: finish)
        repeats = 0
        if let path { route = .direct([path]) }
    }

    /// A cookie came for it. The first one is to be shown at once: true. Later ones (the other end has a new secret, or somebody on
    /// the way forged the first) are shown with the next repetition, so that nothing makes this box send more than its schedule
    /// says. Nil for one that is not for this call.
    func take(_ message: CookieMessage, _ noise: XXInitiator, suites: Suites) -> Bool? {
        let keys = AddressKeys(session.remote)
        let mac1 = Array(self.message[InitiationLayout.mac1..<InitiationLayout.mac2])
        let opened = keys.cookie.withUnsafeBytes {
            XChaCha20Poly1305.open(message.sealed, nonce: message.nonce, additional: mac1, key: $0)
        }
        guard let opened, opened.count == 16 else { return nil }
        let isFirst = cookie == nil
        cookie = opened
        self.message = Initiation.make(
            sender: index, suites: suites.bits, noise: noise, keys: keys, cookie: opened)
        return isFirst
    }
}
