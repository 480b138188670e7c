import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box that is called more often than it can bear.
@Suite struct CookieTests {
    /// One box that wants cookies after ten handshake messages in a second.
    private func bench(_ change: (inout BoxSettings) -> Void = { _ in }) -> Bench {
        Bench(1) {
            $0.limits.handshakesPerSecondBeforeCookies = 10
            change(&$0)
        }
    }

    /// Puts a box under load by strangers' calls.
    private func strain(_ bench: Bench) {
        for number in 0..<20 as Range<UInt16> {
            bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(1000 + number))
        }
        _ = bench.take(0)
    }

    private func opened(_ reply: [UInt8], for call: [UInt8], by callee: Address) -> [UInt8]? {
        let mac1 = Array(call[InitiationLayout.mac1..<InitiationLayout.mac2])
        return AddressKeys(callee).cookie.withUnsafeBytes {
            XChaCha20Poly1305.open(
                Array(reply[CookieLayout.sealed...]), nonce: Array(reply[CookieLayout.nonce..<CookieLayout.sealed]),
                additional: mac1, key: $0)
        }
    }

    @Test func strangersMustShowOne() throws {
        let bench = bench()
        strain(bench)
        let answered = bench.boxes[0].answering.responses.count
        let stranger = Stranger(bench.random)
        let call = stranger.call(bench.address(0))
        bench.give(call, to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].answering.workThisTurn == 0, "no Diffie-Hellman before the cookie")
        let reply = try #require(bench.take(0).first)
        #expect(reply.kind == .cookie && reply.bytes.count == CookieLayout.count)
        #expect(bench.boxes[0].answering.responses.count == answered)
        let cookie = try #require(opened(reply.bytes, for: call, by: bench.address(0)))

        // From elsewhere it is worth nothing.
        let shown = stranger.call(bench.address(0), cookie: cookie, same: true)
        bench.give(shown, to: 0, from: bench.elsewhere(2))
        #expect(bench.take(0).first?.kind == .cookie)
        // Altered neither.
        bench.give(shown.altered(at: InitiationLayout.mac2), to: 0, from: bench.elsewhere(1))
        #expect(bench.take(0).first?.kind == .cookie)
        // From where it was asked for it is let in.
        bench.give(shown, to: 0, from: bench.elsewhere(1))
        let response = try #require(bench.take(0).first)
        #expect(response.kind == .response)
        bench.give(try stranger.finish(response.bytes, now: bench.now), to: 0, from: bench.elsewhere(1))
        #expect(bench.boxes[0].allSessions.contains { $0.remote == stranger.address && $0.current != nil })
    }

    @Test func aCookieAgesAndLoadPasses() throws {
        let bench = bench()
        strain(bench)
        let stranger = Stranger(bench.random)
        let call = stranger.call(bench.address(0))
        bench.give(call, to: 0, from: bench.elsewhere(1))
        let reply = try #require(bench.take(0).first)
        let cookie = try #require(opened(reply.bytes, for: call, by: bench.address(0)))
        let shown = stranger.call(bench.address(0), cookie: cookie, same: true)
        bench.now = bench.now + CookieJar.secretLifetime * 2
        bench.tick()
        strain(bench)
        bench.give(shown, to: 0, from: bench.elsewhere(1))
        #expect(bench.take(0).first?.kind == .cookie, "a cookie of two secrets ago, \(bench.comment)")
        // Ten quiet seconds later nobody is asked.
        bench.now = bench.now + .seconds(11)
        bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(3))
        #expect(bench.take(0).first?.kind == .response, bench.comment)
    }

    @Test func aCallerShowsItsCookieAndGetsThrough() throws {
        let bench = Bench { $0.limits.handshakesPerSecondBeforeCookies = 0 }
        // Box 1 does not know box 0: a stranger.
        bench.introduce(0, to: 1)
        var kinds: [DatagramKind] = []
        bench.run(for: .seconds(1)) {
            if let kind = $0.kind, kind != .transport { kinds.append(kind) }
            return true
        }
        #expect(kinds == [.initiation, .cookie, .initiation, .response, .finish], bench.comment)
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0))
    }

    @Test func forgedCookies() throws {
        let bench = Bench { $0.limits.handshakesPerSecondBeforeCookies = 0 }
        bench.introduce(0, to: 1)
        bench.tick()
        let call = try #require(bench.take(0).first)
        bench.deliver(call)
        let genuine = try #require(bench.take(1).first { $0.kind == .cookie })
        let counted = bench.boxes[0].drops.total
        for place in 1..<CookieLayout.count {
            bench.give(genuine.bytes.altered(at: place), to: 0, from: bench.endpoint(1))
        }
        for count in 0..<CookieLayout.count {
            bench.give(Array(genuine.bytes[..<count]), to: 0, from: bench.endpoint(1))
        }
        #expect(bench.boxes[0].drops.total == counted + UInt64(2 * CookieLayout.count - 1), bench.comment)
        #expect(bench.take(0).isEmpty)
        // Who is on the way and knows the address can make one that opens. It does no lasting harm.
        var nonce = bench.random.bytes(24)
        let lie = AddressKeys(bench.address(1)).cookie.withUnsafeBytes {
            XChaCha20Poly1305.seal(
                bench.random.bytes(16), nonce: nonce,
                additional: Array(call.bytes[InitiationLayout.mac1..<InitiationLayout.mac2]), key: $0)
        }
        var forged: [UInt8] = [DatagramKind.cookie.rawValue, 0, 0, 0]
        forged += call.bytes[InitiationLayout.sender..<InitiationLayout.hint]
        forged += nonce + lie
        nonce = []
        for _ in 0..<50 { bench.give(forged, to: 0, from: bench.endpoint(1)) }
        #expect(bench.take(0).count <= 1, "a forged cookie makes a box send, \(bench.comment)")
        bench.run(for: .seconds(6))
        #expect(bench.isEstablished(0, 1) && bench.isEstablished(1, 0), bench.comment)
    }

    @Test func aFloodOfSpoofedCallsIsNotAmplified() {
        let bench = bench()
        for number in 0..<3000 as Range<UInt32> {
            let call = Stranger(bench.random).call(bench.address(0))
            let source = bench.elsewhere(UInt16(truncatingIfNeeded: number))
            bench.give(call, to: 0, from: source)
            let answers = bench.take(0)
            #expect(answers.reduce(0) { $0 + $1.bytes.count } <= call.count)
            #expect(answers.allSatisfy { $0.path.remote == source })
            if number % 100 == 0 {
                bench.now = bench.now + .milliseconds(50)
                bench.tick()
                #expect(bench.take(0).isEmpty, "something is repeated to whom nothing is known of, \(bench.comment)")
            }
        }
        #expect(bench.bytesOut[0] <= bench.bytesIn[0])
        #expect(bench.boxes[0].drops[.handshakeCookieDemanded] > 2900)
        #expect(bench.boxes[0].answering.responses.count <= 20, bench.comment)
    }

    @Test func halfOpenHandshakesAreBounded() throws {
        let bench = Bench(1) {
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
            $0.limits.maximumResponses = 32
        }
        for number in 0..<500 as Range<UInt16> {
            bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(number))
            #expect(bench.boxes[0].answering.responses.count <= 32 && bench.boxes[0].indices.inUse <= 32)
            _ = bench.take(0)
        }
        // One that goes on at once gets through all the same.
        #expect(try bench.connect(Stranger(bench.random), to: 0, from: bench.elsewhere(1)), bench.comment)
        bench.now = bench.now + .seconds(20)
        bench.tick()
        #expect(bench.boxes[0].answering.responses.isEmpty && bench.boxes[0].indices.inUse == 1, bench.comment)
    }

    @Test func workPerTurnIsBoundedAndPeersKeepAShare() throws {
        let bench = Bench(1) { $0.limits.handshakesPerSecondBeforeCookies = 1_000_000 }
        let peer = Stranger(bench.random)
        bench.boxes[0].setPeer(
            PeerSettings(address: peer.address, endpoints: [bench.elsewhere(9)]), now: bench.now)
        _ = bench.take(0)
        bench.boxes[0].beginTurn()
        for number in 100..<200 as Range<UInt16> {
            bench.give(
                Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(number), newTurn: false)
        }
        let limit = MeshLimits().handshakesPerTurn
        #expect(bench.boxes[0].answering.workThisTurn == limit - limit / 4)
        #expect(bench.boxes[0].drops[.handshakeOverBudget] == UInt64(100 - (limit - limit / 4)))
        _ = bench.take(0)
        bench.give(peer.call(bench.address(0)), to: 0, from: bench.elsewhere(9), newTurn: false)
        #expect(bench.take(0).first?.kind == .response, "the peer's share was given away, \(bench.comment)")
        // A new turn, new work.
        bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(1))
        #expect(bench.take(0).first?.kind == .response)
    }

    /// A peer's endpoint is easily said: while strangers flood, whoever names it has to show that it receives there. Then it gets
    /// what is kept for peers.
    @Test func peersShowOneTooWhileTheBoxIsStrained() throws {
        let bench = bench()
        let peer = Stranger(bench.random)
        let home = bench.elsewhere(9)
        bench.boxes[0].setPeer(PeerSettings(address: peer.address, endpoints: [home]), now: bench.now)
        #expect(try bench.connect(peer, to: 0, from: home), "without strain, \(bench.comment)")
        strain(bench)
        // Spoofed calls in its name cost no work and take nothing from it.
        for _ in 0..<500 { bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: home) }
        #expect(bench.take(0).allSatisfy { $0.kind == .cookie }, bench.comment)
        let call = peer.call(bench.address(0))
        bench.give(call, to: 0, from: home)
        let reply = try #require(bench.take(0).first { $0.kind == .cookie })
        let cookie = try #require(opened(reply.bytes, for: call, by: bench.address(0)))
        bench.give(peer.call(bench.address(0), cookie: cookie, same: true), to: 0, from: home)
        #expect(bench.take(0).first?.kind == .response, bench.comment)
    }

    /// One source after the other has to show a cookie although the box as a whole is not strained, and then has a rate.
    @Test func eachSourceHasItsShare() throws {
        let bench = Bench(1) { $0.limits.handshakesPerSecondBeforeCookies = 1_000_000 }
        let burst = MeshLimits().callsOfSource.burst
        for number in 0..<UInt16(burst) {
            bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.neighbour(number))
        }
        #expect(bench.take(0).count { $0.kind == .response } == burst, bench.comment)
        bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.neighbour(1000))
        #expect(bench.take(0).first?.kind == .cookie, "the same /64, \(bench.comment)")
        bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(1))
        #expect(bench.take(0).first?.kind == .response, "another one, \(bench.comment)")
        let proven = MeshLimits().provenCallsOfSource.burst
        var answered = 0
        for number in 0..<UInt16(2 * proven) {
            let stranger = Stranger(bench.random)
            let call = stranger.call(bench.address(0))
            let source = bench.neighbour(2000 + number)
            bench.give(call, to: 0, from: source)
            let reply = try #require(bench.take(0).first { $0.kind == .cookie })
            let cookie = try #require(opened(reply.bytes, for: call, by: bench.address(0)))
            bench.give(stranger.call(bench.address(0), cookie: cookie, same: true), to: 0, from: source)
            answered += bench.take(0).count { $0.kind == .response }
        }
        #expect(answered == proven, bench.comment)
    }

    /// Answered calls of strangers do not push out a peer's.
    @Test func aPeersHalfOpenHandshakeStays() throws {
        let bench = Bench(1) {
            $0.limits.handshakesPerSecondBeforeCookies = 1_000_000
            $0.limits.maximumResponses = 32
        }
        let peer = Stranger(bench.random)
        let home = bench.elsewhere(9)
        bench.boxes[0].setPeer(PeerSettings(address: peer.address, endpoints: [home]), now: bench.now)
        _ = bench.take(0)
        bench.give(peer.call(bench.address(0)), to: 0, from: home)
        let response = try #require(bench.take(0).first { $0.kind == .response })
        for number in 1000..<1500 as Range<UInt16> {
            bench.give(Stranger(bench.random).call(bench.address(0)), to: 0, from: bench.elsewhere(number))
        }
        _ = bench.take(0)
        bench.give(try peer.finish(response.bytes, now: bench.now), to: 0, from: home)
        #expect(bench.boxes[0].allSessions.contains { $0.remote == peer.address && $0.current != nil }, bench.comment)
    }

    @Test func aCookieForARelayedCallIsBoundToTheLink() {
        let bench = Bench(1)
        var jar = CookieJar(random: bench.random, now: bench.now)
        let neighbours = (0..<2).map { _ in PrivateKey(generatedFrom: bench.random).address }
        let caller = Stranger(bench.random)
        let keys = AddressKeys(bench.address(0))
        let ways: [Ingress] = [
            .relayed(neighbour: neighbours[0], source: caller.address),
            .relayed(neighbour: neighbours[1], source: caller.address),
            .relayed(neighbour: neighbours[0], source: neighbours[1]),
            .direct(bench.elsewhere(1)),
        ]
        let call = caller.call(bench.address(0))
        let reply = call.withUnsafeBytes { bytes in
            InitiationMessage(bytes).map { jar.reply(to: $0, from: ways[0], keys: keys, now: bench.now) } ?? []
        }
        let cookie = opened(reply, for: call, by: bench.address(0))
        let shown = caller.call(bench.address(0), cookie: cookie, same: true)
        let admitted = ways.map { way in
            shown.withUnsafeBytes { bytes in
                InitiationMessage(bytes).map { jar.admits($0, from: way, now: bench.now) }
            }
        }
        #expect(admitted == [true, false, false, false])
    }
}
