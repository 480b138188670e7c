import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A peer that a router keeps away from one source port, and not from another.
@Suite struct SparePortTests {
    /// The number that the driver gave its spare port.
    private static let spare: UInt16 = 5
    private let bench = Bench()
    /// What the spare port's datagrams seem to come from.
    private var outside: Endpoint { bench.elsewhere(1) }

    init() {
        bench.introduce(0, to: 1)
        bench.boxes[1].setPeer(PeerSettings(address: bench.address(0), endpoints: []), now: bench.now)
    }

    /// Carries what leaves the first box by its spare port, and what comes back that way; all else is lost.
    private func carry(_ posted: Bench.Posted) {
        if posted.from == 0, posted.path.socket == Path.spareSocket || posted.path.socket == Self.spare {
            bench.give(posted.bytes, to: 1, from: outside)
        } else if posted.from == 1, posted.path.remote == outside {
            var copy = posted.bytes
            copy.withUnsafeMutableBytes {
                let path = Path(remote: bench.endpoint(1), interface: 1, socket: Self.spare)
                _ = bench.boxes[0].receive($0, from: path, now: bench.now)
            }
        }
    }

    private func run(for span: Interval) -> [Bench.Posted] {
        var all: [Bench.Posted] = []
        bench.run(for: span) { posted in
            all.append(posted)
            carry(posted)
            return false
        }
        return all
    }

    private func isFruitless() -> Bool {
        bench.boxes[0].takeEvents().contains { if case .fruitless(bench.address(1)) = $0 { true } else { false } }
    }

    @Test func fruitlessCallsAreSaidAfterAWhile() {
        #expect(run(for: .milliseconds(1700)).allSatisfy { $0.path.socket == Path.anySocket })
        #expect(!isFruitless(), "\(bench.comment)")
        #expect(run(for: .seconds(4)).allSatisfy { $0.path.socket == Path.anySocket })
        #expect(isFruitless(), "\(bench.comment)")
    }

    @Test func theSessionStaysOnThePortThatWasAnswered() throws {
        _ = run(for: .seconds(6))
        #expect(isFruitless())
        bench.boxes[0].setCallsBySpare(true)
        // At once, and not when the next call is due.
        let posted = bench.take(0)
        #expect(posted.map(\.path.socket) == [Path.spareSocket] && posted.map(\.path.remote) == [bench.endpoint(1)])
        for datagram in posted { carry(datagram) }
        _ = run(for: .seconds(1))
        let session = try #require(bench.session(0, 1))
        #expect(session.usesDirectPath && session.direct?.path.socket == Self.spare, "\(bench.comment)")
        #expect(bench.boxes[0].usesPort(Self.spare) && !bench.boxes[0].usesPort(0))
        // Whatever it has to say now goes by that port.
        bench.boxes[0].setCallsBySpare(false)
        #expect(run(for: .seconds(60)).filter { $0.from == 0 }.allSatisfy { $0.path.socket == Self.spare })
        #expect(bench.isLinked(0, 1) && !isFruitless(), "\(bench.comment)")
    }

    /// Calls by the spare are those of the other port once more, and there are none without it.
    @Test func nothingGoesByASpareThatIsNotTried() {
        _ = run(for: .seconds(6))
        bench.boxes[0].setCallsBySpare(true)
        bench.boxes[0].setCallsBySpare(false)
        _ = bench.take(0)
        var sockets: [UInt16] = []
        bench.run(for: .seconds(10)) { posted in
            if posted.from == 0 { sockets.append(posted.path.socket) }
            return false
        }
        #expect(!sockets.isEmpty && sockets.allSatisfy { $0 == Path.anySocket }, "\(bench.comment)")
    }

    /// The kernel explains the silence: another port would not change it.
    @Test func whatTheKernelRefusesIsNotFruitless() {
        let path = Path(remote: bench.endpoint(1), socket: Path.anySocket)
        bench.run(for: .seconds(20)) { posted in
            if posted.from == 0 {
                bench.boxes[0].refused(
                    SendRefusal(.unreachable, largest: posted.bytes.count, datagrams: 1, bytes: posted.bytes.count),
                    for: path, now: bench.now)
            }
            return false
        }
        #expect(!isFruitless(), "\(bench.comment)")
    }
}
