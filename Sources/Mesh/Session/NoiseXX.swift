internal import INET256
internal import Wire

/// Noise XX (revision 34, section 7.5), one type a step:
///
///     -> e                 XXInitiator        begins, waits for message 2
///     <- e, ee, s, es      XXResponder        has read message 1
///     -> s, se             XXInitiatorReady   has read message 2, XXResponderWaiting waits for message 3
///
/// Each step leaves its value untouched when it fails, so a forged message costs nothing but the work.

/// An X25519 key pair of one end: long-lived or ephemeral.
struct NoiseKeyPair {
    let secret: SecretBytes
    let publicKey: Bytes32

    init(secret: SecretBytes) {
        self.secret = secret
        publicKey = X25519.publicKey(of: secret)
    }

    init(secret: SecretBytes, publicKey: Bytes32) {
        self.secret = secret
        self.publicKey = publicKey
    }

    static func generate(_ random: any RandomSource) -> NoiseKeyPair {
        let secret = SecretBytes(count: 32)
        secret.withMutableBytes { random.fill($0) }
        return NoiseKeyPair(secret: secret)
    }
}

/// The keys that a finished handshake gives, 32 bytes each, and its transcript hash.
struct TransportSecrets {
    let initiatorToResponder: SecretBytes
    let responderToInitiator: SecretBytes
    let hash: [UInt8]

    private static let label = Array("inet256vpn transport".utf8)

    /// What one direction seals with: `secret`, one of the two above, bound to the suite and to the transcript. Split() of
    /// Noise depends on the Diffie-Hellman results alone; this way no two suites ever share a key, and two ends that
    /// should disagree on a byte of the handshake would not understand each other.
    func key(_ secret: SecretBytes, _ cipher: Cipher) -> SecretBytes {
        let key = SecretBytes(count: AEADKey.keyCount)
        let context = Self.label + [cipher.rawValue]
        key.withMutableBytes { out in
            secret.withBytes { secret in
                context.withUnsafeBytes { a in
                    hash.withUnsafeBytes { Blake2b.hash(into: out, key: secret, a, $0) }
                }
            }
        }
        return key
    }
}

/// What a message of the other end says: its static key and payload, both authenticated.
struct NoisePeer {
    let key: Bytes32
    let payload: [UInt8]
}

private let pointCount = 32
private let sealedPointCount = 32 + AEADKey.tagCount

struct XXInitiator {
    private var noise: NoiseState
    private let ours: NoiseKeyPair
    private let ephemeral: NoiseKeyPair
    /// Message 1: the ephemeral public key and the payload in the clear.
    let message: [UInt8]

    init(prologue: [UInt8], ours: NoiseKeyPair, ephemeral: NoiseKeyPair, payload: [UInt8] = []) {
        noise = NoiseState(prologue: prologue)
        self.ours = ours
        self.ephemeral = ephemeral
        let e = ephemeral.publicKey.bytes
        noise.mixHash(e)
        message = e + noise.sealAndHash(payload)
    }

    func read(_ response: [UInt8]) throws(HandshakeError) -> (NoisePeer, XXInitiatorReady) {
        guard response.count >= pointCount + sealedPointCount + AEADKey.tagCount else { throw .forged }
        var noise = self.noise
        let e = Array(response[0..<pointCount])
        let remoteEphemeral = e.withUnsafeBytes { Bytes32(loading: $0.baseAddress!) }
        noise.mixHash(e)
        try noise.mixSecret(ephemeral.secret, remoteEphemeral)
        let s = try noise.openAndHash(Array(response[pointCount..<pointCount + sealedPointCount]))
        let remote = s.withUnsafeBytes { Bytes32(loading: $0.baseAddress!) }
        try noise.mixSecret(ephemeral.secret, remote)
        let payload = try noise.openAndHash(Array(response[(pointCount + sealedPointCount)...]))
        let ready = XXInitiatorReady(noise: noise, ours: ours, remoteEphemeral: remoteEphemeral)
        return (NoisePeer(key: remote, payload: payload), ready)
    }
}

struct XXInitiatorReady {
    fileprivate let noise: NoiseState
    fileprivate let ours: NoiseKeyPair
    fileprivate let remoteEphemeral: Bytes32

    func finish(payload: [UInt8]) throws(HandshakeError) -> (message: [UInt8], secrets: TransportSecrets) {
        var noise = self.noise
        var message = noise.sealAndHash(ours.publicKey.bytes)
        try noise.mixSecret(ours.secret, remoteEphemeral)
        message += noise.sealAndHash(payload)
        return (message, noise.secrets())
    }
}

struct XXResponder {
    private let noise: NoiseState
    private let ours: NoiseKeyPair
    private let remoteEphemeral: Bytes32
    /// The payload of message 1, which nothing protects.
    let payload: [UInt8]

    init(prologue: [UInt8], ours: NoiseKeyPair, message: [UInt8]) throws(HandshakeError) {
        guard message.count >= pointCount else { throw .forged }
        var noise = NoiseState(prologue: prologue)
        let e = Array(message[0..<pointCount])
        noise.mixHash(e)
        payload = try noise.openAndHash(Array(message[pointCount...]))
        remoteEphemeral = e.withUnsafeBytes { Bytes32(loading: $0.baseAddress!) }
        self.noise = noise
        self.ours = ours
    }

    func respond(ephemeral: NoiseKeyPair, payload: [UInt8]) throws(HandshakeError) -> (
        message: [UInt8], next: XXResponderWaiting
    ) {
        var noise = self.noise
        let e = ephemeral.publicKey.bytes
        noise.mixHash(e)
        try noise.mixSecret(ephemeral.secret, remoteEphemeral)
        var message = e + noise.sealAndHash(ours.publicKey.bytes)
        try noise.mixSecret(ours.secret, remoteEphemeral)
        message += noise.sealAndHash(payload)
        return (message, XXResponderWaiting(noise: noise, ephemeral: ephemeral))
    }
}

struct XXResponderWaiting {
    fileprivate let noise: NoiseState
    fileprivate let ephemeral: NoiseKeyPair

    func read(_ finish: [UInt8]) throws(HandshakeError) -> (NoisePeer, TransportSecrets) {
        guard finish.count >= sealedPointCount + AEADKey.tagCount else { throw .forged }
        var noise = self.noise
        let s = try noise.openAndHash(Array(finish[0..<sealedPointCount]))
        let remote = s.withUnsafeBytes { Bytes32(loading: $0.baseAddress!) }
        try noise.mixSecret(ephemeral.secret, remote)
        let payload = try noise.openAndHash(Array(finish[sealedPointCount...]))
        return (NoisePeer(key: remote, payload: payload), noise.secrets())
    }
}

extension NoiseState {
    fileprivate func secrets() -> TransportSecrets {
        let keys = split()
        return TransportSecrets(initiatorToResponder: keys.initiator, responderToInitiator: keys.responder, hash: hash)
    }
}
