import System
import TestSupport
import Testing
import Transport
import Wire

@testable import DataPlane
@testable import Mesh

/// What stands between an outbox and a port.
@Suite struct PortLineTests {
    private static let now = Instant(nanoseconds: 1_000_000_000)

    private static func path(_ number: UInt64, socket: UInt16 = 0) -> Path {
        Path(remote: Endpoint(address: IPv6Address(high: 1, low: number), port: 1), socket: socket)
    }

    /// So many datagrams, each to an endpoint of its own, so that none are joined.
    private static func outbox(_ numbers: Range<Int>) -> Outbox {
        let outbox = Outbox(bytes: 1 << 20, datagrams: 4096)
        for number in numbers {
            let isIn = outbox.append(numbered(number), path(UInt64(number)))
            #expect(isIn)
        }
        return outbox
    }

    private static func numbered(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    private func send(_ line: PortLine, _ outbox: Outbox, _ reports: Reports, chosen: Int? = nil) throws {
        try line.send(outbox, place: 0, chosen: { _ in chosen }, box: reports, now: Self.now)
    }

    @Test func aBurstCrossesThePortOnce() throws {
        let port = CountingPort(CapturingPort())
        let line = PortLine(port, configured: port.facts.bound)
        try send(line, Self.outbox(0..<500), Reports())
        #expect(port.sends == 1 && port.port.sent.map(\.bytes) == (0..<500).map(Self.numbered))
        try send(line, Self.outbox(500..<1100), Reports())
        #expect(port.sends == 3 && port.port.sent.count == 1100, "512 records cross at once")
        #expect(!line.isBlocked && line.dropped == 0)
    }

    /// Those of other ports, and those that are for whoever is chosen.
    @Test func onlyItsOwnLeaveByIt() throws {
        let port = CapturingPort()
        let line = PortLine(port, configured: port.facts.bound)
        let outbox = Outbox(bytes: 1 << 10, datagrams: 8)
        for socket in [0, 1, Path.anySocket] as [UInt16] {
            #expect(outbox.append([UInt8(socket & 255)], Self.path(1, socket: socket)))
        }
        try send(line, outbox, Reports())
        #expect(port.sent.map(\.bytes) == [[0]])
        try line.send(
            outbox, place: 0, chosen: { $0.socket == Path.anySocket ? 0 : nil }, box: Reports(), now: Self.now)
        #expect(port.sent.map(\.bytes) == [[0], [0], [255]])
    }

    @Test func whatFindsNoRoomWaitsInOrderAndIsBounded() throws {
        let port = CapturingPort()
        let line = PortLine(port, configured: port.facts.bound)
        port.room = 100
        try send(line, Self.outbox(0..<300), Reports())
        #expect(line.isBlocked && port.sent.count == 100 && line.dropped == 0)
        // What comes later waits behind it, however much room there is by then.
        port.room = .max
        try send(line, Self.outbox(300..<400), Reports())
        #expect(port.sent.count == 100)
        try line.resume(box: Reports(), now: Self.now)
        #expect(!line.isBlocked && port.sent.map(\.bytes) == (0..<400).map(Self.numbered))
        // More than may wait is lost, and counted.
        port.room = 0
        try send(line, Self.outbox(0..<2000), Reports())
        #expect(line.isBlocked && line.dropped == 2000 - 1024)
        #expect(port.sent.count == 400)
    }

    /// A port of connections says by an event what a socket says by its descriptor.
    @Test func eventsAreHeeded() throws {
        let port = CapturingPort(
            traits: PortTraits(sizes: .fixed(100), overhead: (0, 0), provesWayBack: true, hasConnections: true))
        let line = PortLine(port, configured: port.facts.bound)
        #expect(line.hasConnections && !PortLine(CapturingPort(), configured: port.facts.bound).hasConnections)
        port.room = 0
        let reports = Reports()
        try send(line, Self.outbox(0..<3), reports)
        port.room = .max
        port.events = [.opened(Self.path(7)), .room, .closed(Self.path(8))]
        try line.heedEvents(reports, now: Self.now)
        #expect(port.sent.count == 3 && reports.opened == [Self.path(7)] && reports.closed == [Self.path(8)])
        try line.heedEvents(reports, now: Self.now)
        #expect(reports.opened.count == 1 && port.sent.count == 3)
    }

    @Test func whatIsSaidOfADatagramReachesTheMesh() throws {
        let outcomes: [(Transport.SendOutcome, SendRefusal.Reason)] = [
            (.tooBig, .tooLarge), (.unreachable, .unreachable), (.denied, .denied), (.failed, .failed),
            (.sentFromOtherAddress, .sourceGone),
        ]
        let port = FaultyPort(CapturingPort()) { $0 % 2 == 1 ? .lost(outcomes[$0 / 2].0) : nil }
        let line = PortLine(port, configured: port.facts.bound)
        let reports = Reports()
        try send(line, Self.outbox(0..<10), reports)
        #expect(reports.refused.map(\.refusal.reason) == outcomes.map(\.1))
        #expect(reports.refused.map(\.path) == [1, 3, 5, 7, 9].map { Self.path($0) })
        #expect(reports.refused.allSatisfy { $0.refusal.largest == 2 } && port.port.sent.count == 5)
    }

    /// It is asked once and fails; the loop that drives it ends by that.
    @Test func aBrokenPortIsNotTriedAgainAndAgain() throws {
        let error = TransportError("send on", "a port", code: 9)
        let port = CountingPort(FaultyPort(CapturingPort()) { $0 == 3 ? .broken(error) : nil })
        let line = PortLine(port, configured: port.facts.bound)
        #expect(throws: error) { try send(line, Self.outbox(0..<600), Reports()) }
        #expect(port.sends == 1 && port.port.port.sent.count == 3)
    }
}

/// Keeps what a line says.
private final class Reports: PathReports {
    private(set) var refused: [(refusal: SendRefusal, path: Path)] = []
    private(set) var opened: [Path] = []
    private(set) var closed: [Path] = []

    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) { refused.append((refusal, path)) }
    func opened(_ path: Path, now: Instant) { opened.append(path) }
    func closed(_ path: Path, now: Instant) { closed.append(path) }
}
