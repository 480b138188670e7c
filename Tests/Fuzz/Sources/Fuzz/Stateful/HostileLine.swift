import INET256
import Wire

@testable import Mesh

/// A node in the fuzzer's hands: real keys, real handshakes, and it says what it likes.
struct Hostile {
    let number: Int
    let key: PrivateKey
    let noise: NoiseKeyPair
    let keys: AddressKeys

    init(number: Int, key: PrivateKey) {
        self.number = number
        self.key = key
        noise = NoiseKeyPair(secret: key.x25519Secret)
        keys = AddressKeys(key.address)
    }

    var address: Address { key.address }
}

/// The keys of one finished handshake on the hostile side, with a counter that goes where it is told.
struct LineKeys {
    let sealing: AEADKey
    let opening: AEADKey
    let localIndex: UInt32
    let remoteIndex: UInt32
    var next: UInt64 = 0

    init(_ secrets: TransportSecrets, _ cipher: Cipher, initiator: Bool, local: UInt32, remote: UInt32) {
        let (out, back) =
            initiator
            ? (secrets.initiatorToResponder, secrets.responderToInitiator)
            : (secrets.responderToInitiator, secrets.initiatorToResponder)
        sealing = AEADKey(cipher, key: secrets.key(out, cipher))
        opening = AEADKey(cipher, key: secrets.key(back, cipher))
        localIndex = local
        remoteIndex = remote
    }

    func seal(_ frame: [UInt8], counter: UInt64) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: TransportLayout.header) + frame
        out += [UInt8](repeating: 0, count: TransportLayout.tag)
        out.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            _ = sealing.seal(at: base, frameCount: frame.count, to: remoteIndex, counter)
        }
        return out
    }

    func open(_ datagram: [UInt8]) -> [UInt8]? {
        var copy = datagram
        let counter: UInt64 = copy.withUnsafeBytes { $0.little(TransportLayout.counter) }
        guard copy.withUnsafeMutableBytes({ opening.open($0, counter) }) else { return nil }
        return Array(copy[TransportLayout.header..<copy.count - TransportLayout.tag])
    }
}

/// What joins a hostile node to a box by one way, straight or through another box: the state of its handshakes, its keys, and what
/// it last heard.
final class HostileLine {
    let hostile: Hostile
    let box: Int
    /// The box whose link carries it; nil: straight.
    let way: Int?

    // As the caller.
    private(set) var index: UInt32 = 0
    private var initiator: XXInitiator?
    private(set) var message1: [UInt8] = []
    var response: [UInt8]?
    private(set) var message3: [UInt8]?
    var cookie: [UInt8]?

    // As the one who is called.
    var initiation: [UInt8]?
    private var waiting: XXResponderWaiting?
    private var waitingIndex: UInt32 = 0
    private var waitingCipher = Cipher.chaCha20Poly1305

    /// The latest keys, and those before.
    private(set) var keys: LineKeys?
    private(set) var oldKeys: LineKeys?
    var heard = Heard()
    /// Whether it answers, and which of its endpoints answers come from.
    var isPolite = true
    var answersFrom = 0
    var fragment: UInt32 = 0

    /// What of the box's was not answered yet.
    struct Heard {
        var challenge: [UInt8]?
        var probe: [UInt8]?
        var probeSize = 0
        var ping: [UInt8]?
    }

    init(_ hostile: Hostile, box: Int, way: Int?) {
        self.hostile = hostile
        self.box = box
        self.way = way
    }

    /// Whether datagrams to `index` are for this line.
    func owns(_ index: UInt32) -> Bool {
        index == self.index && initiator != nil || index == waitingIndex && waiting != nil
            || index == keys?.localIndex || index == oldKeys?.localIndex
    }

    // MARK: Calling

    /// Message 1.
    func call(_ callee: Address, suites: UInt16, random: FixedRandom, ephemeral: Bytes32? = nil) -> [UInt8] {
        index = random.next32()
        let pair =
            ephemeral.map { NoiseKeyPair(secret: SecretBytes(count: 32), publicKey: $0) } ?? .generate(random)
        let initiator = XXInitiator(
            prologue: handshakePrologue(suites: suites, callee: callee), ours: hostile.noise, ephemeral: pair)
        self.initiator = initiator
        response = nil
        message3 = nil
        message1 = Initiation.make(
            sender: index, suites: suites, noise: initiator, keys: AddressKeys(callee), cookie: cookie)
        return message1
    }

