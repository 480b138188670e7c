import API
import INET256
import Logging
import Mesh
import Portal
import System
import Testing
import Transport
import Wire

@testable import DataPlane

struct NoAnswer: Error {}

/// An engine with its devices and what it did with the interface.
final class TestEngine: Sendable {
    let key: PrivateKey
    let devices: MemoryDevices
    let mailbox: Mailbox<EngineCommand>
    let thread: EngineThread
    private let recorder: InterfaceRecorder

    init(
        threads: Int, queues: Int? = nil, ports: [any PortSource]? = nil, rawDatagrams: RawDatagrams? = nil
    ) async throws {
        key = PortalWorld.keys(1)[0]
        devices = try MemoryDevices(queues ?? threads)
        mailbox = try Mailbox<EngineCommand>()
        let recorder = InterfaceRecorder()
        self.recorder = recorder
        var setup = EngineSetup(
            key: key, box: BoxSettings(startMilliseconds: 1), mailbox: mailbox, inbox: try NodeInbox(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let loopback = try #require(IPv6Address("::1"))
        setup.ports = ports ?? [UDPTransport(Endpoint(address: loopback, port: 0), offload: true)]
        setup.threads = threads
        setup.rawDatagrams = rawDatagrams
        setup.threadsBesides = 4
        setup.portal = EngineSetup.PortalSetup("memory", map: PortalWorld.map, gate: .everybody) { _ in recorder }
        setup.portal?.follows = 1280...65_535
        let (ready, memory) = (setup, self.devices)
        thread = try await EngineThread.start(ready) {
            let engine = try Engine(ready, memory)
            return { try engine.run(.normal) }
        }
    }

    var address: IPv6Address { PortalWorld.map.address(of: key.address) }
    var events: [String] { recorder.events.filter { !$0.hasPrefix("fit") } }

    /// Becomes the other one's neighbour.
    func find(_ other: TestEngine) async throws {
        let (here, there) = (try await endpoint(), try await other.endpoint())
        try mailbox.post(.setPeer(PeerSettings(address: other.key.address, endpoints: [there]), name: "other"))
        try other.mailbox.post(.setPeer(PeerSettings(address: key.address, endpoints: [here]), name: "this"))
        // One question may be lost while two handshakes meet.
        for _ in 0..<30 {
            if case .answered = await ping(other.key.address, .seconds(2)) { return }
        }
        throw NoAnswer()
    }

    private func endpoint() async throws -> Endpoint { try #require(try await snapshot().sockets.first?.facts.bound) }

    func snapshot() async throws -> EngineSnapshot {
        try await withCheckedThrowingContinuation { answer in
            do { try mailbox.post(.snapshot { answer.resume(returning: $0) }) } catch { answer.resume(throwing: error) }
        }
    }

    func ping(_ target: Address, _ timeout: Interval) async -> PingResult {
        await withCheckedContinuation { answer in
            do {
                try mailbox.post(.ping(target, bytes: 8, timeout: timeout) { answer.resume(returning: $0) })
            } catch {
                answer.resume(returning: .refused("\(error)"))
            }
        }
    }

    /// Waits until so many packets have come, by whichever queue.
    func arrived(_ count: Int) async throws -> [[UInt8]] {
        var packets: [[UInt8]] = []
        while packets.count < count {
            packets += devices.devices.flatMap { $0.takeWritten() }
            try await Task.sleep(for: .milliseconds(1))
        }
        return packets
    }

    func stop(keeping: Bool = false) async throws {
        try mailbox.post(.stop(keeping: keeping))
        for await ending in thread.ended { try ending.get() }
    }
}
