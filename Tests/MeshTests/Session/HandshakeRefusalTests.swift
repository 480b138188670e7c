import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A wrong message at every step establishes nothing, is counted, and does not stop the genuine handshake.
@Suite struct HandshakeRefusalTests {
    /// Box 0 calls box 1. Neither asks for cookies.
    private func bench() -> Bench {
        let bench = Bench { $0.limits.handshakesPerSecondBeforeCookies = 1_000_000 }
        bench.introduce(0, to: 1)
        bench.tick()
        return bench
    }

    private func established(_ bench: Bench) -> Int {
        bench.boxes.reduce(0) { $0 + $1.allSessions.count { $0.current != nil } }
    }

    /// Everything that can be wrong with the form of a message.
    private func mutants(_ message: [UInt8], unprotected: Range<Int> = 0..<0) -> [(what: String, bytes: [UInt8])] {
        var out: [(String, [UInt8])] = (0..<message.count).map { ("cut to \($0)", Array(message[..<$0])) }
        out.append(("one byte longer", message + [0]))
        out.append(("twice as long", message + message))
        for place in message.indices where !unprotected.contains(place) {
            for mask: UInt8 in [0x01, 0x80] {
                out.append(("byte \(place) altered by \(mask)", message.altered(at: place, by: mask)))
            }
        }
        for version in [0, 2, 255] as [UInt8] {
            var other = message
            other[1] = version
            out.append(("version \(version)", other))
        }
        for kind in 0...9 as ClosedRange<UInt8> where kind != message[0] {
            var other = message
            other[0] = kind
            out.append(("kind \(kind)", other))
        }
        return out
    }

