import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Random and bit-flipped bytes at every decoder: no crash, all counted, nothing grows.
@Suite struct HostileDatagramTests {
    private static let steps = 100_000

    /// A box that has some of everything: a link, an unanswered call, a half-open handshake.
    private func victim(_ seed: UInt64) throws -> (bench: Bench, genuine: [[UInt8]]) {
        let bench = Bench(2, seed: seed) {
            $0.acceptsAnybody = true
            $0.limits.maximumSessions = 64
            $0.limits.maximumResponses = 32
            $0.limits.reassemblies = 8
            $0.limits.maximumLinks = 16
        }
        var genuine: [[UInt8]] = []
        bench.introduce(0, to: 1)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(2)) {
            if $0.from == 0 { genuine.append($0.bytes) }
            return true
        }
        try #require(bench.isLinked(0, 1))
        bench.send([1, 2, 3], from: 0, to: 1)
        bench.send([UInt8](repeating: 4, count: 5000), from: 0, to: 1)
        genuine += bench.take(0).map(\.bytes)
        // Box 1 also calls somebody who is not there, and is called by somebody who does not go on.
        let absent = PrivateKey(generatedFrom: bench.random).address
        bench.boxes[1].setPeer(PeerSettings(address: absent, endpoints: [bench.elsewhere(1)]), now: bench.now)
        bench.tick()
        genuine += bench.take(1).filter { $0.kind == .initiation }.map(\.bytes)
        let stranger = Stranger(bench.random)
        let call = stranger.call(bench.address(1))
        bench.give(call, to: 1, from: bench.elsewhere(2))
        let answer = try #require(bench.take(1).first { $0.kind == .response })
        genuine += [call, try stranger.finish(answer.bytes, now: bench.now), answer.bytes]
        // One of each kind of answer that is not asked for.
        genuine.append([DatagramKind.cookie.rawValue] + [UInt8](repeating: 0, count: CookieLayout.count - 1))
        genuine.append([DatagramKind.unknownIndex.rawValue] + [UInt8](repeating: 0, count: HintLayout.count - 1))
        return (bench, genuine)
    }

    /// Memory that strangers can make grow.
    private func isBounded(_ box: MeshBox) -> Bool {
        box.sessions.count <= box.limits.maximumSessions && box.allSessions.count == box.sessions.count
            && box.answering.responses.count <= box.limits.maximumResponses
            && box.reassembler.count <= box.limits.reassemblies
            && box.indices.inUse <= 4 * box.limits.maximumSessions + box.limits.maximumResponses
            && box.pendingBytes <= box.limits.pendingBytesInAll
            && box.news.events.count <= BoxNews.maximumEvents
            && box.links.places.count <= box.limits.maximumLinks
            && box.links.strangers.count <= box.limits.refusalsRemembered
            && box.nodes.hints <= box.nodes.count
    }

    private func attack(_ bench: Bench, _ next: (Int) -> [UInt8]?) {
        var accepted = 0
        for step in 0..<Self.steps {
            guard let datagram = next(step) else { continue }
            let box = bench.boxes[1]
            let counted = box.drops.total
            let answered = box.outbox.datagrams.count
            bench.give(datagram, to: 1, from: step % 3 == 0 ? bench.endpoint(0) : bench.elsewhere(UInt16(step % 50)))
            if box.drops.total == counted {
                // Not refused: then it was a call or a repetition, which is answered at most by as much.
                accepted += 1
                guard box.outbox.datagrams.count <= answered + 1 else {
                    Issue.record("step \(step): neither counted nor answered, \(datagram), \(bench.comment)")
                    return
                }
            }
            if step % 200 == 0 {
                _ = bench.take(1)
                guard isBounded(box) else {
                    Issue.record("step \(step): memory grows, \(bench.comment)")
                    return
                }
                bench.now = bench.now + .milliseconds(5)
                bench.boxes[1].tick(now: bench.now)
            }
        }
        #expect(accepted < Self.steps / 10, "\(accepted) accepted, \(bench.comment)")
        #expect(bench.delivered.isEmpty, "somebody's bytes became a message, \(bench.comment)")
    }

    @Test func randomBytesOfEveryKind() throws {
        let (bench, _) = try victim(Seeds.fresh())
        let random = bench.random
        attack(bench) { step in
            let sizes = [16, 64, 160, 192, 33, random.length(upTo: 2000)]
            var datagram = random.bytes(sizes[Int(random.next(below: 6))])
            // Mostly a kind that exists, and often the right version.
            if !datagram.isEmpty, step % 8 != 0 { datagram[0] = UInt8(1 + random.next(below: 6)) }
            if datagram.count > 4, step % 2 == 0 { datagram.replaceSubrange(1..<4, with: [protocolVersion, 0, 0]) }
            return datagram
        }
    }

    @Test func flippedBits() throws {
        let (bench, genuine) = try victim(Seeds.fresh())
        let random = bench.random
        attack(bench) { _ in
            var datagram = genuine[Int(random.next(below: UInt32(genuine.count)))]
            if random.chance(permille: 200) { datagram = Array(datagram.prefix(random.length(upTo: datagram.count))) }
            let flipped = random.flipped(datagram)
            return genuine.contains(flipped) ? nil : flipped
        }
        // And after all that, the box still works.
        bench.run(for: .seconds(20))
        bench.send([7], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[7]], bench.comment)
    }

    /// Calls whose MACs are right and whose rest is chance: the deepest that a stranger gets without a handshake.
    @Test func randomCallsWithRightMACs() throws {
        let (bench, _) = try victim(Seeds.fresh())
        let keys = AddressKeys(bench.address(1))
        var answered = 0
        for step in 0..<3000 {
            var call: [UInt8] = [DatagramKind.initiation.rawValue, protocolVersion]
            call += bench.random.bytes(6)
            call.appendLittle(keys.hint)
            call += bench.random.bytes(InitiationLayout.mac1 - InitiationLayout.ephemeral)
            call += call.withUnsafeBytes { keys.mac1($0) } + bench.random.bytes(16)
            bench.give(call, to: 1, from: bench.elsewhere(UInt16(step)))
            for posted in bench.take(1) {
                answered += 1
                #expect(posted.bytes.count <= call.count)
            }
            bench.now = bench.now + .milliseconds(20)
            guard isBounded(bench.boxes[1]) else {
                Issue.record("step \(step): memory grows, \(bench.comment)")
                return
            }
        }
        #expect(answered > 1000)
        #expect(bench.boxes[1].allSessions.count <= 2, bench.comment)
    }
}
