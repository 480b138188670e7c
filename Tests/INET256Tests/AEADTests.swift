import INET256
import TestSupport
import Testing
import Wire

@Suite struct AEADTests {
    /// Every cipher from every library that this machine has.
    static let ways = CipherWay.here

    private func seal(
        _ key: AEADKey, _ text: [UInt8], nonce: UInt64, additional: [UInt8] = []
    ) -> [UInt8] {
        var buffer = text + [UInt8](repeating: 0xee, count: AEADKey.tagCount)
        buffer.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            additional.withRaw { key.seal(base, count: text.count, nonce: nonce, additional: $0) }
        }
        return buffer
    }

    private func open(_ key: AEADKey, _ sealed: [UInt8], nonce: UInt64, additional: [UInt8] = []) -> [UInt8]? {
        var buffer = sealed + [0]  // So that an empty one has an address, too.
        let opened = buffer.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            return additional.withRaw { key.open(base, count: sealed.count, nonce: nonce, additional: $0) }
        }
        return opened ? Array(buffer[..<(sealed.count - AEADKey.tagCount)]) : nil
    }

    /// RFC 8439 appendix A.5. Its nonce begins with four zero bytes, as ours do.
    @Test(arguments: ways.filter { $0.cipher == .chaCha20Poly1305 })
    func chaCha20Poly1305OfTheRFC(way: CipherWay) {
        let key = way.key(SecretBytes(hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0")))
        let text = Array(
            """
            Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or \
            obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference material \
            or to cite them other than as /\u{201c}work in progress./\u{201d}
            """.utf8)
        let expected = hex(
            """
            64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0
            bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855
            9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9
            9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a
            0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130
            305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38
            """)
        let additional = hex("f33388860000000000004e91")
        let nonce: UInt64 = 0x0807_0605_0403_0201
        #expect(seal(key, text, nonce: nonce, additional: additional) == expected)
        #expect(open(key, expected, nonce: nonce, additional: additional) == text)
    }

    /// Test cases 13 and 14 of the GCM specification (McGrew and Viega), and one with a counter that shows its order.
    @Test(arguments: ways.filter { $0.cipher == .aes256GCM }) func aes256GCMKnownAnswers(way: CipherWay) {
        let zero = way.key(SecretBytes(count: 32))
        #expect(hexText(seal(zero, [], nonce: 0)) == "530f8afbc74536b9a963b4f1c4cb738b")
        #expect(
            hexText(seal(zero, [UInt8](repeating: 0, count: 16), nonce: 0))
                == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
        let key = way.key(SecretBytes(Array(0..<32)))
        #expect(
            hexText(seal(key, Array(0..<100), nonce: 0x0102_0304_0506_0708, additional: Array("additional".utf8)))
                == "1cf9fd46662ace499d7af438922334a5ade425db4ca13f5fb17dcaab62159d3b28780d5c2cf5ed5332a8b913a86554046de5"
                + "97a94ff3bc3ebf15a290c0126e72488aa2dcff09f058b171565a07ff9a821cdde57446edca593aff899944d836334673b981"
                + "9a80579055b4ac18a6b9d63d627cffcb")
    }

    @Test(arguments: ways) func whatIsSealedOpens(way: CipherWay) {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        let key = way.key(SecretBytes(count: 32, from: random))
        for count in [0, 1, 15, 16, 17, 63, 64, 65, 1400, 65_535] {
            let text = random.bytes(count)
            let additional = random.bytes(Int(random.next(below: 40)))
            let sealed = seal(key, text, nonce: UInt64(count), additional: additional)
            #expect(sealed.count == count + AEADKey.tagCount)
            #expect(open(key, sealed, nonce: UInt64(count), additional: additional) == text, "seed \(seed)")
        }
    }

    /// Each single bit of the sealed bytes, each truncation, and everything that went into the sealing counts.
    @Test(arguments: ways) func nothingElseOpens(way: CipherWay) {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        let key = way.key(SecretBytes(count: 32, from: random))
        let text = random.bytes(40)
        let sealed = seal(key, text, nonce: 7, additional: [1, 2, 3])
        for bit in 0..<(sealed.count * 8) {
            var altered = sealed
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(open(key, altered, nonce: 7, additional: [1, 2, 3]) == nil, "bit \(bit), seed \(seed)")
        }
        for count in 0..<sealed.count {
            #expect(open(key, Array(sealed[..<count]), nonce: 7, additional: [1, 2, 3]) == nil, "seed \(seed)")
        }
        #expect(open(key, sealed, nonce: 8, additional: [1, 2, 3]) == nil)
        #expect(open(key, sealed, nonce: 7 | 1 << 63, additional: [1, 2, 3]) == nil)
        #expect(open(key, sealed, nonce: 7, additional: [1, 2]) == nil)
        #expect(open(key, sealed, nonce: 7) == nil)
        let other = way.key(SecretBytes(count: 32, from: random))
        #expect(open(other, sealed, nonce: 7, additional: [1, 2, 3]) == nil)
        #expect(open(key, sealed, nonce: 7, additional: [1, 2, 3]) == text)
    }

    /// The caller may go on with its key buffer, as a key derivation does.
    @Test(arguments: ways) func theKeyIsItsOwn(way: CipherWay) {
        let secret = SecretBytes([UInt8](repeating: 9, count: 32))
        let key = way.key(secret)
        let before = seal(key, [1, 2, 3], nonce: 0)
        secret.withMutableBytes { for index in 0..<$0.count { $0[index] = 0 } }
        #expect(seal(key, [1, 2, 3], nonce: 0) == before)
    }

    @Test func suiteNumbersAreFixed() {
        #expect(Cipher.chaCha20Poly1305.rawValue == 1)
        #expect(Cipher.aes256GCM.rawValue == 2)
        #expect(Cipher.chaCha20Poly1305.isAvailable)
        #expect(Cipher(rawValue: 0) == nil)
    }

    /// draft-irtf-cfrg-xchacha-03 appendix A.3.1.
    @Test func xChaCha20Poly1305OfTheDraft() throws {
        let key = Array<UInt8>(0x80...0x9f)
        let nonce = Array<UInt8>(0x40...0x57)
        let additional = hex("50515253c0c1c2c3c4c5c6c7")
        let text = Array(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
                .utf8)
        let expected = hex(
            """
            bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39
            ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
            21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49
            """)
        let sealed = key.withRaw {
            XChaCha20Poly1305.seal(text, nonce: nonce, additional: additional, key: $0)
        }
        #expect(sealed == expected)
        let key32 = try #require(Bytes32(key))
        #expect(XChaCha20Poly1305.open(sealed, nonce: nonce, additional: additional, key: key32) == text)
        #expect(XChaCha20Poly1305.open(sealed, nonce: nonce, additional: additional, key: SecretBytes(key)) == text)
        #expect(XChaCha20Poly1305.open(sealed, nonce: nonce, additional: [], key: key32) == nil)
        #expect(
            XChaCha20Poly1305.open(sealed, nonce: Array(nonce.dropLast()), additional: additional, key: key32) == nil)
        for count in 0..<sealed.count {
            #expect(
                XChaCha20Poly1305.open(Array(sealed[..<count]), nonce: nonce, additional: additional, key: key32) == nil
            )
        }
        let empty = XChaCha20Poly1305.seal([], nonce: nonce, additional: [], key: key32)
        #expect(empty.count == XChaCha20Poly1305.tagCount)
        #expect(XChaCha20Poly1305.open(empty, nonce: nonce, additional: [], key: key32) == [])
    }
}
