internal import INET256
package import Wire

/// Handshakes begun elsewhere, and what comes before they have ended. What strangers get, `Answering` decides.
extension MeshBox {
    // MARK: Message 1

    func receiveInitiation(_ bytes: UnsafeRawBufferPointer, _ arrival: Arrival, _ now: Instant) {
        guard let message = InitiationMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        answering.noteArrival(now)
        let candidates = nodes.called(by: message.hint)
        guard !candidates.isEmpty else {
            drops.count(.handshakeUnknownAddress)
            return
        }
        guard let local = candidates.first(where: { Initiation.isMeant(for: $0.keys, bytes) }) else {
            drops.count(.handshakeBadMAC)
            return
        }
        let isExpected = isExpected(arrival)
        switch answering.judge(message, to: local, from: arrival, isExpected: isExpected, now: now) {
        case .repeated(let response):
            answer(response, arrival, from: local, now)
        case .demand(let cookie):
            drops.count(.handshakeCookieDemanded)
            answer(cookie, arrival, from: local, now)
        case .overBudget:
            drops.count(.handshakeOverBudget)
        case .answer:
            do {
                try respond(message, local, arrival, isExpected, now)
            } catch {
                count(error)
            }
        }
    }

    private func respond(
        _ message: InitiationMessage, _ local: BoxNode, _ arrival: Arrival, _ isExpected: Bool, _ now: Instant
    ) throws(HandshakeError) {
        let call = try Call(message, to: local, suites: suites)
        guard let index = indices.allocate(random) else {
            drops.count(.sessionsFull)
            return
        }
        let response: Response
        do throws(HandshakeError) {
            response = try Response(
                call, index: index, from: arrival, isExpected: isExpected, random: random, now: now)
        } catch {
            indices.release(index)
            throw error
        }
        if let victim = answering.keep(response) { indices.release(victim.index) }
        indices.set(index, .response(response))
        deadlines.sweep(by: now + limits.responseLifetime)
        answer(response.message, arrival, from: local, now)
    }

    /// Whether there is work left in this turn for a handshake message; counted where there is none.
    func takeWork(isExpected: Bool) -> Bool {
        let mayWork = answering.takeWork(isExpected: isExpected)
        if !mayWork { drops.count(.handshakeOverBudget) }
        return mayWork
    }

    /// Whether a configured peer is said to be where this came from.
    private func isExpected(_ arrival: Arrival) -> Bool {
        arrival.path.map { links.isPeer(at: $0.remote.address) } ?? false
    }

    // MARK: Message 3

    func receiveFinish(_ bytes: UnsafeRawBufferPointer, _ arrival: Arrival, _ now: Instant) {
        guard let message = FinishMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        switch indices[message.receiver] {
        case .response(let response):
            answering.noteArrival(now)
            guard takeWork(isExpected: response.isExpected) else { return }
            do {
                try accept(response, message, arrival, now)
            } catch {
                count(error)
            }
        case .keypair(let session, let keypair) where !keypair.initiator && keypair === session.current:
            // A repeated message 3: our first sealed datagram was lost.
            if now - session.traffic.lastSent > .milliseconds(100) { emitShort(.keepalive, session, now) }
        case .keypair, .attempt, .free:
            drops.count(.handshakeUnexpected)
        }
    }

    private func accept(
        _ response: Response, _ message: FinishMessage, _ arrival: Arrival, _ now: Instant
    ) throws(HandshakeError) {
        let (peer, secrets) = try response.waiting.read(message.noise)
        let (key, suite) = try Identity.read(peer, index: message.sender)
        guard message.sender == response.caller else { throw .forged }
        guard suite == response.suite.cipher.rawValue else { throw .noCommonSuite }
        guard nodes[key.address] == nil else { throw .wrongAddress(key.address) }
        guard let session = openSession(response.local, key.address, now) else {
            drops.count(.sessionsFull)
            return
        }
        let agreement = Agreement(
            suite: response.suite, secrets: secrets, initiator: false, localIndex: response.index,
            remoteIndex: response.caller)
        let keypair = Keypair(
            agreement, limits: limits.of(response.suite.cipher), sharedWith: sharer(session), now: now)
        if isSecond(session, arrival, now), let path = arrival.path {
            indices.release(response.index)
            answering.remove(response)
            return keepOut(keypair, session, path, now)
        }
        noteKeys(keypair)
        keypair.confirm()
        indices.set(response.index, .keypair(session, keypair))
        answering.remove(response)
        if let path = arrival.path {
            // Message 3 answers what went to the path of message 1, if it went there alone; from elsewhere it proves nothing.
            let isProven = response.path?.remote == path.remote && !response.wentElsewhere
            session.path.turn(
                to: path, isProven: isProven, bytes: message.bytes.count, challenge: random.next64(), now: now)
        }
        install(keypair, of: key, session, arrival, now)
        answering.overtaken.ripen()
        // The first authenticated datagram tells the caller that message 3 came.
        emitShort(.keepalive, session, now)
    }

    // MARK: Before message 3

    /// Has a handshake ended whose data may have come before? Read after each `receive`.
    package var hasOvertaken: Bool { answering.overtaken.isRipe }

    /// Holds a datagram that overtook message 3, which is on its way.
    func hold(_ datagram: UnsafeRawBufferPointer, _ index: UInt32, _ arrival: Arrival) {
        drops.count(.transportBeforeFinish, by: answering.overtaken.hold(datagram, index, arrival, fate: fate))
    }

    /// What became of the handshake that was answered under an index.
    func fate(_ index: UInt32) -> Overtaken.Fate {
        switch indices[index] {
        case .response: .awaited
        case .keypair: .finished
        case .free, .attempt: .gone
        }
    }

    /// A message that came before its session did. To be asked, until there is none, after a `receive` left `hasOvertaken` set.
    package func nextOvertaken(now: Instant) -> Delivery? {
        while let held = answering.overtaken.next(fate: fate) {
            if var delivery = receive(held.datagram, held.arrival, now) {
                delivery.isFleeting = true
                return delivery
            }
        }
        return nil
    }

    // MARK: Unknown indices

    /// "No session of mine has that index", so that the other end begins anew at once. Never longer than the question.
    func sendHint(_ head: TransportHead, _ arrival: Arrival, _ now: Instant) {
        guard answering.mayHint(arrival, isExpected: isExpected(arrival), now: now), let main = node(.main) else {
            return
        }
        answer(UnknownIndexMessage.make(head), arrival, from: main, now)
    }
}
