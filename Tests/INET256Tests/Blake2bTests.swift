import INET256
import TestSupport
import Testing

@Suite struct Blake2bTests {
    private func hash(_ a: [UInt8], _ b: [UInt8] = [], key: [UInt8] = [], count: Int = 64) -> String {
        var output = [UInt8](repeating: 0, count: count)
        output.withUnsafeMutableBytes { output in
            key.withRaw { key in a.withRaw { a in b.withRaw { Blake2b.hash(into: output, key: key, a, $0) } } }
        }
        return hexText(output)
    }

    private func hmac(key: [UInt8], _ a: [UInt8], _ b: [UInt8] = []) -> String {
        var output = [UInt8](repeating: 0, count: 64)
        output.withUnsafeMutableBytes { output in
            key.withRaw { key in a.withRaw { a in b.withRaw { Blake2b.hmac(into: output, key: key, a, $0) } } }
        }
        return hexText(output)
    }

    /// RFC 7693 appendix A.
    @Test func exampleOfTheRFC() {
        let expected =
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        #expect(hash(Array("abc".utf8)) == expected)
        #expect(hash(Array("a".utf8), Array("bc".utf8)) == expected)
        #expect(hash([], Array("abc".utf8)) == expected)
    }

    /// RFC 7693 appendix E: 252 hashes of all lengths of output, message and key, hashed once more.
    @Test func selfTestOfTheRFC() {
        func sequence(_ count: Int, seed: UInt32) -> [UInt8] {
            var a = UInt32(0xdead_4bad) &* seed
            var b: UInt32 = 1
            return (0..<count).map { _ in
                let next = a &+ b
                a = b
                b = next
                return UInt8(truncatingIfNeeded: next >> 24)
            }
        }
        var all: [UInt8] = []
        for count in [20, 32, 48, 64] {
            for length in [0, 3, 128, 129, 255, 1024] {
                let message = sequence(length, seed: UInt32(length))
                all += hex(hash(message, count: count))
                all += hex(hash(message, key: sequence(count, seed: UInt32(count)), count: count))
            }
        }
        #expect(hash(all, count: 32) == "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475")
    }

    /// Against Python's hashlib, keyed.
    @Test func keyed() {
        let message = Array<UInt8>(0..<200)
        #expect(
            hash(message, key: Array(0..<64))
                == "3095a349d245708c7cf550118703d7302c27b60af5d4e67fc978f8a4e60953c7"
                + "a04f92fcf41aee64321ccb707a895851552b1e37b00bc5e6b72fa5bcef9e3fff")
        #expect(hash(Array("abc".utf8), key: Array(0..<32), count: 16) == "1a64be47e4729d951c302ee543f97cf3")
    }

    /// Against Python's hmac, with keys shorter than a block, of a block, and longer (which are hashed first).
    @Test(arguments: [
        (
            0,
            "7fa832ad6f257f214b162d593f7395bab18511b79f4d347d144263122e9acd21"
                + "e8f9c41c864b2beeae3ab7f84e2ac506561696bc705e05e9cedebabec9e398a7"
        ),
        (
            32,
            "95be9be5743223c703d9175ea1d6443c9d00788e71455dc4d2c07001d2cff4c8"
                + "033bd4258706b877b6dc05dee3396b46f13e849fd65a63a9166892fdced4956a"
        ),
        (
            64,
            "b4018435301266480caadab79dada24487c57fee6cab259337c13cda1ddb4f22"
                + "32d91918af3769e42fb40cbc3fb461862a5e8615a29c4dc13cbec359c5b74001"
        ),
        (
            127,
            "1d223ab8f7a27b308caa6a55674a1b40f0644f3257300db327b48cd3a7dcf860"
                + "9e8022e0556621a748f2a9b0aa723f8a7d123838569944b68236f70c1f89bfe5"
        ),
        (
            128,
            "33eae12c9fca3ae0d7fe6f6c8abf5fb4253f877caf97e86c9fe13726a6ee352e"
                + "a9f5dc7e64a78cb8e20a03de500a30b19c4bbc24953bcefd8f184cabb2d26d3a"
        ),
        (
            129,
            "34020b358d2cfd78dcc84074a5bff51605dd236aae88d34c959fd2dc4f7fed08"
                + "6adede1a80f9945ed51d7acde2a64e991252fb757ff78673b341a33bf2be9ee3"
        ),
        (
            300,
            "71a284b9450818bc2a6253ee4ae9d558d53cde3c8d91beb8b807217af39600a5"
                + "85e757591cd89da13f759e2177e493d4fcc5757d9ac9d240f217f0e0e90b1c21"
        ),
    ])
    func hmacOfKeys(keyCount: Int, expected: String) {
        let key = (0..<keyCount).map { UInt8(truncatingIfNeeded: $0) }
        #expect(hmac(key: key, Array("first part, ".utf8), Array("second part".utf8)) == expected)
        #expect(hmac(key: key, Array("first part, second part".utf8)) == expected)
    }
}
