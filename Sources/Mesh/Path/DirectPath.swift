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

    /// What an endpoint that has not proved to receive was asked and told.
    private struct Question {
        var challenge: UInt64 = 0
        /// When the challenge is sent, again.
        var at: Instant = .distantFuture
        var triesLeft = 0
        /// In bytes.
        var received = 0
        var sent = 0
        /// Where to return to when it does not answer.
        var fallback: Path?
    }

    private enum Proof {
        case given
        case asked(Question)
    }

    private(set) var path: Path
    private var proof: Proof
    /// Whether the path carries anything; of one that is not proven yet it says nothing.
    var life = PathLife(.distantPast)

    var validated: Bool { if case .given = proof { true } else { false } }
    private var question: Question? { if case .asked(let question) = proof { question } else { nil } }
    var fallback: Path? { question?.fallback }
    var challenge: UInt64 { question?.challenge ?? 0 }
    var challengeAt: Instant { question?.at ?? .distantFuture }

    init(_ path: Path, validated: Bool) {
        self.path = path
        proof = validated ? .given : .asked(Question())
    }

    /// A handshake made a round trip by the path to the same endpoint.
    mutating func prove(_ path: Path) {
        self.path = path
        proof = .given
    }

    /// Counts what is about to be sent; false when an unproven endpoint has had its share. What is not part of the
    /// proof leaves room for the challenges, or a busy session would never prove its new path.
    @inline(__always)
    mutating func admit(_ bytes: Int, isProof: Bool = false) -> Bool {
        guard case .asked(var question) = proof else { return true }
        let reserve = isProof ? 0 : question.triesLeft * Self.challengeBytes
        guard question.sent + bytes + reserve <= Self.amplification * question.received else { return false }
        question.sent += bytes
        proof = .asked(question)
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
            if case .asked(var question) = proof {
                question.received += bytes
                proof = .asked(question)
            }
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
        let known = validated ? path : fallback
        life = PathLife(now)
        if !validated, let known, known.remote == new.remote {
            proof = .given
        } else {
            proof = .asked(
                Question(
                    challenge: challenge, at: now, triesLeft: Self.challengeTries, received: bytes, fallback: known))
        }
        path = new
    }

    /// The echo of the challenge came from `from`. True when it proves the path.
    mutating func confirm(_ echo: UInt64, from: Path) -> Bool {
        guard let question, echo == question.challenge, from.remote == path.remote else { return false }
        proof = .given
        return true
    }

    enum ChallengeStep { case wait, send, returned, lost }

    /// What is due: another challenge, or the return to the old path.
    mutating func tick(_ now: Instant) -> ChallengeStep {
        guard case .asked(var question) = proof, now >= question.at else { return .wait }
        if question.triesLeft == 0 {
            guard let fallback = question.fallback else {
                question.at = .distantFuture
                proof = .asked(question)
                return .lost
            }
            path = fallback
            proof = .given
            life = PathLife(now)
            return .returned
        }
        question.triesLeft -= 1
        question.at = now + Self.challengeRetry
        proof = .asked(question)
        return .send
    }

    /// Forgets which of our addresses the path used: it is gone, the kernel may choose.
    mutating func forgetSource() {
        path.local = .unspecified
        path.interface = 0
    }
}
