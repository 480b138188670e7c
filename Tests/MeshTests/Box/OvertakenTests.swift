import MeshSim
import Testing
import Wire

@testable import Mesh

/// Data that arrives before the message 3 of its handshake.
@Suite struct OvertakenTests {
    /// A handshake from 0 to 1 up to where message 3 and data lie on the wire.
    private func begun(_ messages: [[UInt8]]) throws -> (Bench, [Bench.Posted]) {
        let bench = Bench()
        bench.introduce(0, to: 1)
        for message in messages { bench.send(message, from: 0, to: 1) }
        for posted in bench.take(0) { bench.deliver(posted) }
        for posted in bench.take(1) where posted.kind == .response { bench.deliver(posted) }
        for message in messages.dropFirst() { bench.send(message, from: 0, to: 1) }
        return (bench, bench.take(0))
    }

    @Test func arrivesOnceMessageThreeDoes() throws {
        let (bench, posted) = try begun([[1], [2]])
        for datagram in posted where datagram.kind == .transport { bench.deliver(datagram) }
        #expect(bench.delivered.isEmpty, bench.comment)
        for datagram in posted where datagram.kind == .finish { bench.deliver(datagram) }
        #expect(bench.delivered.map(\.message).prefix(2) == [[1], [2]], bench.comment)
        #expect(bench.boxes[1].drops.total == 0, bench.comment)
        // The same datagrams again are replays.
        let count = bench.delivered.count
        for datagram in posted where datagram.kind == .transport { bench.deliver(datagram) }
        #expect(bench.delivered.count == count && bench.boxes[1].drops[.replayed] > 0, bench.comment)
    }

    /// What was marked on its way stays marked, whatever came since.
    @Test func keepsTheMarkOfItsPacket() throws {
        let (bench, posted) = try begun([[1], [2]])
        let box = bench.boxes[1]
        func give(_ kind: DatagramKind, _ trafficClass: UInt8) {
            for datagram in posted where datagram.kind == kind {
                var copy = datagram.bytes
                copy.withUnsafeMutableBytes {
                    _ = box.receive(
                        $0, from: bench.path(to: bench.endpoint(0)), trafficClass: trafficClass, now: bench.now)
                }
            }
        }
        give(.transport, 3)
        give(.finish, 0)
        var marks: [UInt8] = []
        while box.hasOvertaken, let found = box.nextOvertaken(now: bench.now) { marks.append(found.ecn) }
        #expect(marks.count >= 2 && marks.allSatisfy { $0 == 3 }, "\(marks), \(bench.comment)")
    }

    @Test func onlyAFewAreHeldAndRubbishAmongThemIsHarmless() throws {
        let (bench, posted) = try begun([[1]])
        let data = try #require(posted.first { $0.kind == .transport })
        for round in 0..<1000 {
            var forged = data.bytes
            forged[forged.count - 1] ^= UInt8(truncatingIfNeeded: round % 255 + 1)
            bench.give(forged, to: 1, from: bench.elsewhere(UInt16(round)))
        }
        let held = Overtaken.perHandshake
        #expect(bench.boxes[1].answering.overtaken.count == held)
        #expect(bench.boxes[1].drops[.transportBeforeFinish] == 1000 - UInt64(held))
        for datagram in posted where datagram.kind == .finish { bench.deliver(datagram) }
        #expect(
            bench.boxes[1].drops[.forged] == UInt64(held) && bench.boxes[1].answering.overtaken.isEmpty, bench.comment)
        bench.deliver(data)
        #expect(bench.delivered.map(\.message) == [[1]], bench.comment)
        #expect(bench.session(1, 0)?.direct?.path.remote == bench.endpoint(0), bench.comment)
    }

    @Test func forgottenWithItsHandshake() throws {
        let (bench, posted) = try begun([[1]])
        for datagram in posted where datagram.kind == .transport { bench.deliver(datagram) }
        #expect(bench.boxes[1].answering.overtaken.count == 1, bench.comment)
        bench.run(for: .seconds(40), { _ in false })
        #expect(
            bench.boxes[1].answering.overtaken.isEmpty && bench.boxes[1].drops[.transportBeforeFinish] == 1,
            bench.comment)
    }
}
