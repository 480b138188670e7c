import TestSupport
import Testing
import Wire

@testable import INET256

/// A cipher from one of the libraries.
struct CipherWay: Sendable, CustomStringConvertible {
    let cipher: Cipher
    let backend: CipherBackend

    var description: String { "\(cipher.name) of \(backend.rawValue)" }

    func key(_ secret: SecretBytes) -> AEADKey { AEADKey(cipher, key: secret, backend: backend) }

    /// All that this machine has. Two of libsodium and libcrypto are always there.
    static let here = Cipher.allCases.flatMap { cipher in
        CipherBackend.allCases.filter { $0.trouble(with: cipher) == nil }.map { CipherWay(cipher: cipher, backend: $0) }
    }
}

/// The libraries against each other, and how one is chosen.
@Suite struct CipherBackendTests {
    @Test func thoseThatAreLinkedAreThere() {
        let ways = CipherWay.here.filter { $0.cipher == .chaCha20Poly1305 }.map(\.backend)
        #expect(ways.contains(.libsodium) && ways.contains(.openSSL))
        for finding in CipherSurvey().findings {
            switch finding.verdict {
            case .works(let nanoseconds): #expect(nanoseconds > 0 && nanoseconds < 1e6)
            case .unavailable(let why): #expect(!why.isEmpty)
            case .faulty(let why): Issue.record("\(finding.cipher) of \(finding.backend): \(why)")
            }
        }
    }

    /// Sealed by each and opened by each other, in the middle of a buffer at any alignment, nothing else touched.
    @Test(arguments: Cipher.allCases) func everyPairAgrees(cipher: Cipher) {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        let ways = CipherWay.here.filter { $0.cipher == cipher }
        for round in 0..<300 {
            let secret = SecretBytes(count: 32, from: random)
            let count = round < 130 ? round : Int(random.next(below: 9001))
            let place = Int(random.next(below: 64))
            let nonce = random.next64()
            let additional = random.bytes(round % 3 == 0 ? 16 : Int(random.next(below: 70)))
            let before = random.bytes(place + count + AEADKey.tagCount + 64)
            let end = place + count + AEADKey.tagCount
            var sealed: [[UInt8]] = []
            for way in ways {
                var bytes = before
                let key = way.key(secret)
                bytes.withUnsafeMutableBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    additional.withRaw { key.seal(base + place, count: count, nonce: nonce, additional: $0) }
                }
                #expect(bytes[..<place] == before[..<place] && bytes[end...] == before[end...], "\(way), seed \(seed)")
                sealed.append(bytes)
            }
            #expect(Set(sealed).count == 1, "\(ways), \(count) bytes at \(place), seed \(seed)")
            for way in ways {
                var bytes = sealed[0]
                let key = way.key(secret)
                let opened = bytes.withUnsafeMutableBytes { bytes in
                    guard let base = bytes.baseAddress else { return false }
                    return additional.withRaw {
                        key.open(base + place, count: count + AEADKey.tagCount, nonce: nonce, additional: $0)
                    }
                }
                #expect(opened && bytes[..<(place + count)] == before[..<(place + count)], "\(way), seed \(seed)")
                #expect(bytes[end...] == before[end...], "\(way), seed \(seed)")
            }
        }
    }

    /// What does not open leaves no text behind that nobody has vouched for.
    @Test(arguments: CipherWay.here) func aForgeryIsNotDecrypted(way: CipherWay) {
        let key = way.key(SecretBytes([UInt8](repeating: 3, count: 32)))
        let text = [UInt8](repeating: 0x41, count: 200)
        var bytes = text + [UInt8](repeating: 0, count: AEADKey.tagCount)
        let opened = bytes.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return true }
            return [UInt8]([1, 2]).withRaw { extra in
                key.seal(base, count: text.count, nonce: 5, additional: extra)
                bytes[215] ^= 0x80
                return key.open(base, count: bytes.count, nonce: 5, additional: extra)
            }
        }
        #expect(!opened)
        #expect(!bytes.contains(0x41) || bytes[..<200].count { $0 == 0x41 } < 20)
    }

    /// The same key seals and opens in turn, as a handshake's does.
    @Test(arguments: CipherWay.here) func oneKeyForBothDirections(way: CipherWay) {
        let key = way.key(SecretBytes([UInt8](repeating: 3, count: 32)))
        var bytes = [UInt8](repeating: 9, count: 64)
        for nonce in 0..<20 as Range<UInt64> {
            let opened = bytes.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return false }
                return [UInt8]().withRaw { extra in
                    key.seal(base, count: 48, nonce: nonce, additional: extra)
                    return key.open(base, count: 64, nonce: nonce, additional: extra)
                }
            }
            #expect(opened && bytes[..<48].allSatisfy { $0 == 9 })
        }
    }

    @Test func keysOfIPsecMBStandOn64Bytes() {
        for size in [256, 1152] {
            let keys = (0..<50).map { _ in SecretBytes(count: size) }
            #expect(keys.allSatisfy { UInt(bitPattern: $0.address) % 64 == 0 })
        }
    }

    // MARK: Choosing

    /// The check at start finds a library that computes something else.
    @Test(arguments: CipherWay.here) func aWrongResultIsFound(way: CipherWay) {
        let check = CipherCheck(cipher: way.cipher, backend: way.backend)
        #expect(check.fault() == nil)
        let right = KnownAnswer.of(way.cipher)
        for place in [0, right.text.count - 1, right.text.count, right.sealed.count - 1] {
            var sealed = right.sealed
            sealed[place] ^= 0x10
            let wrong = KnownAnswer(
                key: right.key, nonce: right.nonce, additional: right.additional, text: right.text, sealed: sealed)
            #expect(check.fault(wrong) != nil)
        }
    }

    @Test func theFastestThatIsRight() {
        func survey(_ ipsecMB: CipherSurvey.Verdict, _ openSSL: CipherSurvey.Verdict) -> CipherSurvey {
            CipherSurvey(findings: [
                .init(cipher: .chaCha20Poly1305, backend: .libsodium, verdict: .works(nanoseconds: 2900)),
                .init(cipher: .aes256GCM, backend: .libsodium, verdict: .works(nanoseconds: 1440)),
                .init(cipher: .aes256GCM, backend: .openSSL, verdict: openSSL),
                .init(cipher: .aes256GCM, backend: .ipsecMB, verdict: ipsecMB),
            ])
        }
        let all = survey(.works(nanoseconds: 200), .works(nanoseconds: 860))
        #expect(all.choice == CipherBackends(chaCha20Poly1305: .libsodium, aes256GCM: .ipsecMB))
        #expect(all.warnings.isEmpty)
        let wrong = survey(.faulty("wrong result"), .works(nanoseconds: 860))
        #expect(wrong.choice[.aes256GCM] == .openSSL)
        #expect(wrong.warnings == ["ipsec-mb is not used for AES-256-GCM: wrong result"])
        let slow = survey(.unavailable("not installed"), .works(nanoseconds: 5000))
        #expect(slow.choice[.aes256GCM] == .libsodium && slow.warnings.isEmpty)
        #expect(CipherSurvey(findings: []).choice == CipherBackends(chaCha20Poly1305: nil, aes256GCM: nil))
    }

    @Test func onlyWhatIsAllowedIsLookedAt() {
        let survey = CipherSurvey(of: [.libsodium])
        #expect(survey.findings.allSatisfy { $0.backend == .libsodium } && survey.findings.count == 2)
        #expect(survey.choice == .floor)
        #expect(CipherSurvey(of: [.openSSL]).choice[.chaCha20Poly1305] == .openSSL)
    }
}
