import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The keys of one handshake: how long and how often they serve.
@Suite struct KeypairTests {
    private let random = MeshSim.SeededRandom(seed: 5)

    private func pair(
        _ cipher: Cipher = .chaCha20Poly1305, backend: CipherBackend = .libsodium, limits: CipherLimits = .chaCha,
        at now: Instant = .distantPast
    ) -> (Keypair, Keypair) {
        let secrets = TransportSecrets(
            initiatorToResponder: SecretBytes(count: 32, from: random),
            responderToInitiator: SecretBytes(count: 32, from: random), hash: [])
        func make(_ initiator: Bool) -> Keypair {
            let agreement = Agreement(
                suite: SuiteChoice(cipher: cipher, backend: backend), secrets: secrets, initiator: initiator,
                localIndex: initiator ? 1 : 2, remoteIndex: initiator ? 2 : 1)
            return Keypair(agreement, limits: limits, now: now)
        }
        return (make(true), make(false))
    }

    private func sealed(_ frame: [UInt8], by keypair: Keypair) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: TransportLayout.header) + frame + [UInt8](repeating: 0, count: 16)
        out.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            #expect(keypair.seal(at: base, frameCount: frame.count) == bytes.count)
        }
        return out
    }

    private func opened(_ datagram: [UInt8], by keypair: Keypair) -> [UInt8]? {
        var copy = datagram
        let opening = copy.withUnsafeMutableBytes { keypair.keys.open($0) }
        guard case .frame(let count, _) = opening else { return nil }
        return Array(copy[TransportLayout.header..<TransportLayout.header + count])
    }

    @Test(arguments: Cipher.allCases.filter(\.isAvailable)) func everyByteOfADatagramCounts(_ cipher: Cipher) {
        let (a, b) = pair(cipher)
        let datagram = sealed([1, 2, 3, 4], by: a)
        for place in datagram.indices {
            #expect(opened(datagram.altered(at: place, by: 1), by: b) == nil, "byte \(place)")
        }
        for count in TransportLayout.minimum..<datagram.count {
            #expect(opened(Array(datagram[..<count]), by: b) == nil)
        }
        // Not by whoever sealed it, and by the other end once.
        #expect(opened(datagram, by: a) == nil)
        #expect(opened(datagram, by: b) == [1, 2, 3, 4])
        #expect(opened(datagram, by: b) == nil)
    }

    /// A forgery with a counter far ahead must not move the window.
    @Test func forgeriesDoNotMoveTheWindow() {
        let (a, b) = pair()
        let genuine = (0..<10).map { sealed([UInt8($0)], by: a) }
        var ahead = genuine[9]
        ahead.withUnsafeMutableBytes { $0.baseAddress?.putLittle(UInt64(1) << 40, TransportLayout.counter) }
        #expect(opened(ahead, by: b) == nil)
        for (number, datagram) in genuine.enumerated() { #expect(opened(datagram, by: b) == [UInt8(number)]) }
    }

    @Test func agesAndCounts() {
        let bounds = MeshLimits()
        let start = Instant(nanoseconds: 1)
        let limits = CipherLimits(rekeyAfterMessages: 3, rejectAfterMessages: 5)
        let (a, b) = pair(limits: limits, at: start)
        #expect(a.maySend(start + .seconds(179), bounds) && !a.maySend(start + .seconds(180), bounds))
        #expect(a.mayReceive(start + .seconds(179), bounds) && !a.mayReceive(start + .seconds(180), bounds))
        #expect(!a.isDue(start + .seconds(119), bounds) && a.isDue(start + .seconds(120), bounds))
        for count in 0..<5 {
            #expect(a.maySend(start, bounds))
            #expect(a.isWornOut == (count >= 3))
            #expect(opened(sealed([1], by: a), by: b) == [1])
        }
        #expect(!a.maySend(start, bounds))
        // It is the sender's limit; what comes in is still taken.
        #expect(a.mayReceive(start, bounds))
    }

    /// After so many forgeries a key is given up, whichever cipher it is for.
    @Test(arguments: Cipher.allCases.filter(\.isAvailable)) func forgeriesWearAKeyOut(_ cipher: Cipher) {
        let bounds = MeshLimits()
        let limits = CipherLimits(rekeyAfterMessages: 100, rejectAfterMessages: 200, failedOpenings: 3)
        let start = Instant(nanoseconds: 1)
        let (a, b) = pair(cipher, limits: limits, at: start)
        let genuine = sealed([1], by: a)
        for _ in 0..<3 {
            #expect(b.mayReceive(start, bounds))
            #expect(opened(genuine.altered(at: genuine.count - 1, by: 1), by: b) == nil)
        }
        #expect(!b.mayReceive(start, bounds))
        #expect(a.mayReceive(start, bounds))
    }

    @Test func theNumbersOfTheDesign() {
        #expect(CipherLimits.aesGCM.rekeyAfterMessages == 1 << 27 && CipherLimits.aesGCM.rejectAfterMessages == 1 << 28)
        #expect(CipherLimits.chaCha.rekeyAfterMessages == 1 << 60)
        #expect(CipherLimits.chaCha.rejectAfterMessages < .max - UInt64(ReplayWindow.bits) + 1)
        #expect(CipherLimits.chaCha.failedOpenings == 1 << 36 && CipherLimits.aesGCM.failedOpenings == 1 << 36)
        #expect(MeshLimits().of(.aes256GCM).rejectAfterMessages == 1 << 28)
    }
}
