internal import INET256
internal import Wire

/// Handshakes begun here: Noise XX with the identity in the sealed payloads.
extension MeshBox {
    // MARK: Beginning

    /// Calls over UDP: to the session's path and to the peer's endpoints, the same bytes to each; the first answer wins.
    func startDirectAttempt(_ session: Session, keysAreDoubtful: Bool = false, _ now: Instant) {
        if let attempt = session.keys.direct {
            if keysAreDoubtful { attempt.doubtKeys() }
            return
        }
        guard now >= session.keys.calmUntil else { return }
        var paths: [Path] = []
        if let direct = session.direct { paths.append(direct.path) }
        if !session.directAlive {
            for endpoint in session.peer?.endpoints ?? [] where !paths.contains(where: { $0.remote == endpoint }) {
                paths.append(Path(remote: endpoint, socket: Path.anySocket))
            }
        }
        guard !paths.isEmpty else { return }
        begin(session, .direct(paths), keysAreDoubtful, now)
    }

    /// Calls through the mesh.
    func startRelayedAttempt(_ session: Session, keysAreDoubtful: Bool = false, _ now: Instant) {
        if let attempt = session.keys.relayed {
            if keysAreDoubtful { attempt.doubtKeys() }
            return
        }
        begin(session, .relayed, keysAreDoubtful, now)
    }

    private func begin(_ session: Session, _ route: Attempt.Route, _ keysAreDoubtful: Bool, _ now: Instant) {
        guard let index = indices.allocate(random) else {
            drops.count(.sessionsFull)
            return
        }
        let attempt = Attempt(session, index, route, suites: suites, random, now: now)
        if keysAreDoubtful { attempt.doubtKeys() }
        indices.set(index, .attempt(attempt))
        session.keys.begin(attempt)
        sendDue(attempt, now)
    }

    /// Sends what is due, byte for byte as before, and plans the repetition.
    func sendDue(_ attempt: Attempt, _ now: Instant) {
        let session = attempt.session
        switch attempt.way {
        case .direct:
            let own = session.direct?.path
            for path in attempt.paths(and: own) {
                // What was the session's path when it began to call may have been anybody's endpoint, which proved nothing and
                // was left again: nothing more goes there.
                guard path.remote == own?.remote || session.peer?.endpoints.contains(path.remote) == true else {
                    continue
                }
                guard session.peer?.mayCall(path.remote, now) != false else { continue }
                if !session.path.admit(attempt.due.count, to: path) {
                    drops.count(.amplificationLimit)
                } else if outbox.append(attempt.due, path) {
                    session.peer?.noteCalled(path.remote)
                    sendBySpare(attempt, to: path)
                } else {
                    drops.count(.outboxFull)
                }
            }
        case .relayed:
            relay(attempt.due, to: session.remote, from: session.local.address, fallback: nil, now)
        }
        let schedule = limits.retransmitSchedule
        var wait = schedule[min(attempt.repeats, schedule.count - 1)]
        if session.peer != nil, attempt.way == .direct { wait = min(wait, limits.peerRetryCeiling) }
        let jitter = Interval(nanoseconds: wait.nanoseconds / 4 * Int64(random.next(below: 1024)) / 1024)
        attempt.sent(now, again: wait + jitter)
        wake(session, attempt.nextSend, for: .handshake)
    }

    // MARK: Message 2

    func receiveResponse(_ bytes: UnsafeRawBufferPointer, _ arrival: Arrival, _ now: Instant) {
        guard let message = ResponseMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        guard case .attempt(let attempt) = indices[message.receiver],
            case .waiting(let noise) = attempt.stage, attempt.expects(arrival)
        else {
            drops.count(.handshakeUnexpected)
            return
        }
        guard takeWork(isExpected: attempt.session.peer != nil) else { return }
        do {
            try finish(attempt, noise, message, arrival, now)
        } catch {
            count(error)
            explain(error, attempt.session)
        }
    }

    private func finish(
        _ attempt: Attempt, _ noise: XXInitiator, _ message: ResponseMessage, _ arrival: Arrival, _ now: Instant
    ) throws(HandshakeError) {
        let session = attempt.session
        let (peer, ready) = try noise.read(message.noise)
        // Who answered is settled before our own identity goes out in message 3.
        let remoteIndex = message.sender
        let (key, number) = try Identity.read(peer, index: remoteIndex)
        guard key.address == session.remote else { throw .wrongAddress(key.address) }
        guard let suite = suites.accept(number) else { throw .noCommonSuite }
        let (noiseMessage, secrets) = try ready.finish(
            payload: Identity.payload(session.local.key.publicKey, suite: suite.cipher, index: attempt.index))
        let agreement = Agreement(
            suite: suite, secrets: secrets, initiator: true, localIndex: attempt.index, remoteIndex: remoteIndex)
        let keypair = Keypair(agreement, limits: limits.of(suite.cipher), sharedWith: sharer(session), now: now)
        noteKeys(keypair)
        let out = FinishMessage.make(sender: attempt.index, receiver: remoteIndex, noise: noiseMessage)
        indices.set(attempt.index, .keypair(session, keypair))
        if let path = arrival.path {
            // A round trip proves the path where message 1 went to that endpoint alone: what went to several may be answered
            // by whoever saw it on one way, in the name of another.
            session.path.turn(
                to: path, isProven: attempt.wentOnlyTo(path.remote), bytes: message.bytes.count,
                challenge: random.next64(), now: now)
        }
        attempt.answered(keypair, finish: out, by: arrival.path)
        sendDue(attempt, now)
        install(keypair, of: key, session, arrival, now)
    }

    // MARK: Cookies

    func receiveCookie(_ bytes: UnsafeRawBufferPointer, _ now: Instant) {
        guard let message = CookieMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        guard case .attempt(let attempt) = indices[message.receiver], case .waiting(let noise) = attempt.stage else {
            drops.count(.handshakeUnexpected)
            return
        }
        guard let isFirst = attempt.take(message, noise, suites: suites) else {
            drops.count(.cookieForged)
            return
        }
        if isFirst { sendDue(attempt, now) }
    }

    // MARK: Refusals

    func count(_ error: HandshakeError) {
        switch error {
        case .forged: drops.count(.handshakeForged)
        case .zeroSecret: drops.count(.handshakeZeroKey)
        case .badIdentity: drops.count(.handshakeBadIdentity)
        case .wrongAddress: drops.count(.handshakeWrongAddress)
        case .noCommonSuite: drops.count(.handshakeNoCommonSuite)
        }
    }

    private func explain(_ error: HandshakeError, _ session: Session) {
        switch error {
        case .wrongAddress(let other): blame(session, .otherKey(other))
        case .badIdentity, .zeroSecret: blame(session, .invalidKey)
        case .noCommonSuite: blame(session, .noCommonCipher)
        case .forged:
            // Anybody can send rubbish from the peer's endpoint: counted, not shown.
            break
        }
    }
}
