internal import INET256
internal import KeyChange
internal import Wire

/// Whom the box has told of its new key, what they made of it, and whom it tells next. A value, without I/O and clock.
struct KeyTelling {
    let statement: KeyStatement
    /// What each has answered last.
    private(set) var answers: [Address: KeyStatementReply.Verdict]
    private var turns: [Address: (next: Instant, pause: Interval)] = [:]

    /// Strangers who have called the former address are told as well, as many at most.
    private static let most = 4096
    /// Told at once, since what is said may be lost.
    private static let atOnce = 32
    private static let firstPause: Interval = .seconds(2)
    private static let longestPause: Interval = .seconds(600)

    init(_ statement: KeyStatement, replaced: Set<Address>) {
        self.statement = statement
        answers = Dictionary(uniqueKeysWithValues: replaced.map { ($0, .replaced) })
    }

    var replaced: Set<Address> { Set(answers.filter { $0.value == .replaced }.keys) }

    /// Who is to be told now, of those who can be.
    mutating func due(_ reachable: [Address], now: Instant) -> [Address] {
        var due: [Address] = []
        for address in reachable where due.count < Self.atOnce {
            if turns[address] == nil, turns.count >= Self.most { continue }
            let turn = turns[address] ?? (now, Self.firstPause)
            guard turn.next <= now else { continue }
            // Whoever has answered is told now and then only: it may have been restarted, or think otherwise by now.
            let pause = answers[address] == nil ? turn.pause : Self.longestPause
            turns[address] = (now + pause, min(turn.pause + turn.pause, Self.longestPause))
            due.append(address)
        }
        return due
    }

    /// True where it is news.
    mutating func heard(_ reply: KeyStatementReply, from address: Address) -> Bool {
        guard reply.new == statement.new, turns[address] != nil || answers[address] != nil else { return false }
        guard answers[address] != reply.verdict else { return false }
        answers[address] = reply.verdict
        return true
    }
}
