import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What strangers get, without a box around it.
@Suite struct AnsweringTests {
    private let random = MeshSim.SeededRandom(seed: 11)
    private let local: BoxNode
    private let suites = Suites(ciphers: [.chaCha20Poly1305], minimum: 1)
    private let start = Instant(nanoseconds: 1_000_000_000)

    init() { local = BoxNode(id: .main, key: PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: 12))) }

    private func answering(_ change: (inout MeshLimits) -> Void = { _ in }) -> Answering {
        var limits = MeshLimits()
        change(&limits)
        return Answering(limits: limits, random: random, now: start)
    }

    private func arrival(_ number: UInt16) -> Arrival {
        let address = IPv6Address(high: 0x2001_0db8 << 32 | UInt64(number), low: 1)
        return .direct(Path(remote: Endpoint(address: address, port: 4000), interface: 1, socket: 0))
    }

    /// What a call is worth, as a word, and the bytes that go back.
    private func judge(
        _ call: [UInt8], _ answering: inout Answering, from number: UInt16 = 1, isExpected: Bool = false,
        _ now: Instant? = nil
    ) -> (word: String, bytes: [UInt8]) {
        call.withUnsafeBytes { bytes in
            guard let message = InitiationMessage(bytes) else { return ("no call", []) }
            let verdict = answering.judge(
                message, to: local, from: arrival(number), isExpected: isExpected, now: now ?? start)
            switch verdict {
            case .repeated(let bytes): return ("repeated", bytes)
            case .demand(let bytes): return ("demand", bytes)
            case .answer: return ("answer", [])
            case .overBudget: return ("over budget", [])
            }
        }
    }

    private func response(
        to call: [UInt8], index: UInt32 = 1, from number: UInt16 = 1, isExpected: Bool = false, _ now: Instant? = nil
    ) throws -> Response {
        try call.withUnsafeBytes { bytes in
            let call = try Call(try #require(InitiationMessage(bytes)), to: local, suites: suites)
            return try Response(
                call, index: index, from: arrival(number), isExpected: isExpected, random: random, now: now ?? start)
        }
    }

    @Test func theSameCallGetsTheSameAnswerWithoutWork() throws {
        var answering = answering { $0.handshakesPerTurn = 4 }
        let call = Stranger(random).call(local.address)
        #expect(judge(call, &answering).word == "answer")
        let answered = try response(to: call)
        let victim = answering.keep(answered)
        #expect(victim == nil)
        for _ in 0..<100 {
            let again = judge(call, &answering)
            #expect(again.word == "repeated" && again.bytes == answered.message)
        }
        #expect(!answered.wentElsewhere)
        #expect(judge(call, &answering, from: 2).word == "repeated" && answered.wentElsewhere)
        // Another mac2 is the same call; one that was altered under mac1 is another.
        var other = call
        other[InitiationLayout.mac2] ^= 1
        #expect(judge(other, &answering).word == "repeated")
        answering.remove(answered)
        #expect(answering.responses.isEmpty && judge(call, &answering).word == "answer")
    }

    @Test func aQuarterOfTheWorkIsKeptForThoseExpected() {
        var answering = answering { $0.handshakesPerTurn = 8 }
        func words(_ isExpected: Bool) -> [String] {
            (0..<10).map {
                judge(Stranger(random).call(local.address), &answering, from: $0, isExpected: isExpected).word
            }
        }
        #expect(words(false).filter { $0 == "answer" }.count == 6)
        #expect(words(true).filter { $0 == "answer" }.count == 2)
        answering.beginTurn()
        #expect(words(true).filter { $0 == "answer" }.count == 8)
    }

    @Test func aSourceWithManyCallsHasToShowACookie() {
        var answering = answering { $0.handshakesPerTurn = 10_000 }
        let burst = MeshLimits().callsOfSource.burst
        let caller = Stranger(random)
        for _ in 0..<burst { #expect(judge(caller.call(local.address), &answering).word == "answer") }
        let call = caller.call(local.address)
        let demanded = judge(call, &answering)
        #expect(demanded.word == "demand" && demanded.bytes.count == CookieLayout.count)
        // Another source has calls of its own.
        #expect(judge(Stranger(random).call(local.address), &answering, from: 9).word == "answer")
        let cookie = demanded.bytes.withUnsafeBytes { bytes in
            CookieMessage(bytes).flatMap { message in
                local.keys.cookie.withUnsafeBytes {
                    XChaCha20Poly1305.open(
                        message.sealed, nonce: message.nonce,
                        additional: Array(call[InitiationLayout.mac1..<InitiationLayout.mac2]), key: $0)
                }
            }
        }
        #expect(judge(caller.call(local.address, cookie: cookie, same: true), &answering).word == "answer")
        // It is good from nowhere else, where calls have run out.
        for _ in 0..<burst { _ = judge(Stranger(random).call(local.address), &answering, from: 2) }
        #expect(judge(caller.call(local.address, cookie: cookie, same: true), &answering, from: 2).word == "demand")
    }

    @Test func underStrainEverybodyShowsACookie() {
        var answering = answering { $0.handshakesPerSecondBeforeCookies = 50 }
        for _ in 0..<50 { answering.noteArrival(start) }
        #expect(judge(Stranger(random).call(local.address), &answering, from: 3).word == "answer")
        answering.noteArrival(start)
        for isExpected in [true, false] {
            let call = Stranger(random).call(local.address)
            #expect(judge(call, &answering, from: 4, isExpected: isExpected).word == "demand")
        }
        let later = start + .seconds(10)
        #expect(judge(Stranger(random).call(local.address), &answering, from: 5, later).word == "answer")
    }

    @Test func strangersMakeRoomAndPeersStay() throws {
        var answering = answering { $0.maximumResponses = 3 }
        let calls = (0..<5).map { _ in Stranger(random).call(local.address) }
        let peer = try response(to: calls[0], index: 100, isExpected: true)
        let strangers = try (1..<5).map { try response(to: calls[$0], index: UInt32($0)) }
        let victims = ([peer] + strangers).map { answering.keep($0)?.index }
        #expect(victims == [nil, nil, nil, 1, 2])
        #expect(answering.responses.map(\.index) == [100, 3, 4])
        let others = answering.removeAll(of: BoxNode(id: NodeID(rawValue: 1), key: local.key))
        #expect(others.isEmpty)
        let lifetime = MeshLimits().responseLifetime
        let early = answering.expire(start + lifetime - Interval(nanoseconds: 1))
        let late = answering.expire(start + lifetime).map(\.index)
        #expect(early.isEmpty && late == [100, 3, 4] && answering.responses.isEmpty)
    }

    @Test func hintsAreForThoseWhoMayBeMeant() {
        var answering = answering()
        let burst = MeshLimits().hintsForSource.burst
        let isHinted = answering.mayHint(arrival(1), isExpected: false, now: start)
        #expect(!isHinted)
        let expected = (0..<100).filter { _ in answering.mayHint(arrival(1), isExpected: true, now: start) }
        #expect(expected.count == burst)
        guard let path = arrival(2).path else { return }
        answering.acquaint(path.remote.address)
        let acquainted = (0..<100).filter { _ in answering.mayHint(arrival(2), isExpected: false, now: start) }
        #expect(acquainted.count == burst)
    }

    @Test func whatIsHeldIsBoundedAndComesInOrder() {
        let overtaken = Overtaken()
        var gone: Set<UInt32> = []
        var finished: Set<UInt32> = []
        func fate(_ index: UInt32) -> Overtaken.Fate {
            gone.contains(index) ? .gone : finished.contains(index) ? .finished : .awaited
        }
        func hold(_ count: Int, _ index: UInt32, _ mark: UInt8) -> Int {
            [UInt8](repeating: mark, count: count).withUnsafeBytes {
                overtaken.hold($0, index, arrival(1), fate: fate)
            }
        }
        #expect(hold(Overtaken.largest + 1, 1, 0) == 1 && overtaken.isEmpty)
        for mark in 0..<UInt8(Overtaken.perHandshake) { #expect(hold(100, 1, mark) == 0) }
        #expect(hold(100, 1, 99) == 1)
        var dropped = 0
        for index in 2..<200 as Range<UInt32> { dropped += hold(9000, index, 1) }
        #expect(overtaken.bytes <= Overtaken.bytesInAll && dropped == 198 - (overtaken.count - Overtaken.perHandshake))
        // Nothing is ripe before a handshake ends.
        #expect(overtaken.next(fate: fate) == nil && !overtaken.isRipe)
        finished = [1]
        overtaken.ripen()
        var marks: [UInt8] = []
        while let next = overtaken.next(fate: fate) { marks.append(next.datagram[0]) }
        #expect(marks == Array(0..<UInt8(Overtaken.perHandshake)) && !overtaken.isRipe)
        // What belongs to a handshake that was given up is forgotten and counted.
        let rest = overtaken.count
        gone = Set(2..<200)
        #expect(overtaken.forget(fate: fate) == rest && overtaken.isEmpty && overtaken.bytes == 0)
        overtaken.ripen()
        #expect(!overtaken.isRipe)
    }
}
