import INET256
import TestSupport
import Testing
import Wire

@Suite struct PrivateKeyTests {
    private func parse(_ bytes: [UInt8]) -> Result<PrivateKey, KeyError> {
        do throws(KeyError) {
            return .success(try bytes.withRaw { (bytes) throws(KeyError) in try PrivateKey.parse(file: bytes) })
        } catch {
            return .failure(error)
        }
    }

    private func error(_ bytes: [UInt8]) -> KeyError? {
        switch parse(bytes) {
        case .success: nil
        case .failure(let error): error
        }
    }

    private func error(_ text: String) -> KeyError? { error(Array(text.utf8)) }

    @Test func vectorsOfTheProject() throws {
        let vectors = try Vectors.load().keysEd25519
        #expect(vectors.count == 10)
        for vector in vectors {
            let key = PrivateKey(seed: SecretBytes(hex(vector.seed)))
            #expect(key.serialized().bytes == hex(vector.privateKey))
            #expect(key.publicKey.serialized == hex(vector.publicKey))
            #expect(key.address.description == vector.addressBase64)
            #expect(try parse(hex(vector.privateKey)).get().address == key.address)
            #expect(try parse(key.text().bytes).get().serialized().bytes == hex(vector.privateKey))
        }
    }

    @Test func keysForAgreementBelongTogether() throws {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        let a = PrivateKey(generatedFrom: random)
        let b = PrivateKey(generatedFrom: random)
        #expect(X25519.publicKey(of: a.x25519Secret) == a.publicKey.x25519(), "seed \(seed)")
        let point = try #require(b.publicKey.x25519())
        let other = try #require(a.publicKey.x25519())
        let shared = try #require(X25519.agree(a.x25519Secret, point))
        #expect(shared.bytes == X25519.agree(b.x25519Secret, other)?.bytes, "seed \(seed)")
        #expect(PrivateKey(generatedFrom: SeededRandom(seed: seed)).address == a.address)
        #expect(a.address != b.address)
    }

    @Test func textIsReadAsPeoplePasteIt() throws {
        let vector = try #require(try Vectors.load().keysEd25519.first)
        let key = try parse(hex(vector.privateKey)).get()
        let text = String(decoding: key.text().bytes, as: UTF8.self)
        #expect(text.count == PrivateKey.textCount && text.count == 108)
        #expect(text.hasPrefix("DwBlZDI1NTE5LnByaXZhdG"))
        let wrapped = text.prefix(76) + "\n" + text.dropFirst(76) + "\n"
        for form in [text, text + "\n", "\r\n\t  " + text + " \r\n", String(wrapped)] {
            #expect(try parse(Array(form.utf8)).get().address.description == vector.addressBase64)
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let key = PrivateKey(generatedFrom: SeededRandom(seed: 1))
        let binary = key.serialized().bytes
        #expect(error([UInt8]()) == .empty)
        // One byte alone could be the beginning of either form.
        #expect(error([binary[0]]) != nil)
        for count in 2..<binary.count {
            #expect(error(Array(binary[..<count])) == .truncated(expected: 81, actual: count))
        }
        let text = key.text().bytes
        for count in 1..<text.count {
            let found = error(Array(text[..<count]))
            #expect(found != nil, "\(count) characters")
            if count % 4 == 0 { #expect(found == .truncated(expected: 81, actual: count / 4 * 3)) }
        }
        #expect(error(binary + [10]) == .trailingBytes(expected: 81, actual: 82))
        #expect(error(binary + binary) == .trailingBytes(expected: 81, actual: 162))
        #expect(error(text + text) == .trailingBytes(expected: 81, actual: 162))
    }

    @Test func everyFlippedBitIsRefused() {
        let key = PrivateKey(generatedFrom: SeededRandom(seed: 2))
        let binary = key.serialized().bytes
        for bit in 0..<(binary.count * 8) {
            var altered = binary
            altered[bit / 8] ^= 1 << (bit % 8)
            let found = error(altered)
            #expect(found != nil, "bit \(bit)")
            if bit >= 17 * 8 { #expect(found == .publicHalfMismatch, "bit \(bit)") }
        }
        let text = key.text().bytes
        for index in 0..<text.count {
            for replacement in Array("Aa0+/".utf8) where replacement != text[index] {
                var altered = text
                altered[index] = replacement
                #expect(error(altered) != nil, "character \(index)")
            }
        }
    }

    @Test func saysWhatIsWrong() throws {
        let key = PrivateKey(generatedFrom: SeededRandom(seed: 3))
        #expect(error(key.publicKey.serialized) == .publicKeyGiven)
        #expect(error("BwBlZDI1NTE5" + String(repeating: "A", count: 42) + "AA") != nil)
        #expect(error("  \n") == .empty)
        #expect(error(String(repeating: "A", count: 5000)) == .unrecognised)
        #expect(error("# a comment") == .unrecognised)
        #expect(error("-----BEGIN PRIVATE KEY-----") == .unrecognised)
        #expect(error("AAAA-AAA") == .badText(offset: 4))
        #expect(
            error([18, 0] + Array("dilithium2.private".utf8) + [1, 2, 3]) == .unsupportedAlgorithm("dilithium2.private")
        )
        #expect(error([0, 0, 0, 0]) == .unrecognised)
        var swapped = key.serialized().bytes
        swapped.replaceSubrange(49..<81, with: PrivateKey(generatedFrom: SeededRandom(seed: 4)).publicKey.raw.bytes)
        #expect(error(swapped) == .publicHalfMismatch)
        let all: [KeyError] = [
            .empty, .truncated(expected: 81, actual: 3), .trailingBytes(expected: 81, actual: 82), .publicKeyGiven,
            .privateKeyGiven, .unsupportedAlgorithm("x"), .badText(offset: 0), .brokenText, .unrecognised,
            .publicHalfMismatch,
        ]
        #expect(Set(all.map(\.description)).count == all.count)
    }

    @Test func garbageIsRefused() {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ \n".utf8)
        for round in 0..<5000 {
            var bytes = random.bytes(Int(random.next(below: 200)))
            if round % 2 == 0 { bytes = bytes.map { alphabet[Int($0) % alphabet.count] } }
            #expect(error(bytes) != nil, "seed \(seed)")
        }
    }

    @Test func neverShowsTheKey() {
        let key = PrivateKey(generatedFrom: SeededRandom(seed: 5))
        var dumped = ""
        dump(key, to: &dumped)
        let text = String(decoding: key.text().bytes, as: UTF8.self)
        for shown in ["\(key)", String(reflecting: key), dumped] {
            #expect(shown.contains("PrivateKey"))
            #expect(!shown.contains(text) && !shown.contains(text.suffix(80).prefix(20)))
            #expect(!shown.contains(hexText(key.serialized().bytes[17..<49])))
        }
    }
}
