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
        #expect(throws: MailboxError.closed) { try a.mailbox.post(.stop) }
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