    /// Makes message 3 and the keys from message 2, if that has come.
    func prepare(lying: UInt8) {
        guard let response, let initiator, response.count == ResponseLayout.count,
            let (peer, ready) = try? initiator.read(Array(response[ResponseLayout.noise...])),
            let cipher = peer.payload.first.flatMap({ Cipher(rawValue: $0) }), cipher.isAvailable
        else { return }
        let remote: UInt32 = response.withUnsafeBytes { $0.little(ResponseLayout.sender) }
        var payload = Identity.payload(hostile.key.publicKey, suite: cipher, index: index)
        // One byte of what it says of itself is wrong.
        if lying != 0 { payload[Int(lying) % payload.count] ^= lying }
        guard let (message, secrets) = try? ready.finish(payload: payload) else { return }
        message3 = header(.finish, index, remote) + message
        use(LineKeys(secrets, cipher, initiator: true, local: index, remote: remote))
    }

    // MARK: Being called

    /// Message 2.
    func answer(lying: UInt8, random: FixedRandom) -> [UInt8]? {
        guard let initiation, initiation.count == InitiationLayout.count else { return nil }
        let caller: UInt32 = initiation.withUnsafeBytes { $0.little(InitiationLayout.sender) }
        let offered: UInt16 = initiation.withUnsafeBytes { $0.little(InitiationLayout.suites) }
        waitingIndex = random.next32()
        waitingCipher = offered & 1 << 2 != 0 && Cipher.aes256GCM.isAvailable ? .aes256GCM : .chaCha20Poly1305
        var payload = Identity.payload(hostile.key.publicKey, suite: waitingCipher, index: waitingIndex)
        if lying != 0 { payload[Int(lying) % payload.count] ^= lying }
        let ephemeral = InitiationLayout.ephemeral..<InitiationLayout.ephemeral + Bytes32.count
        guard
            let responder = try? XXResponder(
                prologue: handshakePrologue(suites: offered, callee: hostile.address), ours: hostile.noise,
                message: Array(initiation[ephemeral])),
            let (message, next) = try? responder.respond(ephemeral: .generate(random), payload: payload)
        else { return nil }
        waiting = next
        return header(.response, waitingIndex, caller) + message
    }

    /// Takes message 3.
    func complete(_ finish: [UInt8]) {
        guard let waiting, finish.count == FinishLayout.count,
            let (_, secrets) = try? waiting.read(Array(finish[FinishLayout.noise...]))
        else { return }
        let caller: UInt32 = finish.withUnsafeBytes { $0.little(FinishLayout.sender) }
        self.waiting = nil
        use(LineKeys(secrets, waitingCipher, initiator: false, local: waitingIndex, remote: caller))
    }

    // MARK: Frames

    /// Seals under the latest keys, or under those before.
    func seal(_ frame: [UInt8], counter number: UInt16 = 0, old: Bool = false) -> [UInt8]? {
        guard !frame.isEmpty, var chosen = old ? oldKeys ?? keys : keys else { return nil }
        let counter = StepTables.counter(number, next: chosen.next)
        // Whoever has gone far ahead goes on from where it was: so later frames are behind the window, or in it.
        if counter == chosen.next { chosen.next &+= 1 }
        if old, oldKeys != nil { oldKeys = chosen } else { keys = chosen }
        return chosen.seal(frame, counter: counter)
    }

    func open(_ datagram: [UInt8]) -> [UInt8]? {
        let index: UInt32 = datagram.withUnsafeBytes { $0.little(TransportLayout.receiver) }
        if let keys, keys.localIndex == index { return keys.open(datagram) }
        if let oldKeys, oldKeys.localIndex == index { return oldKeys.open(datagram) }
        return nil
    }

    private func use(_ new: LineKeys) {
        oldKeys = keys
        keys = new
    }

    private func header(_ kind: DatagramKind, _ sender: UInt32, _ receiver: UInt32) -> [UInt8] {
        var out: [UInt8] = [kind.rawValue, protocolVersion, 0, 0]
        out.appendLittle(sender)
        out.appendLittle(receiver)
        return out
    }
}
