import INET256
import Mesh
import System
import TestSupport
import Testing
import Transport
import Wire

@testable import DataPlane

/// Engines over a transport that only tests know: what a transport takes is a port and a source.
@Suite struct TransportsTests {
    private static func endpoint(_ number: UInt16) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0xfd00 << 48, low: 1), port: number)
    }

    private static func engine(_ network: ToyNetwork, _ number: UInt16, threads: Int = 1, shares: Bool = true)
        async throws -> TestEngine
    {
        let source = ToyTransport(endpoint: endpoint(number), network: network, sharesEndpoint: shares)
        return try await TestEngine(threads: threads, ports: [source])
    }

    @Test(.timeLimit(.minutes(3)), arguments: [1, 2]) func packetsCrossAndSizesAreTheTransports(threads: Int)
        async throws
    {
        let network = ToyNetwork()
        let a = try await Self.engine(network, 1, threads: threads)
        let b = try await Self.engine(network, 2, threads: threads)
        try await a.find(b)
        let packets = (0..<200).map { TestPacket.make(a.address, b.address, payload: [1, UInt8($0)]) }
        a.devices.devices.last?.send(packets)
        #expect(try await b.arrived(packets.count) == packets)
        // What the port says it carries is used from the first moment, and nobody probes for more.
        let snapshot = try await a.snapshot()
        let capacity = snapshot.box.sessions.first { $0.remote == b.key.address }?.messageCapacity
        #expect(capacity == ToyTransport.size - 33)
        #expect(snapshot.threads == threads && snapshot.sockets.map(\.facts.scheme) == ["toy"])
        #expect(snapshot.sockets.first?.counters.tooBig == 0 && snapshot.sockets.first?.dropped == 0)
        while try await a.snapshot().portal?.mtu != ToyTransport.size - 33 {
            try await Task.sleep(for: .milliseconds(1))
        }
        let large = TestPacket.make(a.address, b.address, payload: [UInt8](repeating: 3, count: ToyTransport.size - 73))
        a.devices.devices.first?.send([large])
        #expect(try await b.arrived(1) == [large])
        try await a.stop()
        try await b.stop()
    }

    /// Nobody waits for signs of life that cannot come.
    @Test(.timeLimit(.minutes(3))) func aWayThatClosesIsDeadAtOnceAndOneThatOpensIsUsed() async throws {
        let network = ToyNetwork()
        let a = try await Self.engine(network, 1)
        let b = try await Self.engine(network, 2)
        try await a.find(b)
        func isUp(_ engine: TestEngine) async throws -> Bool {
            try await engine.snapshot().box.links.first?.state == .up
        }
        #expect(try await isUp(a))
        #expect(try await isUp(b))
        network.cut()
        // The snapshot is asked for after the port has told: at most a turn is between.
        let cut = BootClock.now()
        while try await isUp(a) { try await Task.sleep(for: .milliseconds(1)) }
        while try await isUp(b) { try await Task.sleep(for: .milliseconds(1)) }
        // By silence it would take a second at the least, as nothing was sent (`linkProbeInterval` is five).
        #expect(BootClock.now() - cut < .milliseconds(900))
        network.mend()
        guard case .answered = await a.ping(b.key.address, .seconds(30)) else {
            Issue.record("it was not called again")
            return
        }
        try await a.stop()
        try await b.stop()
    }

    /// A port that is no use any more ends the thread, which would else ask it for ever.
    @Test(.timeLimit(.minutes(3)), arguments: [1, 2]) func aPortThatBreaksEndsTheThread(threads: Int) async throws {
        let network = ToyNetwork()
        let error = TransportError("send on", "a toy", code: 9)
        let source = BrittleTransport(
            toy: ToyTransport(endpoint: Self.endpoint(1), network: network), error: error)
        let a = try await TestEngine(threads: threads, ports: [source])
        let b = try await Self.engine(network, 2)
        let there = PeerSettings(address: b.key.address, endpoints: [Self.endpoint(2)])
        try a.mailbox.post(.setPeer(there, name: "other"))
        var failure: (any Error)?
        for await ending in a.thread.ended { if case .failure(let reason) = ending { failure = reason } }
        #expect(failure as? TransportError == error && a.events.last == "close")
        try await b.stop()
    }

    @Test(.timeLimit(.minutes(3))) func aTransportThatCannotBeSharedLeavesOneThread() async throws {
        let network = ToyNetwork()
        let a = try await Self.engine(network, 1, threads: 3, shares: false)
        let snapshot = try await a.snapshot()
        #expect(snapshot.threads == 1)
        #expect(snapshot.warnings.contains { $0.contains("threads: 3 is not possible here") && $0.contains("toys") })
        try await a.stop()
    }
}

/// Breaks at the third datagram that is sent by the first engine's port.
private struct BrittleTransport: PortSource {
    let toy: ToyTransport
    let error: TransportError

    var endpoint: Endpoint { toy.endpoint }

    func open(_ count: Int, number: UInt16) throws -> OpenedPorts {
        let opened = try toy.open(count, number: number)
        guard let first = opened.first as? ToyPort else { return opened }
        return OpenedPorts(FaultyPort(first) { [error] in $0 == 2 ? .broken(error) : nil }, others: opened.others)
    }
}
