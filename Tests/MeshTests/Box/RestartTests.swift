import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box that comes back without memory, and the hints that tell of it.
@Suite struct RestartTests {
    /// Sends every 20 ms until something arrives after `since`.
    private func silence(_ simulation: Simulation, from a: Int, to b: Int, limit: Interval) -> Interval {
        simulation.clearReceived()
        let start = simulation.now
        while simulation.now - start < limit, simulation.received(b).isEmpty {
            simulation.send([1], from: a, to: simulation.address(b))
            simulation.run(for: .milliseconds(20))
        }
        return simulation.now - start
    }

    @Test(arguments: Seeds.several(5)) func backWithinASecond(seed: UInt64) throws {
        let simulation = try Simulation.chain(2, seed: seed)
        _ = simulation.exchange([1], from: 0, to: 1)
        for (place, down) in [Interval.zero, .milliseconds(700), .seconds(20)].enumerated() {
            simulation.killNode(1)
            simulation.run(for: down)
            simulation.startNode(1)
            let there = silence(simulation, from: 0, to: 1, limit: .seconds(10))
            #expect(there < .seconds(1), "time \(place): \(there.inSeconds) s, seed \(seed)")
            let back = silence(simulation, from: 1, to: 0, limit: .seconds(10))
            #expect(back < .seconds(1), "time \(place): \(back.inSeconds) s back, seed \(seed)")
            simulation.run(for: .seconds(3))
        }
    }

