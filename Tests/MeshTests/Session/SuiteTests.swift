import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Which cipher two boxes agree on, and that nobody on the way has a say in it.
@Suite struct SuiteTests {
    private func bench(_ first: [Cipher], _ second: [Cipher], minimum: UInt8 = 1) -> Bench {
        let bench = Bench(0)
        for ciphers in [first, second] {
            var settings = Simulation.smallBoxes()
            settings.ciphers = ciphers
            if bench.boxes.isEmpty { settings.minimumSuite = minimum }
            bench.add(settings)
        }
        bench.introduce(0, to: 1)
        return bench
    }

    @Test(.enabled(if: Cipher.aes256GCM.isAvailable)) func theBestThatBothHave() throws {
        let both: [Cipher] = [.aes256GCM, .chaCha20Poly1305]
        let cases: [([Cipher], [Cipher], Cipher)] = [
            (both, both, .aes256GCM), (both, [.chaCha20Poly1305], .chaCha20Poly1305),
            ([.chaCha20Poly1305], both, .chaCha20Poly1305), ([.aes256GCM], both, .aes256GCM),
            (both, [.chaCha20Poly1305, .aes256GCM], .chaCha20Poly1305),
        ]
        for (first, second, expected) in cases {
            let bench = bench(first, second)
            bench.run(for: .seconds(1))
            #expect(bench.session(0, 1)?.current?.cipher == expected, "\(first) and \(second), \(bench.comment)")
            #expect(bench.session(1, 0)?.current?.cipher == expected)
            bench.send([1, 2, 3], from: 0, to: 1)
            bench.exchange()
            #expect(bench.delivered.map(\.message) == [[1, 2, 3]])
        }
    }

    @Test(.enabled(if: Cipher.aes256GCM.isAvailable)) func nothingInCommon() throws {
        let bench = bench([.aes256GCM, .chaCha20Poly1305], [.chaCha20Poly1305], minimum: Cipher.aes256GCM.rawValue)
        bench.run(for: .seconds(10)) { posted in
            #expect(posted.from == 0 && posted.kind == .initiation, "answered, \(bench.comment)")
            return true
        }
        #expect(bench.boxes[1].drops[.handshakeNoCommonSuite] > 3)
        #expect(!bench.isEstablished(0, 1) && !bench.isEstablished(1, 0))
    }

    @Test(.enabled(if: Cipher.aes256GCM.isAvailable)) func strippingABetterSuiteBreaksTheHandshake() throws {
        let bench = bench([.aes256GCM, .chaCha20Poly1305], [.aes256GCM, .chaCha20Poly1305])
        bench.tick()
        let genuine = try #require(bench.take(0).first)
        var stripped = genuine.bytes
        stripped[InitiationLayout.suites] = 1 << Cipher.chaCha20Poly1305.rawValue
        let mac = stripped.withUnsafeBytes { AddressKeys(bench.address(1)).mac1($0) }
        stripped.replaceSubrange(InitiationLayout.mac1..<InitiationLayout.mac2, with: mac)
        bench.give(stripped, to: 1, from: bench.endpoint(0))
        let answer = try #require(bench.take(1).first)
        bench.deliver(answer)
        #expect(bench.boxes[0].drops[.handshakeForged] == 1)
        #expect(!bench.isEstablished(0, 1) && bench.take(0).isEmpty)
        // What comes through unaltered still gives the better one.
        bench.deliver(genuine)
        bench.exchange()
        #expect(bench.session(0, 1)?.current?.cipher == .aes256GCM, bench.comment)
    }

    @Test func aSuiteThatWasNotOffered() throws {
        let bench = Bench(1) { $0.ciphers = [.chaCha20Poly1305] }
        let stranger = Stranger(bench.random)
        bench.boxes[0].setPeer(
            PeerSettings(address: stranger.address, endpoints: [bench.elsewhere(1)]), now: bench.now)
        bench.tick()
        let call = try #require(bench.take(0).first).bytes
        for number in [0, 2, 3, 15, 16, 17, 255] as [UInt8] {
            // The number stands in the sealed payload, so only the other end itself can choose it.
            let index = stranger.random.next32()
            var payload = Identity.payload(stranger.shown, suite: .chaCha20Poly1305, index: index)
            payload[HandshakePayload.suite] = number
            var answer = try stranger.answer(call, as: stranger.address, payload: payload)
            answer.withUnsafeMutableBytes { $0.baseAddress?.putLittle(index, ResponseLayout.sender) }
            bench.give(answer, to: 0, from: bench.elsewhere(1))
        }
        #expect(bench.boxes[0].drops[.handshakeNoCommonSuite] == 7)
        #expect(bench.take(0).isEmpty)
        #expect(bench.boxes[0].status(now: bench.now).links.first?.state == .refused)
    }

    @Test func message3MustRepeatTheChoice() throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        bench.give(stranger.call(bench.address(0)), to: 0, from: bench.elsewhere(1))
        let response = try #require(bench.take(0).first)
        stranger.cipher = .aes256GCM
        guard Cipher.aes256GCM.isAvailable else { return }
        bench.give(try stranger.finish(response.bytes, now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeNoCommonSuite] == 1)
        #expect(bench.boxes[0].allSessions.isEmpty)
    }

    @Test func settings() {
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 2).bits == 0)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).bits == 0b10)
        #expect(Suites(ciphers: [], minimum: 1).choose(from: .max) == nil)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).choose(from: 0b10) == .chaCha20Poly1305)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).choose(from: 0b1111_1101) == nil)
    }
}
