internal import API
internal import INET256
internal import Mesh
internal import Wire

/// A question whose answer the network may still learn: it is asked again for a while.
struct WaitingQuestion {
    enum Subject {
        case address(prefix: Address, bits: Int, Answer<Address>)
        case key(Address, Answer<PublicKey>)
    }

    let subject: Subject
    let deadline: Instant

    /// Nobody waits for it any more.
    var isAnswered: Bool {
        switch subject {
        case .address(_, _, let answer): answer.isGiven
        case .key(_, let answer): answer.isGiven
        }
    }

    func fail(_ error: APINodeError) {
        switch subject {
        case .address(_, _, let answer): answer.give(.failure(error))
        case .key(_, let answer): answer.give(.failure(error))
        }
    }
}

/// Finding addresses by their prefix and keys by their address.
extension HostedNodes {
    /// A node that has just started elsewhere is known within round trips; one that nobody has keeps its asker this long.
    private static let patience: Interval = .seconds(2)
    private static let questionsAtATime = 256
    /// Routes may change with every datagram, and a question in vain goes through all sessions.
    private static let quickest: Interval = .milliseconds(10)
    /// The network's own limits on asking around apply as well.
    private static let slowest: Interval = .milliseconds(250)

    func find(prefix: Address, bits: Int, _ answer: Answer<Address>, now: Instant) {
        ask(WaitingQuestion(subject: .address(prefix: prefix, bits: bits, answer), deadline: now + Self.patience), now)
    }

    func lookup(_ address: Address, _ answer: Answer<PublicKey>, now: Instant) {
        ask(WaitingQuestion(subject: .key(address, answer), deadline: now + Self.patience), now)
    }

    private func ask(_ question: WaitingQuestion, _ now: Instant) {
        guard !settle(question, now) else { return }
        guard questions.count < Self.questionsAtATime else {
            question.fail(.busy)
            return
        }
        questions.append(question)
        questionsDue = min(questionsDue, now + Self.slowest)
    }

    /// Answers what can be answered now. Called every turn; `questionsDue` says when it wants to be at the latest.
    func tick(now: Instant) {
        guard !questions.isEmpty else { return }
        if box.routesVersion != routesSeen {
            routesSeen = box.routesVersion
            questionsDue = min(questionsDue, now + Self.quickest)
        }
        guard now >= questionsDue else { return }
        questions.removeAll { question in
            if question.isAnswered || settle(question, now) { return true }
            guard now >= question.deadline else { return false }
            question.fail(.notFound)
            return true
        }
        questionsDue = questions.isEmpty ? .distantFuture : now + Self.slowest
    }

    /// Answers if the answer is known; else the network is asked, where it can be.
    private func settle(_ question: WaitingQuestion, _ now: Instant) -> Bool {
        switch question.subject {
        case .address(let prefix, let bits, let answer):
            guard (0...Address.bitCount).contains(bits) else {
                answer.give(.failure(.notFound))
                return true
            }
            if let found = box.find(prefix: prefix, bits: bits) {
                answer.give(.success(found))
                return true
            }
            if bits == Address.bitCount { box.want(prefix, now: now) }
        case .key(let address, let answer):
            if let key = box.publicKey(of: address) {
                answer.give(.success(key))
                return true
            }
            box.want(address, now: now)
        }
        return false
    }
}
