internal import INET256
internal import Wire

/// A handshake that this box began. Waits for message 2, then repeats message 3 until the first authenticated datagram.
final class Attempt {
    enum Route { case direct([Path]), relayed }
    enum Stage {
        case waiting(XXInitiator)
        case confirming(Keypair, message: [UInt8])
    }

    let session: Session
    let index: UInt32
    var route: Route
    var stage: Stage
    let started: Instant
    /// When the message that is due was first sent, how often since, and when it is due again.
    var repeats = 0
    var nextSend: Instant
    /// Message 1 with its MACs.
    var message: [UInt8]
    var cookie: [UInt8]?
    /// Is there reason to think that the other end has lost the keys in use? Then the new ones are used at once; else
    /// the old ones serve until the other end has shown that message 3 came, so that nothing that overtakes it is lost.
    var keysAreDoubtful = false

    init(session: Session, index: UInt32, route: Route, noise: XXInitiator, message: [UInt8], now: Instant) {
        self.session = session
        self.index = index
        self.route = route
        stage = .waiting(noise)
        self.message = message
        started = now
        nextSend = now
    }

    /// A cookie came for it. The first one is to be shown at once: true. Later ones (the other end has a new secret, or somebody on
    /// the way forged the first) are shown with the next repetition, so that nothing makes this box send more than its schedule
    /// says. Nil for one that is not for this call.
    func take(_ message: CookieMessage, _ noise: XXInitiator, suites: Suites) -> Bool? {
        let keys = AddressKeys(session.remote)
        let mac1 = Array(self.message[InitiationLayout.mac1..<InitiationLayout.mac2])
        let opened = keys.cookie.withUnsafeBytes {
            XChaCha20Poly1305.open(message.sealed, nonce: message.nonce, additional: mac1, key: $0)
        }
        guard let opened, opened.count == 16 else { return nil }
        let isFirst = cookie == nil
        cookie = opened
        self.message = Initiation.make(
            sender: index, suites: suites.bits, noise: noise, keys: keys, cookie: opened)
        return isFirst
    }

    /// The network changed: it is sent at once and soon again, since neighbours may not be found yet.
    func hurry(_ now: Instant) {
        nextSend = now
        repeats = min(repeats, 1)
    }

    /// What is sent now, byte for byte the same each time.
    var due: [UInt8] {
        switch stage {
        case .waiting: message
        case .confirming(_, let finish): finish
        }
    }
}

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
