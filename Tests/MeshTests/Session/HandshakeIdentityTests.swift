import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Who the other end proves to be, and what it may not be.
@Suite struct HandshakeIdentityTests {
    /// u-coordinates of all points of small order, and their other encodings (RFC 7748 section 6.1; cr.yp.to/ecdh.html).
    static let smallOrder: [[UInt8]] = [
        [UInt8](repeating: 0, count: 32),
        [1] + [UInt8](repeating: 0, count: 31),
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
            0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
            0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
        [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
        [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
        [0xee] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
    ]

    private func point(_ bytes: [UInt8]) throws -> Bytes32 { try #require(Bytes32(bytes)) }

    /// A box that has just called `stranger`, and its message 1.
    private func caller(
        of stranger: Stranger, _ bench: Bench, as address: Address? = nil
    ) throws -> [UInt8] {
        bench.boxes[0].setPeer(
            PeerSettings(address: address ?? stranger.address, endpoints: [bench.elsewhere(1)]), now: bench.now)
        bench.tick()
        return try #require(bench.take(0).first { $0.kind == .initiation }).bytes
    }

    private func peerState(_ bench: Bench) throws -> BoxStatus.Link {
        try #require(bench.boxes[0].status(now: bench.now).links.first)
    }

    private func knows(_ bench: Bench, _ address: Address) -> Bool {
        bench.boxes[0].allSessions.contains { $0.remote == address && $0.current != nil }
    }

    @Test(arguments: smallOrder) func smallOrderEphemeralOfACaller(_ bytes: [UInt8]) throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        bench.give(
            stranger.call(bench.address(0), ephemeral: try point(bytes)), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeZeroKey] == 1)
        #expect(bench.take(0).isEmpty && bench.boxes[0].answering.responses.isEmpty)
        #expect(bench.boxes[0].indices.inUse == 0)
        #expect(try bench.connect(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
    }

    @Test(arguments: smallOrder) func smallOrderStaticKeyOfACaller(_ bytes: [UInt8]) throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        stranger.noise = NoiseKeyPair(secret: stranger.noise.secret, publicKey: try point(bytes))
        #expect(try !bench.connect(stranger, to: 0, from: bench.elsewhere(1)))
        #expect(bench.boxes[0].drops[.handshakeZeroKey] == 1)
    }

