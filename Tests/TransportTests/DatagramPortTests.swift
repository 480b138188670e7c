import Glibc
import System
import TestSupport
import Testing
import Wire

@testable import Transport

/// What drives a port, without a kernel.
@Suite struct DatagramPortTests {
    private static let path = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 2), port: 3))

    /// A batch with so many datagrams of two bytes, numbered.
    private func batch(_ count: Int) throws -> OutgoingBatch {
        let batch = OutgoingBatch(datagrams: 8, bytes: 64)
        for number in 0..<count {
            let room = try #require(batch.reserve(2))
            room.copyBytes(from: [UInt8(number), 7])
            batch.commit(2, to: Self.path, trafficClass: UInt8(number))
        }
        return batch
    }

    @Test func aBatchCrossesItOnce() throws {
        let port = CountingPort(CapturingPort())
        let batch = try batch(5)
        let (completed, progress) = try batch.flush(through: port)
        #expect(completed == 0..<5 && progress == SendProgress(done: 5) && batch.pending == 0)
        #expect(port.sends == 1 && port.port.sent.map(\.bytes) == (0..<5).map { [UInt8($0), 7] })
        #expect(port.port.sent.map(\.trafficClass) == [0, 1, 2, 3, 4] && port.counters.sentBytes == 10)
    }

    /// What a full port leaves stays in order, and goes when there is room.
    @Test func theRestWaitsForRoom() throws {
        let port = CapturingPort()
        port.room = 2
        let batch = try batch(5)
        var (completed, progress) = try batch.flush(through: port)
        #expect(completed == 0..<2 && progress.isBlocked && batch.pending == 3)
        (completed, progress) = try batch.flush(through: port)
        #expect(completed.isEmpty && progress.isBlocked && batch[2].outcome == .pending)
        port.room = .max
        (completed, progress) = try batch.flush(through: port)
        #expect(completed == 2..<5 && !progress.isBlocked && batch.pending == 0)
        #expect(port.sent.map(\.bytes) == (0..<5).map { [UInt8($0), 7] } && port.counters.blocked == 2)
    }

    @Test func aFaultCostsItsOwnDatagram() throws {
        let port = FaultyPort(CapturingPort()) { $0 == 1 ? .lost(.unreachable) : $0 == 3 ? .blocked : nil }
        let batch = try batch(5)
        let (completed, progress) = try batch.flush(through: port)
        #expect(completed == 0..<3 && progress.remarkable == 1 && progress.isBlocked)
        #expect(batch[1].outcome == .unreachable && batch[2].outcome == .sent)
        #expect(port.port.sent.map { $0.bytes[0] } == [0, 2])
        _ = try batch.flush(through: port)
        #expect(port.port.sent.map { $0.bytes[0] } == [0, 2, 3, 4] && batch.pending == 0)
    }

    /// A broken port says so at each call and does nothing: whoever drives it is not kept busy.
    @Test func aBrokenPortStaysBroken() throws {
        let error = TransportError("send on", "a port", code: EBADF)
        let port = CountingPort(FaultyPort(CapturingPort()) { $0 == 0 ? .broken(error) : nil })
        let batch = try batch(2)
        for _ in 0..<3 { #expect(throws: error) { try batch.flush(through: port) } }
        #expect(throws: error) { try port.receive(into: DatagramBatch()) }
        #expect(port.port.port.sent.isEmpty && batch.pending == 2 && port.sends == 3)
        #expect(batch.discard() == 2 && batch.pending == 0)
    }

    /// A run of datagrams in one record is as many datagrams at the other end.
    @Test func runsAreTakenApart() throws {
        let port = CapturingPort()
        let batch = OutgoingBatch(datagrams: 2, bytes: 64)
        let room = try #require(batch.reserve(7))
        room.copyBytes(from: 0..<7)
        batch.commit(7, to: Self.path, segment: 3)
        _ = try batch.flush(through: port)
        #expect(port.sent.map(\.bytes) == [[0, 1, 2], [3, 4, 5], [6]])
    }

    @Test func whatArrivesFillsTheSlots() throws {
        let port = CapturingPort()
        let batch = DatagramBatch(slotSize: 2048, slots: 2)
        port.arriving = [[1], [], [3, 3]].map { CapturingPort.Datagram($0, Self.path, trafficClass: 9) }
        #expect(try port.receive(into: batch) == 2 && batch.isFull)
        #expect([UInt8](batch[0].bytes) == [1] && batch[1].bytes.isEmpty && batch[0].trafficClass == 9)
        #expect(try port.receive(into: batch) == 1 && !batch.isFull && [UInt8](batch[0].bytes) == [3, 3])
        #expect(try port.receive(into: batch) == 0)
        let long = [UInt8](repeating: 0, count: 2049)
        #expect(!long.withUnsafeBytes { batch.put($0, path: Self.path) })
    }

    /// Whatever wraps a port says what that says.
    @Test func whatIsWrappedIsAskedThrough() {
        let port = CapturingPort(number: 5)
        port.events = [.opened(Self.path), .room, .closed(Self.path)]
        let outer = CountingPort(FaultyPort(port) { _ in nil })
        #expect(outer.number == 5 && outer.traits == port.traits && outer.facts == port.facts)
        #expect(outer.takeEvents() == [.opened(Self.path), .room, .closed(Self.path)] && outer.takeEvents().isEmpty)
    }

    @Test func aSocketIsAPort() throws {
        let four = try UDPSocket.on("127.0.0.1:0", number: 4)
        let port: any DatagramPort = four
        #expect(port.number == 4 && port.traits == .udp)
        #expect(port.reaches(four.local) && !port.reaches(Endpoint(address: IPv6Address(high: 1, low: 1), port: 1)))
        let all = try UDPSocket.on("[::]:0")
        #expect(all.reaches(four.local) && all.reaches(Endpoint(address: IPv6Address(high: 1, low: 1), port: 1)))
    }
}
