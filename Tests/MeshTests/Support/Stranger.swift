import INET256
import MeshSim
import Wire

@testable import Mesh

/// The other end of a handshake in the test's own hands: it says what it likes, in frames that authenticate.
final class Stranger {
    let key: PrivateKey
    /// The Noise static key; another one than the identity's, for those that lie.
    var noise: NoiseKeyPair
    /// The identity that is shown.
    var shown: PublicKey
    var suites: UInt16 = 1 << UInt16(Cipher.chaCha20Poly1305.rawValue)
    var cipher = Cipher.chaCha20Poly1305
    let random: MeshSim.SeededRandom
    private(set) var keypair: Keypair?
    private var waiting: XXResponderWaiting?
    private var caller: UInt32 = 0
    private(set) var initiator: XXInitiator?

    init(_ random: MeshSim.SeededRandom, key: PrivateKey? = nil) {
        self.random = random
        let key = key ?? PrivateKey(generatedFrom: random)
        self.key = key
        noise = NoiseKeyPair(secret: key.x25519Secret)
        shown = key.publicKey
    }

    var address: Address { key.address }

    // MARK: Calling

    private(set) var index: UInt32 = 0

    /// Message 1 to `callee`. `ephemeral` replaces the public key that is sent.
    func call(_ callee: Address, ephemeral: Bytes32? = nil, cookie: [UInt8]? = nil, same: Bool = false) -> [UInt8] {
        if !same || initiator == nil {
            index = random.next32()
            initiator = XXInitiator(
                prologue: handshakePrologue(suites: suites, callee: callee), ours: noise,
                ephemeral: ephemeral.map { NoiseKeyPair(secret: SecretBytes(count: 32), publicKey: $0) }
                    ?? .generate(random))
        }
        guard let initiator else { return [] }
        return Initiation.make(
            sender: index, suites: suites, noise: initiator, keys: AddressKeys(callee), cookie: cookie)
    }

    /// Message 3, after message 2.
    func finish(_ response: [UInt8], now: Instant) throws -> [UInt8] {
        guard response.count == ResponseLayout.count, let initiator else { throw HandshakeError.forged }
        let (_, ready) = try initiator.read(Array(response[ResponseLayout.noise...]))
        let (message, secrets) = try ready.finish(payload: Identity.payload(shown, suite: cipher, index: index))
        let remote: UInt32 = response.withUnsafeBytes { $0.little(ResponseLayout.sender) }
        use(secrets, initiator: true, remote: remote, now)
        return header(.finish, index, remote) + message
    }

    // MARK: Being called

    /// Message 2 to a message 1 that called `callee`, which need not be this one's own address.
    func answer(
        _ initiation: [UInt8], as callee: Address, payload: [UInt8]? = nil, ephemeral: NoiseKeyPair? = nil
    ) throws -> [UInt8] {
        index = random.next32()
        caller = initiation.withUnsafeBytes { $0.little(InitiationLayout.sender) }
        let offered: UInt16 = initiation.withUnsafeBytes { $0.little(InitiationLayout.suites) }
        let responder = try XXResponder(
            prologue: handshakePrologue(suites: offered, callee: callee), ours: noise,
            message: Array(initiation[InitiationLayout.ephemeral..<InitiationLayout.ephemeral + 32]))
        let (message, next) = try responder.respond(
            ephemeral: ephemeral ?? .generate(random),
            payload: payload ?? Identity.payload(shown, suite: cipher, index: index))
        waiting = next
        return header(.response, index, caller) + message
    }

    /// Takes message 3.
    func complete(_ finish: [UInt8], now: Instant) throws {
        guard let waiting, finish.count == FinishLayout.count else { throw HandshakeError.forged }
        let (_, secrets) = try waiting.read(Array(finish[FinishLayout.noise...]))
        use(secrets, initiator: false, remote: caller, now)
    }

    // MARK: Frames

    /// A datagram that holds any frame at all.
    func seal(_ frame: [UInt8], now: Instant) -> [UInt8] {
        guard let keypair, !frame.isEmpty else { return [] }
        var out = [UInt8](repeating: 0, count: TransportLayout.header) + frame
        out += [UInt8](repeating: 0, count: TransportLayout.tag)
        out.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { _ = keypair.seal(at: base, frameCount: frame.count) }
        }
        return out
    }

    /// The frame in a datagram of the session; nil for anything else.
    func open(_ datagram: [UInt8]) -> [UInt8]? {
        guard let keypair, datagram.count >= TransportLayout.minimum,
            datagram.first == DatagramKind.transport.rawValue
        else { return nil }
        var copy = datagram
        let opening = copy.withUnsafeMutableBytes { keypair.keys.open($0) }
        guard case .frame(let count, _) = opening else { return nil }
        return Array(copy[TransportLayout.header..<TransportLayout.header + count])
    }

    func hello(accepts: Bool = true, run: UInt64 = 1) -> [UInt8] {
        var frame: [UInt8] = [FrameKind.hello.rawValue, accepts ? HelloLayout.acceptsLink : 0]
        frame.appendLittle(run)
        return frame
    }

    private func use(_ secrets: TransportSecrets, initiator: Bool, remote: UInt32, _ now: Instant) {
        let agreement = Agreement(
            suite: SuiteChoice(cipher: cipher, backend: .libsodium), secrets: secrets, initiator: initiator,
            localIndex: index, remoteIndex: remote)
        keypair = Keypair(agreement, limits: .chaCha, now: now)
    }

    private func header(_ kind: DatagramKind, _ sender: UInt32, _ receiver: UInt32) -> [UInt8] {
        var out: [UInt8] = [kind.rawValue, protocolVersion, 0, 0]
        out.appendLittle(sender)
        out.appendLittle(receiver)
        return out
    }
}

extension Bench {
    /// Lets `stranger` call box `place` from `endpoint`; true when the box took message 3.
    func connect(_ stranger: Stranger, to place: Int, from endpoint: Endpoint) throws -> Bool {
        exchange()
        give(stranger.call(address(place)), to: place, from: endpoint)
        guard let response = take(place).first(where: { $0.kind == .response }) else { return false }
        give(try stranger.finish(response.bytes, now: now), to: place, from: endpoint)
        // The first sealed datagrams of the box.
        for posted in take(place) where posted.path.remote == endpoint { _ = stranger.open(posted.bytes) }
        guard let main = boxes[place].node(.main) else { return false }
        return boxes[place].session(main, stranger.address)?.current != nil
    }

    /// Connects a stranger and brings up a link with it. The box must accept anybody, or the stranger as a peer.
    func link(_ stranger: Stranger, to place: Int, from endpoint: Endpoint) throws -> Bool {
        guard try connect(stranger, to: place, from: endpoint) else { return false }
        give(stranger.seal(stranger.hello(), now: now), to: place, from: endpoint)
        tick()
        for posted in take(place) where posted.path.remote == endpoint { _ = stranger.open(posted.bytes) }
        guard let main = boxes[place].node(.main) else { return false }
        return boxes[place].session(main, stranger.address)?.link.neighbour != nil
    }
}