    /// The box that comes back has no keys of anybody: only the hint tells the other that its keys are gone.
    @Test func backByTheHintAlone() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(3))
        bench.send([1], from: 0, to: 1)
        bench.exchange()
        try #require(bench.delivered.count == 1)
        bench.restart(1)
        // It knows where the other may be, and has not called yet when it is spoken to.
        bench.introduce(1, to: 0)
        _ = bench.take(1)
        bench.send([2], from: 0, to: 1)
        bench.exchange { $0.from == 0 || $0.kind != .initiation }
        #expect(bench.isEstablished(1, 0), bench.comment)
        bench.run(for: .milliseconds(100))
        bench.send([3], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.map(\.message) == [[1], [3]], bench.comment)
    }

    /// A box that has lost its keys and knows no endpoint of who speaks to it gives no hint. Who speaks finds out by the
    /// silence.
    @Test(arguments: Seeds.several(3)) func backWithoutAHint(seed: UInt64) throws {
        let bench = Bench(seed: seed)
        bench.introduce(0, to: 1)
        bench.boxes[1].setPeer(PeerSettings(address: bench.address(0), endpoints: []), now: bench.now)
        bench.run(for: .seconds(3))
        try #require(bench.isLinked(0, 1), bench.comment)
        bench.restart(1)
        bench.boxes[1].setPeer(PeerSettings(address: bench.address(0), endpoints: []), now: bench.now)
        bench.delivered.removeAll()
        let start = bench.now
        while bench.delivered.isEmpty, bench.now - start < .seconds(20) {
            bench.send([1], from: 0, to: 1)
            bench.run(for: .milliseconds(20)) { posted in
                #expect(posted.kind != .unknownIndex, bench.comment)
                return true
            }
        }
        let pause = bench.now - start
        #expect(pause < .seconds(2), "\(pause.inSeconds) s, \(bench.comment)")
    }

    @Test func backThroughARelay() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(3, seed: seed)
        _ = simulation.exchange([1], from: 0, to: 2)
        simulation.killNode(2)
        simulation.startNode(2)
        // Its link must come back first.
        let there = silence(simulation, from: 0, to: 2, limit: .seconds(10))
        #expect(there < .seconds(2), "\(there.inSeconds) s, seed \(seed)")
    }

    @Test func forgedHintsDoNothing() throws {
        let bench = Bench()
        try bench.join(0, 1)
        bench.run(for: .seconds(1))
        for place in 0..<50 { bench.send([UInt8(place)], from: 0, to: 1) }
        bench.exchange()
        let keys = try #require(bench.session(0, 1)?.current)
        func hint(_ index: UInt32, _ counter: UInt64) -> [UInt8] {
            var out: [UInt8] = [DatagramKind.unknownIndex.rawValue, 0, 0, 0]
            out.appendLittle(index)
            out.appendLittle(counter)
            return out
        }
        let genuine = hint(keys.remoteIndex, keys.nextCounter - 1)
        var forgeries: [([UInt8], Endpoint)] = [
            (genuine, bench.elsewhere(1)),
            (hint(keys.remoteIndex, keys.nextCounter), bench.endpoint(1)),
            (hint(keys.remoteIndex, .max), bench.endpoint(1)),
            (hint(keys.remoteIndex ^ 1, 0), bench.endpoint(1)),
            (hint(keys.localIndex, 0), bench.endpoint(1)),
        ]
        for count in 0..<genuine.count { forgeries.append((Array(genuine[..<count]), bench.endpoint(1))) }
        forgeries.append((genuine + [0], bench.endpoint(1)))
        for (bytes, source) in forgeries {
            bench.now = bench.now + .milliseconds(30)
            let counted = bench.boxes[0].drops.total
            bench.give(bytes, to: 0, from: source)
            #expect(bench.boxes[0].drops.total == counted + 1)
            #expect(bench.take(0).isEmpty && bench.session(0, 1)?.keys.direct == nil, bench.comment)
        }
        // One that could be true starts one handshake, and takes nothing away.
        for _ in 0..<30 { bench.give(genuine, to: 0, from: bench.endpoint(1)) }
        let sent = bench.take(0)
        #expect(sent.count == 1 && sent.first?.kind == .initiation, bench.comment)
        #expect(bench.session(0, 1)?.current === keys)
        bench.send([99], from: 0, to: 1)
        bench.exchange()
        #expect(bench.delivered.last?.message == [99], bench.comment)
    }

    /// Each source gets a few, so that none takes another's; and all together get so many a second and no more.
    @Test func hintsAreShortAndFew() {
        let bench = Bench(1)
        // Whoever may be a configured peer.
        let endpoints = (0..<3000).flatMap { [bench.neighbour($0), bench.elsewhere($0)] }
        let peer = PrivateKey(generatedFrom: bench.random).address
        _ = bench.boxes[0].links.setPeer(PeerSettings(address: peer, endpoints: endpoints))
        func junk(_ count: UInt16, from source: (UInt16) -> Endpoint) -> [Bench.Posted] {
            for number in 0..<count {
                var datagram = bench.random.bytes(TransportLayout.minimum + Int(bench.random.next(below: 100)))
                datagram[0] = DatagramKind.transport.rawValue
                bench.give(datagram, to: 0, from: source(number))
            }
            return bench.take(0)
        }
        let burst = MeshLimits().hintsForSource.burst
        let one = junk(1000) { bench.neighbour($0) }
        #expect(one.count == burst, bench.comment)
        #expect(one.allSatisfy { $0.kind == .unknownIndex && $0.bytes.count == HintLayout.count })
        #expect(!junk(1) { _ in bench.elsewhere(1) }.isEmpty, "another source is still answered, \(bench.comment)")
        #expect(bench.boxes[0].drops[.unknownIndex] == 1001)
        bench.now = bench.now + .seconds(1)
        #expect(junk(1000) { bench.neighbour($0) }.count <= burst + 1, bench.comment)
        bench.now = bench.now + .seconds(10)
        #expect(junk(3000) { bench.elsewhere($0) }.count <= 500, bench.comment)
    }

    /// Who looks for boxes finds none: junk of any form gets an answer at the endpoints of peers alone, configured ones and such
    /// that proved who they are.
    @Test func scannersGetSilence() throws {
        let bench = Bench(3)
        func junk(from source: Endpoint) -> Int {
            for first in 0...255 as ClosedRange<UInt8> {
                for count in [1, 16, 33, 64, 160, 192, 1400] {
                    var datagram = bench.random.bytes(count)
                    datagram[0] = first
                    bench.give(datagram, to: 0, from: source)
                }
            }
            return bench.take(0).count
        }
        _ = bench.take(0)
        #expect(junk(from: bench.elsewhere(7)) == 0, bench.comment)
        // A configured peer, before it ever called.
        bench.introduce(0, to: 1)
        _ = bench.take(0)
        #expect(junk(from: bench.endpoint(1)) > 0, bench.comment)
        #expect(junk(from: bench.elsewhere(7)) == 0, bench.comment)
        // Where the configuration says that somebody may be.
        bench.boxes[0].expect(bench.elsewhere(8).address)
        #expect(junk(from: bench.elsewhere(8)) > 0, bench.comment)
        bench.now = bench.now + .seconds(10)
        // One that proved its identity from where nobody expected it.
        #expect(junk(from: bench.endpoint(2)) == 0, bench.comment)
        bench.now = bench.now + .seconds(10)
        bench.introduce(2, to: 0)
        bench.run(for: .seconds(2))
        try #require(bench.isEstablished(0, 2), bench.comment)
        _ = bench.take(0)
        #expect(junk(from: bench.endpoint(2)) > 0, bench.comment)
    }

    @Test func theMemoryOfAddressesIsBounded() {
        var memory = AddressMemory()
        let all = (0..<UInt64(AddressMemory.capacity) + 10).map { IPv6Address(high: 1, low: $0) }
        for address in all + all { memory.note(address) }
        #expect(all.count(where: memory.contains) == AddressMemory.capacity)
        #expect(memory.contains(all[all.count - 1]) && !memory.contains(IPv6Address(high: 2, low: 0)))
    }
}
