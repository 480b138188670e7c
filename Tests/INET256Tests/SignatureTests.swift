import TestSupport
import Testing
import Wire

@testable import INET256

@Suite struct SignatureTests {
    private func key() throws -> PrivateKey {
        PrivateKey(seed: SecretBytes(hex(try #require(try Vectors.load().keysEd25519.first).seed)))
    }

    /// Computed apart from this code: cSHAKE256 in Python from SP 800-185, Ed25519 by libsodium.
    @Test func knownAnswers() throws {
        let digest = Array("message".utf8).withRaw { SignatureScheme.digest(purpose: "inet256/test", message: $0) }
        #expect(
            hexText(digest)
                == "037b26ba8fca10675d5b1783fd17442f4683f87d20aadc7a4c8d0d16f4d277c8"
                + "f367db106729d3c058557abc08da5029a84b743a81fa3ade36680d604cfacc1e")
        #expect(
            hexText(try key().sign(purpose: "inet256/test", message: Array("message".utf8)))
                == "af877b944463299fa0f1b25c572cb26294bb95f66ffd09612f02e24ed1b02128"
                + "afd5bfce035180f4304693ce69cbc9aa4a1f1943896db513e1764f69d97a980c")
        #expect(
            hexText(try key().signForApplication(purpose: "app", message: []))
                == "859cc11f294fceb7d74d560376d8db1b3fccb486c66ac2cc36c3c861b5af116c"
                + "e41aadc44c1d431d3f419decc8ee1acf8cc5a1150bdc303875c04b8f2038eb0d")
    }

    @Test func onlyTheSameKeyPurposeAndMessageVerify() throws {
        let key = try key()
        let message = Array("a message".utf8)
        let signature = key.sign(purpose: "inet256/a", message: message)
        #expect(key.publicKey.verify(signature: signature, purpose: "inet256/a", message: message))
        #expect(!key.publicKey.verify(signature: signature, purpose: "inet256/b", message: message))
        #expect(!key.publicKey.verify(signature: signature, purpose: "", message: message))
        #expect(!key.publicKey.verify(signature: signature, purpose: "inet256/a", message: message + [0]))
        #expect(!key.publicKey.verify(signature: signature, purpose: "inet256/a", message: []))
        let other = PrivateKey(generatedFrom: SeededRandom(seed: 1)).publicKey
        #expect(!other.verify(signature: signature, purpose: "inet256/a", message: message))
        for bit in 0..<(signature.count * 8) {
            var altered = signature
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.verify(signature: altered, purpose: "inet256/a", message: message), "bit \(bit)")
        }
        for count in 0..<signature.count {
            #expect(
                !key.publicKey.verify(signature: Array(signature[..<count]), purpose: "inet256/a", message: message))
        }
        #expect(!key.publicKey.verify(signature: signature + [0], purpose: "inet256/a", message: message))
    }

    @Test func applicationsAreRefusedOurPurposes() throws {
        let key = try key()
        for purpose in ["inet256/", "inet256/record", "inet256/\u{301}x"] {
            #expect(throws: PurposeError.reserved(purpose)) {
                try key.signForApplication(purpose: purpose, message: [1])
            }
        }
        for purpose in ["", "inet256", "INET256/x", " inet256/x", "inet257/", "app/v1"] {
            let signature = try key.signForApplication(purpose: purpose, message: [1])
            #expect(key.publicKey.verify(signature: signature, purpose: purpose, message: [1]))
        }
    }
}
