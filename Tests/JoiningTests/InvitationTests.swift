import INET256
import Testing
import Wire

@testable import Joining

@Suite struct InvitationTests {
    private let inviter = InvitationSecret(random: SystemRandom()).key.address
    private let joiner = InvitationSecret(random: SystemRandom()).key.address
    private let other = InvitationSecret(random: SystemRandom()).key.address

    // MARK: The line

    @Test func aLineSaysWhatItWasMadeOf() throws {
        var line = InvitationLine(address: inviter, secret: InvitationSecret(random: SystemRandom()))
        line.endpoints = ["udp://192.0.2.1:25632", "udp://[2001:db8::1]:25632"]
        line.servers = ["udp://central.example.org:25634"]
        line.prefix = "fd64::/16"
        let text = line.text
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_:".contains($0)) })
        let read = try InvitationLine(parsing: " \(text.prefix(30))\n  \(text.dropFirst(30)) ")
        #expect(read.address == inviter && read.secret.bytes == line.secret.bytes)
        #expect(read.endpoints == line.endpoints && read.servers == line.servers)
        #expect(read.prefix == "fd64::/16" && read.network == nil)
        #expect(InvitationLine(address: inviter, secret: line.secret).text.count < 90)
    }

    /// Whatever is changed, cut off or added is noticed, and nothing of it is a crash.
    @Test func everyDamageIsNoticed() throws {
        var line = InvitationLine(address: inviter, secret: InvitationSecret(random: SystemRandom()))
        line.endpoints = ["udp://192.0.2.1:25632"]
        let text = Array(line.text)
        for place in InvitationLine.scheme.count..<text.count {
            var bent = text
            bent[place] = bent[place] == "A" ? "B" : "A"
            #expect(throws: InvitationLineError.damaged) { try InvitationLine(parsing: String(bent)) }
        }
        for length in 0..<text.count {
            #expect(throws: InvitationLineError.self) { try InvitationLine(parsing: String(text[..<length])) }
        }
        #expect(throws: InvitationLineError.damaged) { try InvitationLine(parsing: String(text) + "A") }
        #expect(throws: InvitationLineError.notOne) { try InvitationLine(parsing: "hello") }
        #expect(throws: InvitationLineError.damaged) {
            try InvitationLine(parsing: InvitationLine.scheme + String(repeating: "A", count: 100_000))
        }
    }

    /// What strangers put behind a right checksum.
    @Test func hostileLinesAreRefused() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count > 1 { bytes[0] = 1 }
            var sum = [UInt8](repeating: 0, count: 32)
            sum.withUnsafeMutableBytes { $0.hash(bytes, []) }
            bytes += sum.prefix(4)
            var characters = [UInt8](repeating: 0, count: Base64.textCount(bytes.count))
            characters.withUnsafeMutableBytes { text in
                bytes.withUnsafeBytes { Base64.ordered.encode($0, into: text) }
            }
            let text = InvitationLine.scheme + String(decoding: characters, as: UTF8.self)
            guard let line = try? InvitationLine(parsing: text) else { continue }
            #expect(line.endpoints.count <= InvitationLine.mostEndpoints)
        }
    }

    // MARK: Requests and answers

    @Test func aProofIsBoundToBothAddresses() throws {
        let secret = InvitationSecret(random: SystemRandom())
        let bytes = JoinRequest(secret, from: joiner, to: inviter).bytes
        let request = try #require(bytes.withUnsafeBytes { JoinRequest($0) })
        let key = secret.key.publicKey
        #expect(request.isProven(by: key, from: joiner, to: inviter))
        #expect(!request.isProven(by: key, from: other, to: inviter))
        #expect(!request.isProven(by: key, from: joiner, to: other))
        #expect(!request.isProven(by: key, from: inviter, to: joiner))
        for place in bytes.indices {
            var bent = bytes
            bent[place] ^= 1
            let read = bent.withUnsafeBytes { JoinRequest($0) }
            #expect(
                read == nil || read?.invitation != request.invitation
                    || read?.isProven(by: key, from: joiner, to: inviter) == false)
        }
        for length in 0..<bytes.count {
            #expect(Array(bytes[..<length]).withUnsafeBytes { JoinRequest($0) } == nil)
        }
    }

    @Test func answersStayWithinADatagram() throws {
        var answer = JoinAnswer(.welcome, of: InvitationID(value: 7))
        answer.name = "bob"
        answer.introductions = (0..<100).map {
            JoinAnswer.Introduction(other, name: "box-\($0)", endpoints: ["udp://192.0.2.\($0):25632"])
        }
        let bytes = answer.bytes
        #expect(bytes.count <= JoinAnswer.longest)
        let read = try #require(bytes.withUnsafeBytes { JoinAnswer($0) })
        #expect(read.verdict == .welcome && read.name == "bob" && read.introductions.count > 8)
        #expect(read.introductions.first == answer.introductions.first)
        for length in 0..<bytes.count { #expect(Array(bytes[..<length]).withUnsafeBytes { JoinAnswer($0) } == nil) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bent = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bent[Int.random(in: bent.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = bent.withUnsafeBytes { JoinAnswer($0) }
        }
    }

    // MARK: The book

    private func book(uses: Int = 1, expires: Int64 = 2000) throws -> (InvitationBook, InvitationSecret, InvitationID) {
        var book = InvitationBook()
        let secret = InvitationSecret(random: SystemRandom())
        let invitation = Invitation(
            secret, name: "bob", groups: ["admins"], created: 1000, expires: expires, uses: uses)
        try book.add(invitation, now: 1000)
        return (book, secret, try #require(invitation.id))
    }

    @Test func oneUseIsOneBox() throws {
        var (book, secret, id) = try book()
        let request = JoinRequest(secret, from: joiner, to: inviter)
        guard case .admit(let invitation) = book.judge(request, from: joiner, to: inviter, now: 1500) else {
            Issue.record("the first one is let in")
            return
        }
        #expect(invitation.name == "bob" && invitation.joined == [joiner])
        // The answer was lost: it asks again, also when the time is over.
        for now: Int64 in [1500, 1999, 2000, 99_999_999_999] {
            #expect(book.judge(request, from: joiner, to: inviter, now: now) == .again(invitation))
        }
        let second = JoinRequest(secret, from: other, to: inviter)
        #expect(book.judge(second, from: other, to: inviter, now: 1500) == .refuse(.used))
        #expect(book.wrong == 0)
        book.takeBack(joiner, by: id)
        guard case .admit = book.judge(second, from: other, to: inviter, now: 1500) else {
            Issue.record("what could not be written down did not happen")
            return
        }
    }

    @Test func everyRefusalHasItsWord() throws {
        var (book, secret, id) = try book()
        let request = JoinRequest(secret, from: joiner, to: inviter)
        // What one box has sent is of no use to another.
        #expect(book.judge(request, from: other, to: inviter, now: 1500) == .refuse(.wrongProof))
        #expect(book.judge(request, from: joiner, to: other, now: 1500) == .refuse(.wrongProof))
        #expect(book.judge(request, from: joiner, to: inviter, now: 2000) == .refuse(.expired))
        let unknown = JoinRequest(InvitationSecret(random: SystemRandom()), from: joiner, to: inviter)
        #expect(book.judge(unknown, from: joiner, to: inviter, now: 1500) == .refuse(.unknown))
        #expect(book.wrong == 3)
        let (first, second) = (book.revoke(id, now: 1500), book.revoke(id, now: 1500))
        #expect(first && !second)
        #expect(book.judge(request, from: joiner, to: inviter, now: 1500) == .refuse(.revoked))
        #expect(Set(JoinAnswer.Verdict.allCases.map(\.words)).count == JoinAnswer.Verdict.allCases.count)
    }

    /// A thousand guesses are a thousand refusals, and the right one still gets in.
    @Test func guessesAreCounted() throws {
        var (book, secret, _) = try book()
        for guess in 0..<1000 {
            let wrong = InvitationSecret(random: SystemRandom())
            var bytes = JoinRequest(wrong, from: other, to: inviter).bytes
            // Half of them know the invitation's number.
            if guess % 2 == 0 {
                bytes.replaceSubrange(1..<9, with: JoinRequest(secret, from: joiner, to: inviter).bytes[1..<9])
            }
            let request = try #require(bytes.withUnsafeBytes { JoinRequest($0) })
            #expect(
                book.judge(request, from: other, to: inviter, now: 1500)
                    == .refuse(guess % 2 == 0 ? .wrongProof : .unknown))
        }
        #expect(book.wrong == 1000)
        guard
            case .admit = book.judge(
                JoinRequest(secret, from: joiner, to: inviter), from: joiner, to: inviter, now: 1500)
        else {
            Issue.record("the right one gets in")
            return
        }
    }

    @Test func theBookIsBounded() throws {
        var book = InvitationBook()
        for number in 0..<InvitationBook.mostOpen {
            try book.add(
                Invitation(InvitationSecret(random: SystemRandom()), created: 0, expires: Int64(1000 + number)), now: 0)
        }
        let another = Invitation(InvitationSecret(random: SystemRandom()), created: 0, expires: 1000)
        #expect(throws: InvitationBook.Refusal.tooMany) { try book.add(another, now: 0) }
        // They expire, are remembered for a while, and then forgotten.
        try book.add(another, now: 5000)
        #expect(book.invitations.count == InvitationBook.mostOpen + 1)
        try book.add(
            Invitation(InvitationSecret(random: SystemRandom()), created: 0, expires: .max),
            now: 5000 + InvitationBook.remembered)
        #expect(book.invitations.count == 1)
    }

    /// Nothing that lets anybody in is in what is kept.
    @Test func whatIsKeptHoldsNoSecret() throws {
        let secret = InvitationSecret(random: SystemRandom())
        let kept = "\(Invitation(secret, created: 0, expires: 1))"
        let hex = secret.bytes.map { String($0, radix: 16) }.joined()
        var text = [UInt8](repeating: 0, count: Base64.textCount(16))
        text.withUnsafeMutableBytes { text in secret.bytes.withUnsafeBytes { Base64.ordered.encode($0, into: text) } }
        #expect(!kept.contains(hex) && !kept.contains(String(decoding: text, as: UTF8.self)))
        #expect(kept.contains("\(Address(raw: secret.key.publicKey.raw))"))
    }
}
