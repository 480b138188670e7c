import Glibc
import System
import TestSupport
import Testing
import Wire

@testable import Transport

@Suite struct UDPBurstTests {
    @Test func aBurstCrossesInOneCallEachWay() throws {
        try NetworkNamespace.run {
            let receiver = try UDPSocket.on("[::]:0")
            let sender = try UDPSocket.on("[::]:0")
            let out = OutgoingBatch(datagrams: 200, bytes: 1 << 18)
            let path = try receiver.path("::1")
            for index in 0..<150 {
                let room = try #require(out.reserve(1500))
                room.storeBytes(of: UInt16(index), as: UInt16.self)
                out.commit(2 + index * 7, to: path)
            }
            let (completed, progress) = try out.flush(through: sender)
            #expect(completed == 0..<150 && progress == SendProgress(done: 150))
            #expect(out.pending == 0)
            let batch = DatagramBatch()
            var next = 0
            for expected in [64, 64, 22, 0] {
                #expect(try receiver.receive(into: batch) == expected)
                for index in 0..<batch.count {
                    #expect(batch[index].bytes.loadUnaligned(as: UInt16.self) == next)
                    #expect(batch[index].bytes.count == 2 + next * 7)
                    next += 1
                }
            }
            #expect(receiver.counters.received == 150 && sender.counters.sent == 150)
            #expect(receiver.counters.receivedBytes == sender.counters.sentBytes)
        }
    }

