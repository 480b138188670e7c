import INET256
import TestSupport
import Testing
import Wire

@Suite struct X25519Tests {
    /// RFC 7748 section 5.2.
    @Test(arguments: [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
        ),
    ])
    func scalarMultiplication(scalar: String, point: String, expected: String) throws {
        let shared = X25519.agree(SecretBytes(hex(scalar)), try bytes32(point))
        #expect(shared?.bytes == hex(expected))
    }

    /// RFC 7748 section 5.2: a thousand rounds.
    @Test func iterated() throws {
        var k = hex("0900000000000000000000000000000000000000000000000000000000000000")
        var u = k
        for round in 1...1000 {
            let point = try #require(Bytes32(u))
            let result = try #require(X25519.agree(SecretBytes(k), point)).bytes
            (k, u) = (result, k)
            if round == 1 {
                #expect(hexText(k) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
            }
        }
        #expect(hexText(k) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
    }

    /// RFC 7748 section 6.1.
    @Test func agreement() throws {
        let alice = SecretBytes(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = SecretBytes(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        let alicePoint = X25519.publicKey(of: alice)
        let bobPoint = X25519.publicKey(of: bob)
        #expect(hexText(alicePoint.bytes) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        #expect(hexText(bobPoint.bytes) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        let expected = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(X25519.agree(alice, bobPoint)?.bytes == expected)
        #expect(X25519.agree(bob, alicePoint)?.bytes == expected)
    }

    /// Points of small order, with the encodings that are not canonical and those with the unused top bit set.
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ])
    func pointsOfSmallOrderAgreeOnNothing(point: String) throws {
        let seed = SeededRandom.freshSeed()
        let secret = SecretBytes(count: 32, from: SeededRandom(seed: seed))
        #expect(X25519.agree(secret, try bytes32(point)) == nil, "seed \(seed)")
    }
}
