internal import INET256
internal import Wire

/// The sealed payload of messages 2 and 3.
enum Identity {
    static func payload(_ key: PublicKey, suite: Cipher, index: UInt32) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: HandshakePayload.count)
        out[HandshakePayload.suite] = suite.rawValue
        out.replaceSubrange(
            HandshakePayload.key..<HandshakePayload.key + HandshakePayload.keyCount, with: key.serialized)
        out.withUnsafeMutableBytes { $0.baseAddress?.putLittle(index, HandshakePayload.index) }
        return out
    }

    /// The identity that a payload claims, after the checks of ARCHITECTURE.md (wire format): a valid canonical key whose conversion is
    /// the Noise static key. Whose address it is, the caller of this checks. `index` is what the message's header says.
    static func read(_ peer: NoisePeer, index: UInt32) throws(HandshakeError) -> (key: PublicKey, suite: UInt8) {
        guard peer.payload.count == HandshakePayload.count else { throw .badIdentity }
        guard peer.payload.withUnsafeBytes({ $0.little(HandshakePayload.index, as: UInt32.self) }) == index else {
            throw .forged
        }
        let bytes = Array(peer.payload[HandshakePayload.key..<HandshakePayload.key + HandshakePayload.keyCount])
        guard let key = try? PublicKey(serialized: bytes), let converted = key.x25519(), converted == peer.key else {
            throw .badIdentity
        }
        return (key, peer.payload[HandshakePayload.suite])
    }
}

/// Message 1, made and read.
enum Initiation {
    static func make(
        sender: UInt32, suites: UInt16, noise: XXInitiator, keys: AddressKeys, cookie: [UInt8]?
    ) -> [UInt8] {
        var out: [UInt8] = [DatagramKind.initiation.rawValue, protocolVersion]
        out.appendLittle(suites)
        out.appendLittle(sender)
        out.appendLittle(keys.hint)
        out += noise.message
        out += [UInt8](repeating: 0, count: InitiationLayout.count - out.count)
        let mac1 = out.withUnsafeBytes { keys.mac1($0) }
        out.replaceSubrange(InitiationLayout.mac1..<InitiationLayout.mac2, with: mac1)
        if let cookie {
            let mac2 = out.withUnsafeBytes {
                keyedHash(cookie, UnsafeRawBufferPointer(rebasing: $0[0..<InitiationLayout.mac2]))
            }
            out.replaceSubrange(InitiationLayout.mac2..<InitiationLayout.count, with: mac2)
        }
        return out
    }

    /// Is mac1 that of this address?
    static func isMeant(for keys: AddressKeys, _ message: UnsafeRawBufferPointer) -> Bool {
        let count = InitiationLayout.mac2 - InitiationLayout.mac1
        guard let shown = message.slice(InitiationLayout.mac1, count) else { return false }
        return keys.mac1(message).withUnsafeBytes { constantTimeEqual($0, shown) }
    }
}
