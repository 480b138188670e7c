internal import API
internal import INET256
internal import Mesh
internal import NodeProtocol
internal import Wire

/// A question whose answer the network may still learn: it is asked again for a while.
struct WaitingQuestion {
    let question: NodeQuestion
    let asker: any APINodeSink
    let deadline: Instant

    func answer(_ answer: NodeQuestion.Answer) { asker.answer(question, answer) }
}

/// Finding addresses by their prefix and keys by their address.
extension HostedNodes {
    /// A node that has just started elsewhere is known within round trips; one that nobody has keeps its asker this long.
    private static let patience: Interval = .seconds(2)
    /// The network's own limits on asking around apply as well.
    private static let slowest: Interval = .milliseconds(250)
    /// Routes may change with every datagram, and a question in vain goes through all sessions.
    private var quickest: Interval {
        min(.milliseconds(10) * Int64(1 + questions.count / Self.questionsAtEase), Self.slowest)
    }
    private static let questionsAtEase = 64

    /// Answers now or later. How many wait is limited by whoever asks.
    func ask(_ question: NodeQuestion, from asker: any APINodeSink, now: Instant) {
        let waiting = WaitingQuestion(question: question, asker: asker, deadline: now + Self.patience)
        guard !settle(waiting, now) else { return }
        questions.append(waiting)
        questionsDue = min(questionsDue, now + Self.slowest)
    }

    /// Answers what can be answered now. Called every turn; `questionsDue` says when it wants to be at the latest.
    func tick(now: Instant) {
        guard !questions.isEmpty else { return }
        if box.routesVersion != routesSeen {
            routesSeen = box.routesVersion
            questionsDue = min(questionsDue, now + quickest)
        }
        guard now >= questionsDue else { return }
        questions.removeAll { waiting in
            if waiting.asker.isEnded || settle(waiting, now) { return true }
            guard now >= waiting.deadline else { return false }
            waiting.answer(.failed(.notFound))
            return true
        }
        questionsDue = questions.isEmpty ? .distantFuture : now + Self.slowest
    }

    /// Answers if the answer is known; else the network is asked, where it can be.
    private func settle(_ waiting: WaitingQuestion, _ now: Instant) -> Bool {
        switch waiting.question.subject {
        case .address(let prefix, let bits):
            guard (0...Address.bitCount).contains(bits) else {
                waiting.answer(.failed(.notFound))
                return true
            }
            if let found = box.find(prefix: prefix, bits: bits) {
                waiting.answer(.address(found))
                return true
            }
            if bits == Address.bitCount { box.want(prefix, now: now) }
        case .publicKey(let address):
            if let key = box.publicKey(of: address) {
                waiting.answer(.publicKey(key))
                return true
            }
            box.want(address, now: now)
        }
        return false
    }
}
