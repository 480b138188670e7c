import TestSupport
import Testing
import Wire

@testable import INET256

@Suite struct KeccakTests {
    private func shake(_ message: [UInt8], _ count: Int) -> String {
        hexText(message.withRaw { Shake256.hash($0, count: count) })
    }

    private func cshake(name: [UInt8] = [], _ customization: [UInt8], _ message: [UInt8], _ count: Int) -> String {
        name.withRaw { name in
            customization.withRaw { customization in
                var hash = Shake256(functionName: name, customization: customization)
                hash.absorb(message)
                return hexText(hash.squeeze(count: count))
            }
        }
    }

    @Test func vectorsOfTheProject() throws {
        for sum in try Vectors.load().sum256 { #expect(shake(hex(sum.in), 32) == sum.out) }
    }

    /// NIST's example values for SHAKE256: the empty message, and 1600 bits of 0xa3, with 4096 bits of output.
    @Test func examplesOfNIST() {
        #expect(
            shake([], 64)
                == "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
                + "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be")
        let long = """
            cd8a920ed141aa0407a22d59288652e9d9f1a7ee0c1e7c1ca699424da84a904d2d700caae7396ece96604440577da4f3
            aa22aeb8857f961c4cd8e06f0ae6610b1048a7f64e1074cd629e85ad7566048efc4fb500b486a3309a8f26724c0ed628
            001a1099422468de726f1061d99eb9e93604d5aa7467d4b1bd6484582a384317d7f47d750b8f5499512bb85a226c4243
            556e696f6bd072c5aa2d9b69730244b56853d16970ad817e213e470618178001c9fb56c54fefa5fee67d2da524bb3b0b
            61ef0e9114a92cdbb6cccb98615cfe76e3510dd88d1cc28ff99287512f24bfafa1a76877b6f37198e3a641c68a7c42d4
            5fa7acc10dae5f3cefb7b735f12d4e589f7a456e78c0f5e4c4471fffa5e4fa0514ae974d8c2648513b5db494cea84715
            6d277ad0e141c24c7839064cd08851bc2e7ca109fd4e251c35bb0a04fb05b364ff8c4d8b59bc303e25328c09a882e952
            518e1a8ae0ff265d61c465896973d7490499dc639fb8502b39456791b1b6ec5bcc5d9ac36a6df622a070d43fed781f5f
            149f7b62675e7d1a4d6dec48c1c7164586eae06a51208c0b791244d307726505c3ad4b26b6822377257aa152037560a7
            39714a3ca79bd605547c9b78dd1f596f2d4f1791bc689a0e9b799a37339c04275733740143ef5d2b58b96a363d4e0807
            6a1a9d7846436e4dca5728b6f760eef0ca92bf0be5615e96959d767197a0beeb
            """
        #expect(shake([UInt8](repeating: 0xa3, count: 200), 512) == hexText(hex(long)))
    }

    /// Messages around one and two blocks of 136 bytes.
    @Test(arguments: [
        (135, "c45dae624ad8a2f5aa7bac9d7557737fd91c96eedb70a6be5574d57a844eade0"),
        (136, "b7ff4073b3f5a8eabd6e17705ca7f6761a31058f9df781a6a47e3a3063b9d67a"),
        (137, "01d90952c642a5eb2a8fc9d713f843a45d7ac05132dddcb2efc9bebc27e37bcb"),
        (271, "62bf381e58685c312a38286e238b2c60bcee6f2936a97918f191999a91687a62"),
        (272, "8379a36d10791291fbc946794bf8009519fd0b2ff6c0bd99a2b014e8422abef0"),
        (273, "e93a6e5e86f83ec01b6f9fe6cafe7f48a7cccc41355214c5b5cb32d3c130941b"),
    ])
    func blockEdges(count: Int, expected: String) {
        #expect(shake((0..<count).map { UInt8(truncatingIfNeeded: $0) }, 32) == expected)
    }

    /// NIST SP 800-185, cSHAKE samples 3 and 4.
    @Test func samplesOfNIST() {
        let custom = Array("Email Signature".utf8)
        #expect(
            cshake(custom, [0, 1, 2, 3], 64)
                == "d008828e2b80ac9d2218ffee1d070c48b8e4c87bff32c9699d5b6896eee0edd1"
                + "64020e2be0560858d9c00c037e34a96937c561a74c412bb4c746469527281c8c")
        #expect(
            cshake(custom, Array(0x00...0xc7), 64)
                == "07dc27b11e51fbac75bc7b3c1d983e8b4b85fb1defaf218912ac864302730917"
                + "27f42b17ed1df63e8ec118f04b23633c1dfb1574c8fb55cb45da8e25afb092bb")
    }

    /// Customisations that need two bytes of length, more than a block, and exactly a block with what stands in front.
    @Test func longCustomisations() {
        #expect(
            cshake((0..<300).map { UInt8(truncatingIfNeeded: $0) }, [0x78], 32)
                == "003da52ff730644e09c55d13f7aa37e3e975d4e57d442a6afb72c17460e259b5")
        #expect(
            cshake([UInt8](repeating: 7, count: 129), [0x78], 32)
                == "0fb84667ca37da092b7eefa65d20744990e0ab522a0cb7ce15ec146623d32b68")
    }

    @Test func withoutNameAndCustomisationItIsShake() {
        #expect(cshake([], Array("abc".utf8), 64) == shake(Array("abc".utf8), 64))
        #expect(cshake(name: [0x78], [], [], 32) != cshake([0x78], [], 32))
    }

    /// NIST SP 800-185 section 2.3.1.
    @Test(
        arguments: [
            (0, [1, 0]), (1, [1, 1]), (136, [1, 136]), (255, [1, 255]), (256, [2, 1, 0]), (65_535, [2, 255, 255]),
            (65_536, [3, 1, 0, 0]), (UInt64.max, [8, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] as [(UInt64, [UInt8])])
    func leftEncode(value: UInt64, expected: [UInt8]) {
        #expect(Shake256.leftEncode(value) == expected)
    }

    /// However a message is cut into pieces, and the output too, they come to the same.
    @Test func piecesMakeTheWhole() {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let message = random.bytes(Int(random.next(below: 600)))
            let whole = message.withRaw { Shake256.hash($0, count: 400) }
            var hash = Shake256()
            var offset = 0
            while offset < message.count {
                let end = min(message.count, offset + Int(random.next(below: 150)))
                hash.absorb(Array(message[offset..<end]))
                offset = end
            }
            var output: [UInt8] = []
            while output.count < 400 {
                output += hash.squeeze(count: min(400 - output.count, Int(random.next(below: 150))))
            }
            #expect(output == whole, "seed \(seed)")
        }
    }
}
