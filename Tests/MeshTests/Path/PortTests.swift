import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Ports that are no UDP sockets: what the mesh spares itself, and what it does not.
@Suite struct PortTests {
    /// What shakes hands before it carries anything, over something that carries so many bytes.
    private static let connections = PortTraits(
        sizes: .fixed(2000), overhead: (3, 5), provesWayBack: true, hasConnections: true)

    private static func bench(_ traits: [PortTraits]) throws -> Bench {
        let bench = Bench()
        for box in bench.boxes { box.setPorts(traits, now: bench.now) }
        try bench.join(0, 1)
        return bench
    }

    private let four = Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0201), port: 1)
    private let six = Endpoint(address: IPv6Address(high: 1, low: 1), port: 1)

    @Test func aNumberStandsForAPort() {
        let ports = PortTable([.udp, Self.connections])
        #expect(ports[Path(remote: six, socket: 1)] == Self.connections && ports[Path(remote: six)] == .udp)
        // One that nobody has, and one that is not chosen yet.
        #expect(ports[Path(remote: six, socket: 2)] == .udp && ports[Path(remote: six, socket: Path.anySocket)] == .udp)
        #expect(ports.overhead(of: Path(remote: four)) == 28 && ports.overhead(of: Path(remote: six)) == 48)
        #expect(ports.overhead(of: Path(remote: four, socket: 1)) == 3)
        #expect(ports.overhead(of: Path(remote: six, socket: 1)) == 5)
        let paths = [0, 1, 2].map { Path(remote: six, socket: $0) }
        #expect(ports.areOne(paths[0], paths[2]) && ports.areOne(paths[1], paths[1]))
        #expect(!ports.areOne(paths[0], paths[1]) && !ports.areOne(paths[1], paths[2]))
        #expect(ports.haveOneSize(paths[0], paths[2]) && !ports.haveOneSize(paths[0], paths[1]))
    }

    @Test func aSizeThatIsSaidIsUsedAndNotProbed() throws {
        let bench = try Self.bench([Self.connections])
        let session = try #require(bench.session(0, 1))
        #expect(bench.boxes[0].messageCapacity(to: bench.address(1), from: .main) == 2000 - 33)
        #expect(session.size.isSettled && session.size.nextProbe == .distantFuture)
        var largest = 0
        bench.run(for: .seconds(700)) { posted in
            largest = max(largest, posted.bytes.count)
            return true
        }
        #expect(bench.isLinked(0, 1) && largest < 296, "\(bench.comment)")
        bench.send([UInt8](repeating: 1, count: 2000 - 33), from: 0, to: 1)
        #expect(bench.take(0).map(\.bytes.count) == [2000])
        // What is said stays, whatever becomes of one datagram.
        let path = try #require(session.direct?.path)
        bench.boxes[0].refused(
            SendRefusal(.tooLarge, largest: 1000, datagrams: 1, bytes: 1000), for: path, now: bench.now)
        bench.run(for: .seconds(1))
        #expect(bench.boxes[0].messageCapacity(to: bench.address(1), from: .main) == 2000 - 33)
    }

    @Test func aSizeThatNobodySaysIsProbed() throws {
        let bench = try Self.bench([.udp])
        var largest = 0
        bench.run(for: .seconds(130)) { posted in
            largest = max(largest, posted.bytes.count)
            return true
        }
        #expect(largest > 1400, "\(bench.comment)")
    }

    /// Where a datagram came from somewhere, it arrives there: no challenge, and nothing is held back.
    @Test func whatComesFromElsewhereProvesTheWayThere() throws {
        for (traits, isProven) in [(Self.connections, true), (.udp, false)] {
            let bench = try Self.bench([traits])
            _ = bench.boxes[1].takeEvents()
            let new = bench.elsewhere(7)
            bench.send([1], from: 0, to: 1)
            for posted in bench.take(0) { bench.give(posted.bytes, to: 1, from: new) }
            let session = try #require(bench.session(1, 0))
            #expect(session.direct?.path.remote == new && session.direct?.validated == isProven, bench.comment)
            let isTold = bench.boxes[1].takeEvents().contains { if case .moved(_, new) = $0 { true } else { false } }
            #expect(isTold == isProven && session.directAlive)
            bench.tick()
            for _ in 0..<20 { bench.send([UInt8](repeating: 2, count: 1000), from: 1, to: 0) }
            let there = bench.take(1).filter { $0.path.remote == new }.map(\.bytes.count).reduce(0, +)
            #expect(isProven ? there > 20_000 : there < 1000, bench.comment)
        }
    }

    /// An older datagram that comes late by the connection before does not lead back.
    @Test func theSameEndpointByAnotherConnectionIsAnotherWay() throws {
        let bench = try Self.bench([.udp, Self.connections])
        let session = try #require(bench.session(1, 0))
        let before = try #require(session.direct?.path)
        var after = before
        after.socket = 1
        #expect(session.isOwn(before) && !session.isOwn(after))
        bench.send([1], from: 0, to: 1)
        bench.send([2], from: 0, to: 1)
        let posted = bench.take(0)
        try #require(posted.count == 2)
        for (datagram, path) in zip(posted.reversed(), [after, before]) {
            var copy = datagram.bytes
            copy.withUnsafeMutableBytes { _ = bench.boxes[1].receive($0, from: path, now: bench.now) }
        }
        #expect(session.direct?.path == after && session.direct?.validated == true)
        // What the socket's path carried says nothing about the connection, whose size is said.
        #expect(bench.boxes[1].messageCapacity(to: bench.address(0), from: .main) == 2000 - 33)
    }

    @Test func aClosedWayIsDeadAtOnceAndAnOpenedOneIsCalled() throws {
        let bench = try Self.bench([Self.connections])
        let session = try #require(bench.session(0, 1))
        let path = try #require(session.direct?.path)
        var other = path
        other.socket = 3
        bench.boxes[0].pathClosed(other, now: bench.now)
        #expect(bench.isLinked(0, 1), "that was another one's")
        bench.boxes[0].pathClosed(path, now: bench.now)
        #expect(session.link.neighbour == nil && !session.directAlive && session.direct == nil)
        #expect(bench.boxes[0].takeEvents().contains { if case .linkDown = $0 { true } else { false } })
        // Nothing goes there but calls, which find out by themselves whether there is a way again.
        bench.run(for: .seconds(20)) { _ in false }
        #expect(bench.boxes[0].stuckDeadlines == 0)
        let late = try #require(session.keys.direct).nextSend
        #expect(late > bench.now)
        bench.boxes[0].pathOpened(path, now: bench.now)
        bench.tick()
        #expect(!bench.take(0).isEmpty, "it calls at once")
        bench.run(for: .seconds(30))
        #expect(bench.isLinked(0, 1) && session.direct?.path.remote == path.remote, bench.comment)
    }

    /// The portal takes its size from links: where one comes up after its size was found, that is news once more.
    @Test func whatIsKnownBeforeTheLinkIsToldWithIt() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(2))
        for _ in 0..<50 {
            bench.send([1], from: 0, to: 1)
            bench.run(for: .milliseconds(100))
        }
        let session = try #require(bench.session(0, 1))
        try #require(session.size.isSettled && !bench.isLinked(0, 1), bench.comment)
        #expect(bench.boxes[0].largestPacket == nil)
        _ = bench.boxes[0].takeEvents()
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(1))
        try #require(bench.isLinked(0, 1) && bench.boxes[0].largestPacket != nil, bench.comment)
        let isTold = bench.boxes[0].takeEvents().contains { if case .sized = $0 { true } else { false } }
        #expect(isTold, bench.comment)
    }

    @Test func aPathThatTurnsToAnotherKindOfPortIsMeasuredAnew() {
        let now = Instant(nanoseconds: 1_000_000_000)
        var path = SessionPath()
        path.setPorts(PortTable([.udp, Self.connections]))
        path.turn(to: Path(remote: six), isProven: true, bytes: 100, challenge: 1, now: now)
        _ = path.answers(now, MeshLimits(), isLink: true)
        #expect(path.size.confirmed == PathSize.base && !path.size.isSettled && !path.isProvenByArrival)
        // Not proven by the handshake, and proven by what carried it.
        path.turn(to: Path(remote: six, socket: 1), isProven: false, bytes: 100, challenge: 1, now: now)
        #expect(path.isProven && path.isProvenByArrival && path.size.isSettled && path.size.confirmed == 2005)
        path.turn(to: Path(remote: four, socket: 0), isProven: true, bytes: 100, challenge: 1, now: now)
        #expect(path.size.confirmed == PathSize.base && !path.size.isSettled)
        path.closed()
        #expect(!path.isInUse && !path.isProven && path.nextQuestion == nil && path.route(100) == nil)
    }
}
