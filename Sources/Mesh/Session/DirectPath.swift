internal import Wire

/// The direct way of a session over UDP, and what is known of it. Only an authenticated datagram with the newest counter
/// moves it; until the new endpoint has echoed a challenge, little is sent there and the old path is kept.
struct DirectPath {
    /// What may be sent to an endpoint that has not proved to receive: three times what came from it.
    static let amplification = 3
    static let challengeTries = 6
    /// Kind and eight bytes, sealed.
    static let challengeBytes = 9 + TransportLayout.overhead
    static let challengeRetry: Interval = .milliseconds(250)

    private(set) var path: Path
    private(set) var validated: Bool
    /// Where to return to when the new endpoint does not answer.
    private(set) var fallback: Path?
    private var received = 0
    private var sent = 0
    private(set) var challenge: UInt64 = 0
    private(set) var challengeAt: Instant = .distantFuture
    private var challengesLeft = 0
    /// Whether the path carries anything; of one that is not proven yet it says nothing.
    var life = PathLife(.distantPast)

    init(_ path: Path, validated: Bool) {
        self.path = path
        self.validated = validated
    }

    /// A handshake made a round trip by the path to the same endpoint.
    mutating func prove(_ path: Path) {
        self.path = path
        validated = true
        fallback = nil
        challengeAt = .distantFuture
    }

    /// Counts what is about to be sent; false when an unproven endpoint has had its share. What is not part of the
    /// proof leaves room for the challenges, or a busy session would never prove its new path.
    @inline(__always)
    mutating func admit(_ bytes: Int, isProof: Bool = false) -> Bool {
        if validated { return true }
        let reserve = isProof ? 0 : challengesLeft * Self.challengeBytes
        guard sent + bytes + reserve <= Self.amplification * received else { return false }
        sent += bytes
        return true
    }

    /// The way for `bytes` of traffic: the path; the old one while the new one is unproven and has had its share; or none.
    @inline(__always)
    mutating func route(_ bytes: Int) -> Path? { admit(bytes) ? path : fallback }

    enum Movement { case none, source, endpoint }

    /// An authenticated datagram came in; `newest` says whether its counter was the highest so far.
    @inline(__always)
    mutating func observe(_ from: Path, bytes: Int, newest: Bool) -> Movement {
        if from == path {
            if !validated { received += bytes }
            return .none
        }
        guard newest else { return .none }
        if from.remote == path.remote {
            // The same endpoint reached us by another of our addresses: answers leave from there.
            path = from
            return .source
        }
        return .endpoint
    }

    /// Turns to a new endpoint, unproven; the caller sends the challenge. Back at the one that was proven before,
    /// nothing needs to be proven again.
    mutating func move(to new: Path, bytes: Int, challenge: UInt64, now: Instant) {
        if let fallback, fallback.remote == new.remote {
            path = new
            validated = true
            life = PathLife(now)
            self.fallback = nil
            challengeAt = .distantFuture
            return
        }
        if validated { fallback = path }
        path = new
        validated = false
        life = PathLife(now)
        received = bytes
        sent = 0
        self.challenge = challenge
        challengesLeft = Self.challengeTries
        challengeAt = now
    }

    /// The echo of the challenge came from `from`. True when it proves the path.
    mutating func confirm(_ echo: UInt64, from: Path) -> Bool {
        guard !validated, echo == challenge, from.remote == path.remote else { return false }
        validated = true
        fallback = nil
        challengeAt = .distantFuture
        return true
    }

    enum ChallengeStep { case wait, send, returned, lost }

    /// What is due: another challenge, or the return to the old path.
    mutating func tick(_ now: Instant) -> ChallengeStep {
        guard !validated, now >= challengeAt else { return .wait }
        if challengesLeft == 0 {
            challengeAt = .distantFuture
            guard let fallback else { return .lost }
            path = fallback
            self.fallback = nil
            validated = true
            life = PathLife(now)
            return .returned
        }
        challengesLeft -= 1
        challengeAt = now + Self.challengeRetry
        return .send
    }

    /// Forgets which of our addresses the path used: it is gone, the kernel may choose.
    mutating func forgetSource() {
        path.local = .unspecified
        path.interface = 0
    }
}