    /// Gives every mutant to a box, and looks at what it does.
    private func attack(_ bench: Bench, _ place: Int, with mutants: [(what: String, bytes: [UInt8])], from: Int) {
        let before = established(bench)
        for mutant in mutants {
            let counted = bench.boxes[place].drops.total
            bench.give(mutant.bytes, to: place, from: bench.endpoint(from))
            #expect(bench.boxes[place].drops.total > counted, "not counted: \(mutant.what), \(bench.comment)")
            let answer = bench.take(place)
            #expect(
                answer.reduce(0) { $0 + $1.bytes.count } <= mutant.bytes.count,
                "amplified: \(mutant.what), \(bench.comment)")
            if established(bench) != before {
                Issue.record("established by \(mutant.what), \(bench.comment)")
                return
            }
        }
        #expect(bench.delivered.isEmpty)
    }

    @Test func message1() throws {
        let bench = bench()
        let genuine = try #require(bench.take(0).first)
        try #require(genuine.kind == .initiation && genuine.bytes.count == InitiationLayout.count)
        // The second MAC counts only under load.
        attack(
            bench, 1,
            with: mutants(genuine.bytes, unprotected: InitiationLayout.mac2..<InitiationLayout.count), from: 0)
        #expect(bench.boxes[1].answering.responses.isEmpty)
        bench.deliver(genuine)
        bench.exchange()
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0), bench.comment)
    }

    @Test func message2() throws {
        let bench = bench()
        bench.deliver(try #require(bench.take(0).first))
        let genuine = try #require(bench.take(1).first)
        try #require(genuine.kind == .response)
        attack(bench, 0, with: mutants(genuine.bytes), from: 1)
        bench.deliver(genuine)
        bench.exchange()
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0), bench.comment)
    }

    @Test func message3() throws {
        let bench = bench()
        bench.deliver(try #require(bench.take(0).first))
        bench.deliver(try #require(bench.take(1).first))
        let genuine = try #require(bench.take(0).first)
        try #require(genuine.kind == .finish)
        attack(bench, 1, with: mutants(genuine.bytes), from: 0)
        bench.deliver(genuine)
        bench.exchange()
        #expect(bench.isEstablished(1, 0), bench.comment)
        #expect(bench.session(0, 1)?.current?.confirmed == true, bench.comment)
    }

    /// Who knows the address can make the MAC right again; the transcript still differs.
    @Test func message1AlteredWithARightMAC() throws {
        let bench = bench()
        let genuine = try #require(bench.take(0).first)
        let keys = AddressKeys(bench.address(1))
        let hint = InitiationLayout.hint..<InitiationLayout.ephemeral
        for place in 2..<InitiationLayout.mac1 where !hint.contains(place) {
            var altered = genuine.bytes.altered(at: place, by: 0x10)
            let mac = altered.withUnsafeBytes { keys.mac1($0) }
            altered.replaceSubrange(InitiationLayout.mac1..<InitiationLayout.mac2, with: mac)
            bench.give(altered, to: 1, from: bench.endpoint(0))
            for answer in bench.take(1) where answer.kind == .response {
                // A change of the sender's index leads the answer astray; put right, it must not be taken either way.
                var led = answer.bytes
                led.replaceSubrange(
                    ResponseLayout.receiver..<ResponseLayout.noise,
                    with: genuine.bytes[InitiationLayout.sender..<InitiationLayout.hint])
                let isPadding = place >= InitiationLayout.ephemeral + 32
                let isIndex = (InitiationLayout.sender..<InitiationLayout.hint).contains(place)
                if isPadding || isIndex { continue }
                bench.give(led, to: 0, from: bench.endpoint(1))
                #expect(!bench.isEstablished(0, 1), "byte \(place), \(bench.comment)")
                #expect(bench.take(0).isEmpty)
            }
        }
        bench.deliver(genuine)
        bench.exchange()
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0), bench.comment)
    }

    /// With its index altered in message 1 and put right in message 2, the caller gets as far as message 3, which says
    /// its index once more, sealed.
    @Test func anIndexAlteredInMessage1IsNoticedInMessage3() throws {
        let bench = bench()
        let genuine = try #require(bench.take(0).first)
        let keys = AddressKeys(bench.address(1))
        var altered = genuine.bytes.altered(at: InitiationLayout.sender)
        altered.replaceSubrange(
            InitiationLayout.mac1..<InitiationLayout.mac2, with: altered.withUnsafeBytes { keys.mac1($0) })
        bench.give(altered, to: 1, from: bench.endpoint(0))
        var answer = try #require(bench.take(1).first).bytes
        answer.replaceSubrange(
            ResponseLayout.receiver..<ResponseLayout.noise,
            with: genuine.bytes[InitiationLayout.sender..<InitiationLayout.hint])
        bench.give(answer, to: 0, from: bench.endpoint(1))
        let finish = try #require(bench.take(0).first { $0.kind == .finish })
        for header in [finish.bytes, finish.bytes.altered(at: FinishLayout.sender)] {
            bench.give(header, to: 1, from: bench.endpoint(0))
            #expect(!bench.isEstablished(1, 0), bench.comment)
        }
        #expect(bench.boxes[1].drops[.handshakeForged] == 2)
    }

    @Test func messagesOfAnotherSession() throws {
        let bench = Bench(3) { $0.limits.handshakesPerSecondBeforeCookies = 1_000_000 }
        bench.introduce(0, to: 1)
        bench.introduce(2, to: 1)
        bench.tick()
        let first = [try #require(bench.take(0).first), try #require(bench.take(2).first)]
        first.forEach(bench.deliver)
        let second = bench.take(1)
        try #require(second.count == 2)
        // Message 2 of the other handshake, with the index put right.
        var mixed = second[1].bytes
        mixed.replaceSubrange(8..<12, with: second[0].bytes[8..<12])
        attack(bench, 0, with: [("2's answer", mixed), ("2's answer as it is", second[1].bytes)], from: 1)
        second.forEach(bench.deliver)
        let third = [bench.take(0), bench.take(2)].compactMap { $0.first { $0.kind == .finish } }
        try #require(third.count == 2)
        // Message 3 of the other handshake; here the indices are the callee's own.
        var crossed = third[1].bytes
        crossed.replaceSubrange(8..<12, with: third[0].bytes[8..<12])
        attack(bench, 1, with: [("2's identity", crossed)], from: 0)
        third.forEach(bench.deliver)
        bench.exchange()
        for caller in [0, 2] {
            #expect(bench.isEstablished(caller, 1) && bench.isEstablished(1, caller), bench.comment)
        }
    }

    @Test func messagesOfAFinishedHandshake() throws {
        let bench = bench()
        var all: [Bench.Posted] = []
        bench.exchange {
            all.append($0)
            return true
        }
        try #require(bench.isEstablished(0, 1) && bench.isEstablished(1, 0))
        func keypairs() -> [ObjectIdentifier?] {
            [bench.session(0, 1)?.current, bench.session(1, 0)?.current].map { $0.map(ObjectIdentifier.init) }
        }
        let before = keypairs()
        bench.now = bench.now + .seconds(60)
        for posted in all where posted.kind != .initiation {
            bench.deliver(posted)
            _ = [0, 1].map { bench.take($0) }
        }
        #expect(keypairs() == before, "an old message changed the keys, \(bench.comment)")
        #expect(bench.delivered.isEmpty)
    }
}
