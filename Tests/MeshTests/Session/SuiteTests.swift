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
            #expect(bench.session(0, 1)?.current?.suite.cipher == expected, "\(first) and \(second), \(bench.comment)")
            #expect(bench.session(1, 0)?.current?.suite.cipher == expected)
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
        #expect(bench.session(0, 1)?.current?.suite.cipher == .aes256GCM, bench.comment)
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

    /// Every pair of boxes with AES, without it, and insisting on it.
    @Test(.enabled(if: Cipher.aes256GCM.isAvailable)) func theMatrix() {
        let both: [Cipher] = [.aes256GCM, .chaCha20Poly1305]
        let kinds: [(name: String, ciphers: [Cipher], minimum: UInt8, offers: Set<UInt8>)] = [
            ("both", both, 1, [1, 2]), ("ChaCha only", [.chaCha20Poly1305], 1, [1]), ("AES only", [.aes256GCM], 1, [2]),
            ("insists on AES", both, 2, [2]),
        ]
        for first in kinds {
            for second in kinds {
                let bench = Bench(0)
                for kind in [first, second] {
                    var settings = Simulation.smallBoxes()
                    settings.ciphers = kind.ciphers
                    settings.minimumSuite = kind.minimum
                    bench.add(settings)
                }
                bench.introduce(0, to: 1)
                bench.run(for: .seconds(2))
                let expected = first.offers.intersection(second.offers).max().flatMap(Cipher.init(rawValue:))
                #expect(
                    bench.session(0, 1)?.current?.suite.cipher == expected,
                    "\(first.name) calls \(second.name), \(bench.comment)")
                #expect(bench.session(1, 0)?.current?.suite.cipher == expected)
            }
        }
    }

    /// Whoever is on the way may change any byte of messages 1 and 2: there is AES, or nothing.
    @Test(.enabled(if: Cipher.aes256GCM.isAvailable)) func nobodyOnTheWayTalksThemDown() throws {
        let both: [Cipher] = [.aes256GCM, .chaCha20Poly1305]
        var survivors = 0
        for kind in [DatagramKind.initiation, .response] {
            let count = kind == .initiation ? InitiationLayout.count : ResponseLayout.count
            for place in 0..<count {
                // All that can be offered, where that stands; elsewhere any change will do.
                let changes: [UInt8] = place == InitiationLayout.suites ? [1, 2, 4, 6] : [1]
                for bits in changes {
                    let bench = bench(both, both)
                    bench.tick()
                    var first = try #require(bench.take(0).first).bytes
                    if kind == .initiation {
                        first[place] ^= bits
                        // As somebody would who knows the address that is called.
                        if place < InitiationLayout.mac1 {
                            let mac = first.withUnsafeBytes { AddressKeys(bench.address(1)).mac1($0) }
                            first.replaceSubrange(InitiationLayout.mac1..<InitiationLayout.mac2, with: mac)
                        }
                    }
                    bench.give(first, to: 1, from: bench.endpoint(0))
                    guard var second = bench.take(1).first?.bytes else { continue }
                    if kind == .response { second[place] ^= bits }
                    bench.give(second, to: 0, from: bench.endpoint(1))
                    bench.exchange()
                    for session in [bench.session(0, 1), bench.session(1, 0)] {
                        guard let suite = session?.current?.suite else { continue }
                        survivors += 1
                        #expect(suite.cipher == .aes256GCM, "byte \(place) of \(kind), bits \(bits), \(bench.comment)")
                    }
                }
            }
        }
        // Such as a changed mac2, which nobody asks for while there is no load.
        #expect(survivors > 0)
    }

    /// Where a box takes a cipher from is its own business.
    @Test(arguments: CipherBackend.allCases) func librariesUnderstandEachOther(_ backend: CipherBackend) throws {
        let choice = CipherSurvey(of: [backend]).choice
        for cipher in Cipher.allCases where choice[cipher] != nil && CipherBackends.floor[cipher] != nil {
            let bench = Bench(0)
            for backends in [choice, .floor] {
                var settings = Simulation.smallBoxes()
                settings.ciphers = [cipher]
                settings.backends = backends
                bench.add(settings)
            }
            bench.introduce(0, to: 1)
            bench.run(for: .seconds(1))
            #expect(
                bench.session(0, 1)?.current?.suite == SuiteChoice(cipher: cipher, backend: backend), bench.comment)
            #expect(bench.session(1, 0)?.current?.suite == SuiteChoice(cipher: cipher, backend: .libsodium))
            #expect(bench.boxes[0].status(now: bench.now).sessions.first?.backend == backend)
            for size in [0, 1, 1200, 40_000] {
                let message = [UInt8](repeating: UInt8(size % 251), count: size)
                bench.send(message, from: 0, to: 1)
                bench.exchange()
                bench.send(message, from: 1, to: 0)
                bench.exchange()
                #expect(bench.delivered.suffix(2).map(\.message) == [message, message], "\(size) bytes")
            }
        }
    }

    @Test func aCipherWithoutALibraryIsNotOffered() {
        let none = CipherBackends(chaCha20Poly1305: .libsodium, aes256GCM: nil)
        #expect(Suites(ciphers: [.aes256GCM, .chaCha20Poly1305], minimum: 1, backends: none).bits == 0b10)
        var settings = BoxSettings(startMilliseconds: 0)
        settings.minimumSuite = 2
        settings.backends = none
        #expect(!settings.hasCipher)
    }

    /// The same Diffie-Hellman results under another suite, or after another transcript, are other keys.
    @Test func keysAreBoundToSuiteAndTranscript() {
        let secret = SecretBytes(count: 32)
        func key(_ hash: [UInt8], _ cipher: Cipher) -> [UInt8] {
            let secrets = TransportSecrets(initiatorToResponder: secret, responderToInitiator: secret, hash: hash)
            return secrets.key(secret, cipher).withBytes { Array($0) }
        }
        let hash = [UInt8](repeating: 7, count: 64)
        let other = [UInt8](repeating: 8, count: 64)
        let keys = [
            key(hash, .aes256GCM), key(hash, .chaCha20Poly1305), key(other, .aes256GCM), key(other, .chaCha20Poly1305),
        ]
        #expect(Set(keys).count == 4 && keys.allSatisfy { $0.count == 32 && $0.contains { $0 != 0 } })
        #expect(key(hash, .aes256GCM) == keys[0])
    }

    @Test func settings() {
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 2).bits == 0)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).bits == 0b10)
        #expect(Suites(ciphers: [], minimum: 1).choose(from: .max) == nil)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).choose(from: 0b10)?.cipher == .chaCha20Poly1305)
        #expect(Suites(ciphers: [.chaCha20Poly1305], minimum: 1).choose(from: 0b1111_1101) == nil)
    }
}
