import INET256
import KeyChange
import Testing
import Wire

@testable import inet256vpn

/// Whom a box tells of its new key, and when, on a clock of the test's own.
@Suite struct KeyTellingTests {
    private static let random = SystemRandom()
    private static let former = PrivateKey(generatedFrom: random)
    private static let new = PrivateKey(generatedFrom: random)
    private static let statement = KeyStatement(former: former, new: new, made: 1, until: 2)
    private let start = Instant(nanoseconds: 1_000_000_000)

    private static func addresses(_ count: Int) -> [Address] {
        (0..<count).map { _ in PrivateKey(generatedFrom: random).address }
    }

    private func reply(_ verdict: KeyStatementReply.Verdict, of key: PrivateKey = new) -> KeyStatementReply {
        KeyStatementReply(verdict, of: key.address)
    }

    /// At once, and less and less often while there is no answer.
    @Test func silenceIsToldLessAndLess() {
        var telling = KeyTelling(Self.statement, replaced: [])
        let bob = Self.addresses(1)[0]
        var times: [Int] = []
        for second in 0..<4000 where !telling.due([bob], now: start + .seconds(Int64(second))).isEmpty {
            times.append(second)
        }
        #expect(times.prefix(5) == [0, 2, 6, 14, 30])
        let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(pauses.max() == 600 && pauses.last == 600, "\(times)")
    }

    /// Whoever has answered is told every ten minutes, for it may have been restarted.
    @Test func answersAreRemembered() {
        var telling = KeyTelling(Self.statement, replaced: [])
        let (bob, carol) = (Self.addresses(1)[0], Self.addresses(1)[0])
        func due(_ seconds: Int64) -> [Address] { telling.due([bob], now: start + .seconds(seconds)) }
        func heard(_ reply: KeyStatementReply, _ from: Address) -> Bool { telling.heard(reply, from: from) }
        #expect(due(0) == [bob])
        #expect(!heard(reply(.replaced), carol), "who was told nothing answers nothing")
        #expect(!heard(reply(.replaced, of: Self.former), bob), "of another key")
        #expect(heard(reply(.waits), bob))
        #expect(!heard(reply(.waits), bob) && telling.replaced.isEmpty)
        #expect(heard(reply(.replaced), bob) && telling.replaced == [bob])
        #expect(due(2) == [bob], "as it was planned")
        #expect(due(600).isEmpty && due(602) == [bob])
        let kept = KeyTelling(Self.statement, replaced: [bob])
        #expect(kept.answers[bob] == .replaced)
    }

    /// Not all at once, and however many call: only so many are remembered.
    @Test func manyAreToldInTurns() {
        var telling = KeyTelling(Self.statement, replaced: [])
        let all = (0..<5000).map { Address(raw: Bytes32(words: (UInt64($0), 1, 2, 3))) }
        var told: Set<Address> = []
        var most = 0
        for second in 0..<200 {
            let due = telling.due(all, now: start + .milliseconds(Int64(second)))
            most = max(most, due.count)
            told.formUnion(due)
        }
        #expect(most == 32 && told.count == 4096)
    }
}
