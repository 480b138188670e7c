import Glibc
import System
import TestSupport
import Testing
import Wire

@testable import Transport

/// Many sockets as one: each opens a port of its own on the way, and the one that something came by answers.
@Suite struct SprayPortTests {
    private func send(_ bytes: [UInt8], by port: SprayPort, _ path: Path) throws -> SendOutcome {
        try bytes.withUnsafeBytes { bytes in
            var record = OutgoingDatagram(bytes: bytes, path: path)
            return try withUnsafeMutablePointer(to: &record) { record in
                let progress = try port.send(UnsafeMutableBufferPointer(start: record, count: 1))
                #expect(progress.done == 1 && !progress.isBlocked)
                return record.pointee.outcome
            }
        }
    }

    @Test func eachSendsOneAndTheLastHeardAnswers() throws {
        try NetworkNamespace.run {
            let far = try UDPSocket.on("127.0.0.1:0")
            let target = Endpoint(address: try "127.0.0.1".address, port: far.local.port)
            let sockets = try (0..<20).map { _ in try UDPSocket.on("0.0.0.0:0", number: 7) }
            let port = try SprayPort(sockets, number: 7)
            let fresh = Path(remote: target, socket: Path.spraySocket)
            let usual = Path(remote: target, socket: 7)
            #expect(try send([1], by: port, usual) == .unreachable, "nothing came by any of them")
            for number in 0..<20 as Range<UInt8> { #expect(try send([number], by: port, fresh) == .sent) }
            #expect(try send([99], by: port, fresh) == .unreachable, "there are no more")
            let got = try far.collect(20)
            try #require(got.count == 20)
            #expect(Set(got.map(\.path.remote.port)).count == 20)
            #expect(port.winner == nil && port.counters.sent == 20 && port.counters.unreachable == 2)

            // Another poller sees that something waits at one of them.
            let poller = try Poller()
            try poller.add(port.descriptor, token: 5, interest: .readable)
            #expect(try poller.wait(until: .distantPast, now: .distantPast) == 0)
            for place in [13, 4] {
                let batch = DatagramBatch()
                let back = Path(remote: Endpoint(address: target.address, port: sockets[place].local.port))
                #expect(try far.sendOne([50], back) == .sent)
                #expect(try poller.wait(until: nil, now: .distantPast) == 1)
                #expect(try port.receive(into: batch) == 1 && batch[0].path.socket == 7)
                #expect(port.winner as? UDPSocket === sockets[place])
                #expect(try port.receive(into: batch) == 0 && batch.count == 0)
                #expect(try send([60], by: port, usual) == .sent)
                #expect(try far.collect(1).first?.path.remote.port == sockets[place].local.port)
            }
        }
    }

    /// What waits at several of them is all taken.
    @Test func nothingIsLeftBehind() throws {
        try NetworkNamespace.run {
            let far = try UDPSocket.on("127.0.0.1:0")
            let sockets = try (0..<100).map { _ in try UDPSocket.on("127.0.0.1:0", number: 7) }
            let port = try SprayPort(sockets, number: 7)
            for socket in sockets {
                let path = Path(remote: Endpoint(address: try "127.0.0.1".address, port: socket.local.port))
                #expect(try far.sendOne([1], path) == .sent)
            }
            let batch = DatagramBatch()
            var got = 0
            while true {
                let count = try port.receive(into: batch)
                if count == 0 { break }
                got += count
            }
            #expect(got == 100)
            #expect(!port.reaches(far.local), "nothing chooses it by itself")
        }
    }
}
