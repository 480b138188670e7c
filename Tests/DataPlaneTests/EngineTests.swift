import INET256
import Mesh
import Portal
import System
import Testing
import Transport
import Wire

@testable import DataPlane

/// Whole engines on threads of their own, over devices of memory and sockets on the loopback.
@Suite struct EngineTests {
    /// Datagrams of others pass by the mesh's socket: theirs go to them and not to the mesh, and what they send leaves by it.
    @Test(.timeLimit(.minutes(3)), arguments: [1, 2])
    func datagramsOfOthersShareTheSocket(threads: Int) async throws {
        let raw = RawDatagrams(firstBytes: 0xc0...0xcf, largest: 100, mailbox: try Mailbox(capacity: 4))
        let a = try await TestEngine(threads: threads, rawDatagrams: raw)
        let bound = try #require(try await a.snapshot().sockets.first?.facts.bound)
        let loopback = try #require(IPv6Address("::1"))
        let other = try UDPSocket(bind: Endpoint(address: loopback, port: 0))
        func send(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { bytes in
                var record = OutgoingDatagram(bytes: bytes, path: Path(remote: bound))
                _ = try withUnsafeMutablePointer(to: &record) {
                    try other.send(UnsafeMutableBufferPointer(start: $0, count: 1))
                }
            }
        }
        // One that is too long and one of nobody's, and more of theirs than there is room for.
        try send([UInt8](repeating: 0xc1, count: 101))
        try send([0xd0, 1])
        for number in 0..<6 { try send([0xc4, UInt8(number)]) }
        while try await a.snapshot().sockets.first.map({ $0.counters.received < 8 }) ?? true {
            try await Task.sleep(for: .milliseconds(1))
        }
        // What a side engine was given comes a little later.
        while try await a.snapshot().box.drops[.malformedDatagram] < 1 { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(20))
        let taken = raw.mailbox.drain()
        #expect(taken.count == 4 && taken.allSatisfy { $0.bytes.count == 2 && $0.bytes[0] == 0xc4 })
        #expect(taken.allSatisfy { $0.source == other.local && $0.local == loopback })
        #expect(try await a.snapshot().box.drops[.malformedDatagram] == 1)
        try a.mailbox.post(.sendRaw([0xc6, 7, 7], other.local, from: loopback))
        let batch = DatagramBatch(slotSize: 1 << 11, slots: 4)
        while try other.receive(into: batch) == 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(Array(batch[0].bytes) == [0xc6, 7, 7] && batch[0].path.remote.port == bound.port)
        try await a.stop()
    }

    @Test(.timeLimit(.minutes(3)), arguments: [(1, 1), (1, 2), (3, 2)])
    func packetsCrossBetweenEngines(threads: (Int, Int)) async throws {
        let a = try await TestEngine(threads: threads.0)
        let b = try await TestEngine(threads: threads.1)
        try await a.find(b)
        // Every queue, both ways; what a queue sends keeps its order.
        for (from, to) in [(a, b), (b, a)] {
            for (queue, device) in from.devices.devices.enumerated() {
                let packets = (0..<200).map {
                    TestPacket.make(from.address, to.address, payload: [UInt8(queue), UInt8($0)])
                }
                device.send(packets)
                let got = try await to.arrived(packets.count)
                #expect(got == packets, "queue \(queue), \(threads)")
            }
        }
        // Nobody's address: the first engine answers whichever queue it came by.
        let unknown = PortalWorld.map.address(of: PortalWorld.keys(1)[0].address)
        a.devices.devices.last?.send([TestPacket.make(a.address, unknown)])
        #expect(try await a.arrived(1).map(TestPacket.icmpKind) == [[1, 0]])
        let snapshot = try await a.snapshot()
        #expect(snapshot.threads == threads.0 && snapshot.portal?.unknown == 1)
        #expect((snapshot.handovers.count > 0) == (threads.0 > 1))
        #expect(snapshot.portal?.drops.total == 0 && snapshot.box.drops[.forged] == 0)
        #expect(snapshot.sockets.first.map { $0.counters.received > 0 && $0.dropped == 0 } == true)
        try await a.stop()
        try await b.stop()
        #expect(a.events == ["prepare", "raise 7", "start", "close"])
    }

    /// Behind a stop that keeps it the interface is let be; behind a failure never.
    @Test(.timeLimit(.minutes(3)), arguments: [1, 2]) func theInterfaceIsLeft(threads: Int) async throws {
        let a = try await TestEngine(threads: threads)
        try await a.stop(keeping: true)
        #expect(a.events == ["prepare", "raise 7", "start", "leave"])
        let b = try await TestEngine(threads: threads)
        try b.mailbox.post(all: [.stop(keeping: true), .portalLost])
        for await _ in b.thread.ended {}
        #expect(b.events.last == "close")
    }

    @Test(.timeLimit(.minutes(3))) func theGateHoldsOnEveryThread() async throws {
        let a = try await TestEngine(threads: 2)
        let b = try await TestEngine(threads: 1)
        try await a.find(b)
        let packet = TestPacket.make(a.address, b.address)
        try a.mailbox.post(.setAccess(.only([])))
        _ = try await a.snapshot()
        for device in a.devices.devices {
            device.send([packet])
            #expect(try await a.arrived(1).map(TestPacket.icmpKind) == [[1, 1]])
        }
        try a.mailbox.post(.setAccess(.everybody))
        _ = try await a.snapshot()
        a.devices.devices[0].send([packet])
        #expect(try await b.arrived(1) == [packet])
        try await a.stop()
        try await b.stop()
    }

    @Test(.timeLimit(.minutes(3))) func oneThreadDoesItAllWhereMoreAreNotPossible() async throws {
        let a = try await TestEngine(threads: 4, queues: 1)
        let b = try await TestEngine(threads: 1)
        try await a.find(b)
        let snapshot = try await a.snapshot()
        #expect(snapshot.threads == 1)
        #expect(snapshot.warnings.contains { $0.contains("threads: 4 is not possible here") })
        let packet = TestPacket.make(a.address, b.address)
        a.devices.devices[0].send([packet])
        #expect(try await b.arrived(1) == [packet])
        try await a.stop()
        try await b.stop()
    }

    @Test(.timeLimit(.minutes(3))) func theControlSideIsAnsweredToTheEnd() async throws {
        let a = try await TestEngine(threads: 1)
        let nobody = PortalWorld.keys(1)[0].address
        let result = await a.ping(nobody, .milliseconds(50))
        guard case .timedOut = result else {
            Issue.record("\(result)")
            return
        }
        // One that still waits when the engine stops.
        async let late = a.ping(nobody, .seconds(600))
        while try await a.snapshot().box.sessions.isEmpty { await Task.yield() }
        try await a.stop()
        guard case .refused = await late else {
            Issue.record("nobody is left without an answer")
            return
        }
        #expect(throws: MailboxError.closed) { try a.mailbox.post(.stop(keeping: false)) }
    }

    @Test(.timeLimit(.minutes(3))) func aLostInterfaceEndsTheThread() async throws {
        let a = try await TestEngine(threads: 2)
        try a.mailbox.post(.portalLost)
        var error: (any Error)?
        for await ending in a.thread.ended { if case .failure(let reason) = ending { error = reason } }
        #expect(error as? TunError == .gone(name: "memory"))
        #expect(a.events.last == "close")
    }
}
