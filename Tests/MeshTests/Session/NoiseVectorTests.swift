import Foundation
import INET256
import Testing
import Wire

@testable import Mesh

/// Tests/Vectors/noise-xx-25519-chachapoly-blake2b.json: a published vector, both ends of it.
@Suite struct NoiseVectorTests {
    struct Vector: Decodable {
        struct Message: Decodable { var payload, ciphertext: String }
        var initPrologue, initStatic, initEphemeral, respPrologue, respStatic, respEphemeral: String
        var messages: [Message]
    }

    private func load() throws -> Vector {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Vectors/noise-xx-25519-chachapoly-blake2b.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Vector.self, from: Data(contentsOf: file))
    }

    private func bytes(_ hex: String) throws -> [UInt8] {
        let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
        try #require(digits.count == hex.count && digits.count % 2 == 0, "not hexadecimal: \(hex)")
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func keyPair(_ hex: String) throws -> NoiseKeyPair {
        NoiseKeyPair(secret: try bytes(hex).withUnsafeBytes { SecretBytes(copying: $0) })
    }

    @Test func handshakeAndTransport() throws {
        let vector = try load()
        try #require(vector.messages.count == 6)
        let payloads = try vector.messages.map { try bytes($0.payload) }
        let expected = try vector.messages.map { try bytes($0.ciphertext) }

        let caller = XXInitiator(
            prologue: try bytes(vector.initPrologue), ours: try keyPair(vector.initStatic),
            ephemeral: try keyPair(vector.initEphemeral), payload: payloads[0])
        #expect(caller.message == expected[0])

        let callee = try XXResponder(
            prologue: try bytes(vector.respPrologue), ours: try keyPair(vector.respStatic), message: caller.message)
        #expect(callee.payload == payloads[0])
        let (second, waiting) = try callee.respond(ephemeral: try keyPair(vector.respEphemeral), payload: payloads[1])
        #expect(second == expected[1])

        let (answered, ready) = try caller.read(second)
        #expect(answered.payload == payloads[1])
        #expect(answered.key == (try keyPair(vector.respStatic)).publicKey)
        let (third, callerSecrets) = try ready.finish(payload: payloads[2])
        #expect(third == expected[2])

        let (called, calleeSecrets) = try waiting.read(third)
        #expect(called.payload == payloads[2])
        #expect(called.key == (try keyPair(vector.initStatic)).publicKey)
        #expect(callerSecrets.hash == calleeSecrets.hash)

        // The vector goes on with transport messages, the callee's first.
        #expect(seal(payloads[3], calleeSecrets.responderToInitiator, nonce: 0) == expected[3])
        #expect(seal(payloads[4], callerSecrets.initiatorToResponder, nonce: 0) == expected[4])
        #expect(seal(payloads[5], callerSecrets.responderToInitiator, nonce: 1) == expected[5])
    }

    private func seal(_ text: [UInt8], _ key: SecretBytes, nonce: UInt64) -> [UInt8] {
        var out = text + [UInt8](repeating: 0, count: AEADKey.tagCount)
        let key = AEADKey(.chaCha20Poly1305, key: key)
        out.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            key.seal(
                base, count: text.count, nonce: nonce, additional: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        return out
    }

    @Test func anyAlteredByteIsRefusedAndLeavesTheStepAsItWas() throws {
        let vector = try load()
        let prologue = try bytes(vector.initPrologue)
        let caller = XXInitiator(
            prologue: prologue, ours: try keyPair(vector.initStatic), ephemeral: try keyPair(vector.initEphemeral))
        let callee = try XXResponder(
            prologue: prologue, ours: try keyPair(vector.respStatic), message: caller.message)
        let (second, waiting) = try callee.respond(ephemeral: try keyPair(vector.respEphemeral), payload: [1, 2, 3])
        for place in second.indices {
            // The highest bit of a point means nothing (RFC 7748 section 5), but the transcript has it.
            #expect(throws: HandshakeError.self) { try caller.read(second.altered(at: place, by: 0x80)) }
        }
        for count in 0..<second.count {
            #expect(throws: HandshakeError.self) { try caller.read(Array(second[..<count])) }
        }
        let (_, ready) = try caller.read(second)
        let (third, _) = try ready.finish(payload: [4, 5])
        for place in third.indices {
            #expect(throws: HandshakeError.self) { try waiting.read(third.altered(at: place, by: 1)) }
        }
        for count in 0..<third.count {
            #expect(throws: HandshakeError.self) { try waiting.read(Array(third[..<count])) }
        }
        #expect(throws: Never.self) { try waiting.read(third) }
    }

    @Test func anotherPrologueBreaksIt() throws {
        let vector = try load()
        let caller = XXInitiator(
            prologue: [1], ours: try keyPair(vector.initStatic), ephemeral: try keyPair(vector.initEphemeral))
        let callee = try XXResponder(prologue: [2], ours: try keyPair(vector.respStatic), message: caller.message)
        let (second, _) = try callee.respond(ephemeral: try keyPair(vector.respEphemeral), payload: [])
        #expect(throws: HandshakeError.forged) { try caller.read(second) }
    }
}
