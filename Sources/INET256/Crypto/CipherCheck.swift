internal import Wire

/// Whether a library computes a cipher rightly: published examples, and bytes that libsodium has sealed. Takes less than
/// a millisecond.
struct CipherCheck {
    let cipher: Cipher
    let backend: CipherBackend

    /// How many lengths of text are compared with libsodium.
    private static let lengths = 48
    /// The longest of them, in bytes.
    private static let longest = 1500
    /// What precedes and follows a text in memory and must stay as it is, in bytes.
    private static let margin = 64
    private static let marginByte: UInt8 = 0xa5

    /// What is wrong with it, for people; nil when nothing is.
    func fault() -> String? { fault(KnownAnswer.of(cipher)) }

    func fault(_ known: KnownAnswer) -> String? {
        if !computes(known) { return "wrong result for a published example" }
        // libsodium is checked against the published example alone.
        if backend != .libsodium, CipherBackend.libsodium.trouble(with: cipher) == nil { return disagreement() }
        return nil
    }

    private func computes(_ known: KnownAnswer) -> Bool {
        let key = AEADKey(cipher, key: known.key.withRaw { SecretBytes(copying: $0) }, backend: backend)
        var bytes = known.text + [UInt8](repeating: 0, count: AEADKey.tagCount)
        bytes.withUnsafeMutableBytes { bytes in
            known.additional.withRaw {
                key.seal(bytes.start, count: known.text.count, nonce: known.nonce, additional: $0)
            }
        }
        guard bytes == known.sealed else { return false }
        var isOpen = bytes.withUnsafeMutableBytes { bytes in
            known.additional.withRaw { key.open(bytes.start, count: bytes.count, nonce: known.nonce, additional: $0) }
        }
        guard isOpen, Array(bytes[..<known.text.count]) == known.text else { return false }
        // One bit more or less, and it must not open.
        bytes = known.sealed
        bytes[bytes.count - 1] ^= 1
        isOpen = bytes.withUnsafeMutableBytes { bytes in
            known.additional.withRaw { key.open(bytes.start, count: bytes.count, nonce: known.nonce, additional: $0) }
        }
        return !isOpen
    }

    /// Random keys, texts, lengths, additional bytes and places in memory: sealed by both, opened by both.
    private func disagreement() -> String? {
        let random = SystemRandom()
        let room = Self.longest + AEADKey.tagCount + 2 * Self.margin
        var ours = [UInt8](repeating: 0, count: room)
        var theirs = ours
        for round in 0..<Self.lengths {
            let secret = SecretBytes(count: AEADKey.keyCount, from: random)
            let key = AEADKey(cipher, key: secret, backend: backend)
            let floor = AEADKey(cipher, key: secret)
            // Short ones one by one, since blocks and their ends are where mistakes are made.
            let count = round < 18 ? round : Int(random.next(below: UInt32(Self.longest + 1)))
            let place = Self.margin + Int(random.next(below: 16)) - 8
            let nonce = random.next64()
            var additional = [UInt8](repeating: 0, count: Int(random.next(below: 33)))
            additional.withUnsafeMutableBytes { random.fill($0) }
            for index in ours.indices { ours[index] = Self.marginByte }
            ours.withUnsafeMutableBytes {
                random.fill(UnsafeMutableRawBufferPointer(rebasing: $0[place..<place + count]))
            }
            let before = ours
            theirs = ours
            let tail = place + count + AEADKey.tagCount
            let agrees = ours.withUnsafeMutableBytes { mine in
                theirs.withUnsafeMutableBytes { other in
                    additional.withRaw { extra in
                        key.seal(mine.start + place, count: count, nonce: nonce, additional: extra)
                        floor.seal(other.start + place, count: count, nonce: nonce, additional: extra)
                        guard mine.elementsEqual(other) else { return false }
                        let sealed = count + AEADKey.tagCount
                        return key.open(other.start + place, count: sealed, nonce: nonce, additional: extra)
                            && floor.open(mine.start + place, count: sealed, nonce: nonce, additional: extra)
                            && mine[..<(place + count)].elementsEqual(other[..<(place + count)])
                    }
                }
            }
            guard agrees, ours[..<(place + count)] == before[..<(place + count)], ours[tail...] == before[tail...]
            else {
                return "does not agree with libsodium (\(count) bytes)"
            }
        }
        return nil
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The address of a buffer that has bytes.
    fileprivate var start: UnsafeMutableRawPointer { UnsafeMutableRawPointer(bytePointer) }
}

/// A published example of an AEAD.
struct KnownAnswer {
    let key: [UInt8]
    let nonce: [UInt8]
    let additional: [UInt8]
    let text: [UInt8]
    /// The text encrypted, with the tag behind it.
    let sealed: [UInt8]

    static func of(_ cipher: Cipher) -> KnownAnswer {
        switch cipher {
        case .chaCha20Poly1305: chaCha20Poly1305
        case .aes256GCM: aes256GCM
        }
    }

    /// RFC 8439 section 2.8.2.
    static let chaCha20Poly1305 = KnownAnswer(
        key: Array(0x80...0x9f),
        nonce: bytes("070000004041424344454647"),
        additional: bytes("50515253c0c1c2c3c4c5c6c7"),
        text: Array(
            ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                + "sunscreen would be it.").utf8),
        sealed: bytes(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
                + "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                + "3ff4def08e4b7a9de576d26586cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691"))

    /// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega, 2005, appendix B).
    static let aes256GCM = KnownAnswer(
        key: bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
        nonce: bytes("cafebabefacedbaddecaf888"),
        additional: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
        text: bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
                + "b16aedf5aa0de657ba637b39"),
        sealed: bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
                + "c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b"))

    /// The bytes of hexadecimal digits, of which there is an even number.
    private static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.utf8.map { $0 < UInt8(ascii: "a") ? $0 - UInt8(ascii: "0") : $0 - UInt8(ascii: "a") + 10 }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