    @Test(arguments: smallOrder) func smallOrderKeysOfACallee(_ bytes: [UInt8]) throws {
        let bench = Bench(1)
        let stranger = Stranger(bench.random)
        let honest = stranger.noise
        let call = try caller(of: stranger, bench)
        let ephemeral = NoiseKeyPair(secret: honest.secret, publicKey: try point(bytes))
        let weak = try stranger.answer(call, as: stranger.address, ephemeral: ephemeral)
        bench.give(weak, to: 0, from: bench.elsewhere(1))
        stranger.noise = ephemeral
        bench.give(try stranger.answer(call, as: stranger.address), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeZeroKey] == 2, bench.comment)
        #expect(bench.take(0).isEmpty)
        #expect(try peerState(bench).state == .refused)
        // The honest answer still counts.
        stranger.noise = honest
        bench.give(try stranger.answer(call, as: stranger.address), to: 0, from: bench.elsewhere(1))
        #expect(knows(bench, stranger.address), bench.comment)
        #expect(try peerState(bench).trouble == nil)
    }

    @Test func anIdentityThatIsNotTheStaticKeys() throws {
        let bench = Bench(2)
        let victim = bench.keys[1].publicKey
        // Another's key over the own static key.
        let liar = Stranger(bench.random)
        liar.shown = victim
        #expect(try !bench.connect(liar, to: 0, from: bench.elsewhere(1)))
        #expect(bench.boxes[0].drops[.handshakeBadIdentity] == 1)
        // Another's static key, without its secret.
        let thief = Stranger(bench.random)
        thief.noise = NoiseKeyPair(secret: thief.noise.secret, publicKey: try #require(victim.x25519()))
        thief.shown = victim
        #expect(try !bench.connect(thief, to: 0, from: bench.elsewhere(2)))
        #expect(bench.boxes[0].drops[.handshakeForged] == 1)
        // The same as callees.
        for stranger in [liar, thief] {
            let call = try caller(of: stranger, bench, as: victim.address)
            bench.give(try stranger.answer(call, as: victim.address), to: 0, from: bench.elsewhere(1))
            bench.boxes[0].removePeer(victim.address, now: bench.now)
        }
        #expect(bench.boxes[0].drops[.handshakeBadIdentity] == 2)
        #expect(bench.boxes[0].drops[.handshakeForged] == 2)
        #expect(!bench.boxes[0].allSessions.contains { $0.current != nil })
    }

    @Test func keysThatAreNotOne() throws {
        let good = PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: 1))
        let u = try #require(good.publicKey.x25519())
        let index: UInt32 = 7
        let payload = Identity.payload(good.publicKey, suite: .chaCha20Poly1305, index: index)
        #expect(throws: Never.self) { try Identity.read(NoisePeer(key: u, payload: payload), index: index) }
        // Every bit of it counts: tag, key and index.
        for place in HandshakePayload.key..<HandshakePayload.index + 4 {
            for bit in 0..<8 as Range<UInt8> {
                let altered = payload.altered(at: place, by: 1 << bit)
                // The sign of x does not show in u: that one is the address of the negated key, of the same owner.
                if place == HandshakePayload.index - 1 && bit == 7 { continue }
                #expect(throws: HandshakeError.self) {
                    try Identity.read(NoisePeer(key: u, payload: altered), index: index)
                }
            }
        }
        for payload in [[], Array(payload.dropLast()), payload + [0]] {
            #expect(throws: HandshakeError.badIdentity) {
                try Identity.read(NoisePeer(key: u, payload: payload), index: index)
            }
        }
        // Points of small order, y not below the field's prime, y of no point: whatever u is claimed for them.
        let tooLarge: [[UInt8]] = [0x7f, 0xff].flatMap { top in
            (0..<19).map { [0xed + $0] + [UInt8](repeating: 0xff, count: 30) + [top] }
        }
        let bad = Self.smallOrder + tooLarge + [[2] + [UInt8](repeating: 0, count: 31)]
        for bytes in bad {
            let key = PublicKey(raw: try point(bytes))
            for claimed in [u, .zero, try point(bytes)] {
                let payload = Identity.payload(key, suite: .chaCha20Poly1305, index: index)
                #expect(throws: HandshakeError.badIdentity) {
                    try Identity.read(NoisePeer(key: claimed, payload: payload), index: index)
                }
            }
        }
    }

    @Test func anAnswerByAnotherAddressIsRefusedAndNamed() throws {
        let bench = Bench(1)
        let called = PrivateKey(generatedFrom: bench.random).address
        // It knows the address that is called, so it can answer; but its key is its own.
        let other = Stranger(bench.random)
        let call = try caller(of: other, bench, as: called)
        bench.give(try other.answer(call, as: called), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].drops[.handshakeWrongAddress] == 1)
        #expect(!knows(bench, called) && !knows(bench, other.address))
        // Our own identity was not told.
        #expect(bench.take(0).isEmpty)
        let link = try peerState(bench)
        #expect(link.state == .refused)
        #expect(link.trouble == .otherKey(other.address))
        #expect(
            bench.boxes[0].takeEvents().contains {
                if case .refused(called, .otherKey(other.address)) = $0 { true } else { false }
            })
    }

    @Test func silenceOfAPeerIsExplained() throws {
        let bench = Bench(2)
        // Box 1 is there, but is not whom box 0 thinks it is: it is silent.
        let wrong = PrivateKey(generatedFrom: bench.random).address
        bench.boxes[0].setPeer(PeerSettings(address: wrong, endpoints: [bench.endpoint(1)]), now: bench.now)
        bench.run(for: .seconds(10)) { posted in
            #expect(posted.from == 0, "a box answered to an address that is not its own, \(bench.comment)")
            return true
        }
        #expect(bench.boxes[1].drops[.handshakeUnknownAddress] > 3)
        #expect(bench.boxes[1].drops.total == bench.boxes[1].drops[.handshakeUnknownAddress])
        #expect(try peerState(bench).trouble == .noAnswer)
    }

    @Test func aCallerWithOurOwnKey() throws {
        let bench = Bench(1)
        let twin = Stranger(bench.random, key: bench.keys[0])
        #expect(try !bench.connect(twin, to: 0, from: bench.elsewhere(1)))
        #expect(bench.boxes[0].drops[.handshakeWrongAddress] == 1)
    }
}
