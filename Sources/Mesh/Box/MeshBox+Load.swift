internal import INET256
internal import Wire

/// What protects a box from too many handshakes (DESIGN section 3): cookies, a budget of work, a reserve for its peers.
extension MeshBox {
    func receiveCookie(_ bytes: UnsafeRawBufferPointer, _ now: Instant) {
        guard let message = CookieMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        guard case .attempt(let attempt) = indices[message.receiver],
            case .waiting(let noise) = attempt.stage
        else {
            drops.count(.handshakeUnexpected)
            return
        }
        let keys = AddressKeys(attempt.session.remote)
        let mac1 = Array(attempt.message[InitiationLayout.mac1..<InitiationLayout.mac2])
        let cookie = keys.cookie.withUnsafeBytes {
            XChaCha20Poly1305.open(message.sealed, nonce: message.nonce, additional: mac1, key: $0)
        }
        guard let cookie, cookie.count == 16 else {
            drops.count(.cookieForged)
            return
        }
        // The first one is shown at once. Later ones (the other end has a new secret, or somebody on the way forged the
        // first) are shown with the next repetition, so that nothing makes this box send more than its schedule says.
        let isFirst = attempt.cookie == nil
        attempt.cookie = cookie
        attempt.message = Initiation.make(
            sender: attempt.index, suites: suites.bits, noise: noise, keys: keys, cookie: cookie)
        if isFirst { sendDue(attempt, now) }
    }

    /// Counts handshake messages a second; too many, and strangers must show a cookie for ten seconds.
    func noteArrival(_ now: Instant) {
        if now - secondBegan >= .seconds(1) {
            secondBegan = now
            arrivalsThisSecond = 0
        }
        arrivalsThisSecond += 1
        if arrivalsThisSecond > limits.handshakesPerSecondBeforeCookies { strainedUntil = now + .seconds(10) }
    }

    /// A quarter of each turn's handshake work is kept for configured peers.
    func takeWork(_ expected: Bool) -> Bool {
        let share = expected ? limits.handshakesPerTurn : limits.handshakesPerTurn - limits.handshakesPerTurn / 4
        guard workThisTurn < share else {
            drops.count(.handshakeOverBudget)
            return false
        }
        workThisTurn += 1
        return true
    }

    func isExpected(_ arrival: Arrival) -> Bool {
        switch arrival {
        case .direct(let path): peerAddresses.contains(path.remote.address)
        case .relayed: false
        }
    }
}
