import INET256
import TestSupport
import Testing
import Wire

@Suite struct PublicKeyTests {
    private func error(_ bytes: [UInt8]) -> KeyError? {
        do throws(KeyError) {
            _ = try PublicKey(serialized: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func vectorsOfTheProject() throws {
        for vector in try Vectors.load().keysEd25519 {
            let key = try PublicKey(serialized: hex(vector.publicKey))
            #expect(key.serialized == hex(vector.publicKey))
            #expect(key.address.description == vector.addressBase64)
            #expect(PublicKey(raw: key.raw) == key)
            #expect(key.x25519() != nil)
        }
    }

    @Test func onlyTheExactFormIsParsed() throws {
        let good = hex(try #require(try Vectors.load().keysEd25519.first).publicKey)
        #expect(error([]) == .empty)
        for count in 1..<good.count {
            #expect(error(Array(good[..<count])) == .truncated(expected: 41, actual: count))
        }
        #expect(error(good + [0]) == .trailingBytes(expected: 41, actual: 42))
        for bit in 0..<(9 * 8) {
            var altered = good
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(error(altered) != nil, "bit \(bit) of the header")
        }
        #expect(error([7, 0] + Array("ed25518".utf8) + good[9...]) == .unsupportedAlgorithm("ed25518"))
        #expect(error([10, 0] + Array("dilithium2".utf8) + good[9...]) == .unsupportedAlgorithm("dilithium2"))
        #expect(error([15, 0] + Array("ed25519.private".utf8) + good[9...]) == .privateKeyGiven)
        #expect(error([0, 7] + good[2...]) == .unrecognised)
        #expect(error([255, 255] + good[2...]) == .unrecognised)
        #expect(error([3, 0, 1, 2, 3, 4]) == .unrecognised)
    }

    @Test func garbageIsNoKey() {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        for _ in 0..<5000 {
            let bytes = random.bytes(Int(random.next(below: 90)))
            #expect(error(bytes) != nil, "seed \(seed)")
        }
    }

    /// The eight points of the torsion subgroup, and other encodings of them that decoders have been seen to accept.
    @Test(arguments: [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ])
    func pointsOfSmallOrderAreNoKeys(point: String) throws {
        let key = PublicKey(raw: try bytes32(point))
        #expect(key.x25519() == nil)
        // With such a key R = A, S = 0 would satisfy the equation for some messages.
        let forged = hex(point) + [UInt8](repeating: 0, count: 32)
        for message in 0..<UInt8(16) {
            #expect(!key.verify(signature: forged, purpose: "test", message: [message]))
        }
    }

    /// A good key plus a point of order 8 is on the curve, but outside of the main subgroup: Ed25519 would take it
    /// for a second public key of nearly the same secret. (Computed from the base point and 26e8...fc05.)
    @Test func pointsOutsideOfTheMainSubgroupAreNoKeys() throws {
        let mixed = PublicKey(raw: try bytes32("da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2"))
        #expect(mixed.x25519() == nil)
    }

    /// y at or above p, and y that no x belongs to.
    @Test(arguments: [
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    ])
    func whatIsNoCanonicalPointIsNoKey(point: String) throws {
        #expect(PublicKey(raw: try bytes32(point)).x25519() == nil)
    }
}