    @Test func whatIsLongerThanASlotIsDroppedAndCounted() throws {
        try NetworkNamespace.run {
            let receiver = try UDPSocket.on("[::]:0")
            let sender = try UDPSocket.on("[::]:0")
            for size in [2047, 2048, 2049, 60000, 0, 1] {
                #expect(
                    try sender.sendOne([UInt8](repeating: 9, count: size), try receiver.path("127.0.0.1")) == .sent)
            }
            let batch = DatagramBatch(slotSize: 2048)
            #expect(try receiver.receive(into: batch) == 4)
            #expect((0..<batch.count).map { batch[$0].bytes.count } == [2047, 2048, 0, 1])
            #expect(receiver.counters.truncated == 2 && receiver.counters.received == 4)

            #expect(
                try sender.sendOne([UInt8](repeating: 7, count: 65507), try receiver.path("127.0.0.1")) == .sent)
            let large = DatagramBatch(slotSize: 1 << 16)
            #expect(try receiver.receive(into: large) == 1)
            #expect(large[0].bytes.count == 65507 && large[0].bytes.allSatisfy { $0 == 7 })
        }
    }

    /// Few slots where each is full, so that a burst stays in the cache; all of them where they hold little.
    @Test func aBurstIsMeasuredInBytes() throws {
        try NetworkNamespace.run {
            var options = UDPSocket.Options()
            options.bufferSize = 8 << 20
            let receiver = try UDPSocket(bind: try #require(Endpoint("[::1]:0")), options: options)
            let sender = try UDPSocket(bind: try #require(Endpoint("[::1]:0")), options: options)
            let path = try receiver.path("::1")
            let batch = DatagramBatch(slotSize: 1 << 16, burst: 512 << 10)
            for index in 0..<100 {
                #expect(try sender.sendOne([UInt8](repeating: UInt8(index), count: 1_000), path) == .sent)
            }
            var next: UInt8 = 0
            for (expected, isFull) in [(8, true), (64, true), (28, false)] {
                #expect(try receiver.receive(into: batch) == expected)
                #expect(batch.isFull == isFull)
                for index in 0..<batch.count {
                    let bytes = batch[index].bytes
                    #expect(bytes.count == 1_000 && bytes.allSatisfy { $0 == next })
                    next += 1
                }
            }
            for _ in 0..<20 {
                #expect(try sender.sendOne([UInt8](repeating: 5, count: 60_000), path) == .sent)
            }
            var counts: [Int] = []
            repeat { counts.append(try receiver.receive(into: batch)) } while counts.last != 0 && counts.count < 20
            #expect(counts == [20, 0])
            for _ in 0..<10 {
                #expect(try sender.sendOne([UInt8](repeating: 6, count: 60_000), path) == .sent)
            }
            #expect(try receiver.receive(into: batch) == 8)
            #expect(try receiver.receive(into: batch) == 2)
        }
    }

    @Test func aFullReceiveBufferIsCounted() throws {
        try NetworkNamespace.run {
            var options = UDPSocket.Options()
            options.bufferSize = 4096
            let receiver = try UDPSocket(bind: try #require(Endpoint("[::1]:0")), options: options)
            let sender = try UDPSocket.on("[::1]:0")
            for _ in 0..<50 { #expect(try sender.sendOne([1, 2, 3], try receiver.path("::1")) == .sent) }
            let batch = DatagramBatch()
            let first = try receiver.receive(into: batch)
            #expect((1..<50).contains(first))
            // The count rides on the next datagram that gets in.
            #expect(try sender.sendOne([4], try receiver.path("::1")) == .sent)
            #expect(try receiver.collect(1).count == 1)
            #expect(Int(receiver.counters.overflowed) == 50 - first)
        }
    }

    @Test func forcedBuffersArePastTheSystemsLimit() throws {
        try NetworkNamespace.run {
            let socket = try UDPSocket(bind: try #require(Endpoint("[::]:0")))
            #expect(socket.receiveBuffer >= 32 << 20 && socket.sendBuffer >= 1 << 20)
        }
    }

    @Test func aMarkIsSet() throws {
        try NetworkNamespace.run {
            var options = UDPSocket.Options()
            options.mark = 0xfedc_ba98
            let socket = try UDPSocket(bind: try #require(Endpoint("[::]:0")), options: options)
            var mark: UInt32 = 0
            var length = socklen_t(4)
            #expect(getsockopt(socket.descriptor, SOL_SOCKET, SO_MARK, &mark, &length) == 0)
            #expect(mark == 0xfedc_ba98)
        }
    }

    @Test func oneDestinationsTroubleIsNobodyElses() throws {
        try NetworkNamespace.run {
            // A namespace of its own has no routes but the loopback's.
            try shell("ip", "link", "set", "lo", "mtu", "1500")
            try shell("ip", "route", "add", "prohibit", "198.51.100.0/24")
            try shell("ip", "route", "add", "prohibit", "2001:db8:1::/48")
            let receiver = try UDPSocket.on("[::]:0")
            for (sender, here, nowhere, forbidden) in [
                (try UDPSocket.on("[::]:0"), "::1", "2001:db8::1", "2001:db8:1::1"),
                (try UDPSocket.on("[::]:0"), "127.0.0.1", "192.0.2.1", "198.51.100.1"),
                (try UDPSocket.on("0.0.0.0:0"), "127.0.0.1", "192.0.2.1", "198.51.100.1"),
            ] {
                let good = try receiver.path(here)
                let headers = good.remote.headerBytes
                let plan: [(Path, Int, SendOutcome)] = [
                    (good, 1, .sent),
                    (Path(remote: Endpoint(address: try nowhere.address, port: 9)), 1, .unreachable),
                    (good, 1500 - headers, .sent),
                    (good, 1501 - headers, .tooBig),
                    (Path(remote: Endpoint(address: try forbidden.address, port: 9)), 1, .denied),
                    (Path(remote: Endpoint(address: try here.address, port: 0)), 1, .failed),
                    (good, 70000, .tooBig),
                    (good, 2, .sent),
                ]
                let out = OutgoingBatch()
                for (path, size, _) in plan {
                    _ = try #require(out.reserve(size))
                    out.commit(size, to: path)
                }
                let (completed, progress) = try out.flush(through: sender)
                #expect(completed == plan.indices && progress == SendProgress(done: 8, remarkable: 5))
                for (index, step) in plan.enumerated() {
                    #expect(out[index].outcome == step.2, "\(step.0.remote), \(step.1) bytes")
                }
                #expect(try receiver.collect(3).map(\.bytes.count) == [1, 1500 - headers, 2])
                let counters = sender.counters
                #expect(counters.sent == 3 && counters.tooBig == 2 && counters.unreachable == 1)
                #expect(counters.denied == 1 && counters.failed == 1)
            }
            // The other family is nobody's fault but the path's.
            #expect(try UDPSocket.on("0.0.0.0:0").sendOne([1], try receiver.path("::1")) == .unreachable)
        }
    }

    @Test func aFullSendBufferKeepsTheRest() throws {
        try NetworkNamespace.run {
            // Datagrams to a neighbour that never answers stay in our send buffer.
            try shell("ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
            try shell("ip", "link", "set", "right", "up")
            try shell("ip", "link", "set", "left", "up")
            try shell("ip", "addr", "add", "192.0.2.1/24", "dev", "left")
            var options = UDPSocket.Options()
            options.bufferSize = 4096
            let sender = try UDPSocket(bind: try #require(Endpoint("0.0.0.0:0")), options: options)
            let out = OutgoingBatch(datagrams: 100)
            for _ in 0..<100 {
                _ = try #require(out.reserve(500))
                out.commit(500, to: Path(remote: Endpoint(address: try "192.0.2.2".address, port: 9)))
            }
            #expect(out.reserve(1) == nil, "full of records")
            let (completed, progress) = try out.flush(through: sender)
            #expect(progress.isBlocked && (1..<100).contains(progress.done))
            #expect(completed == 0..<progress.done && out.pending == 100 - progress.done)
            #expect(out[progress.done].outcome == .pending)
            #expect(sender.counters.blocked == 1)
            #expect(out.discard() == 100 - progress.done)
            #expect(out.pending == 0 && out.reserve(500) != nil)
        }
    }

    @Test func datagramsDoNotHeedAForgedPathMTU() throws {
        try NetworkNamespace.run {
            // The kernel's idea of the path: 1300 bytes. Ours is our own.
            try shell("ip", "addr", "add", "192.0.2.1/24", "dev", "lo")
            try shell("ip", "route", "add", "198.51.100.0/24", "dev", "lo", "mtu", "1300")
            try shell("ip", "route", "add", "2001:db8::/32", "dev", "lo", "mtu", "1300")
            for (local, remote) in [
                ("0.0.0.0:0", "198.51.100.1"), ("[::]:0", "198.51.100.1"), ("[::]:0", "2001:db8::1"),
            ] {
                let path = Path(remote: Endpoint(address: try remote.address, port: 9))
                let largest = [UInt8](repeating: 0, count: 1500 - path.remote.headerBytes)
                #expect(try UDPSocket.on(local).sendOne(largest, path) == .sent, "from \(local) to \(remote)")
            }
        }
    }
}
