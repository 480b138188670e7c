import Foundation
import INET256
import INET256Client
import Synchronization
import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct EndingTests {
    /// A daemon that opens the node and then never says a word, nor reads.
    private func mute() throws -> FakeServer {
        try FakeServer { connection, _ in
            connection.accept()
            sleep(2)
            withExtendedLifetime(connection) {}
        }
    }

    private func open(_ server: FakeServer, reconnects: Bool = false) async throws -> any Node {
        try await INET256Connection(endpoint: .unix(path: server.path), reconnects: reconnects).open(key(1))
    }

    @Test func everyCallEndsWhenItIsCancelled() async throws {
        let server = try mute()
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await node.receive() },
            { _ = try await node.findAddress(prefix: key(2).address, bits: 8) },
            { _ = try await node.lookupPublicKey(key(2).address) },
            { for try await _ in node.messages {} },
            // Until no buffer takes more.
            { while true { try await node.send([UInt8](repeating: 0, count: 65_535), to: key(2).address) } },
        ]
        for call in calls {
            let began = ContinuousClock.now
            await #expect(throws: NodeError.cancelled) { try await limited(0.2, call) }
            #expect(ContinuousClock.now - began < .seconds(1.5))
        }
        node.close()
    }

    @Test func openingEndsWhenItIsCancelled() async throws {
        let server = try FakeServer { connection, _ in
            _ = connection.request()
            sleep(3)
        }
        defer { withExtendedLifetime(server) {} }
        let connection = INET256Connection(endpoint: .unix(path: server.path))
        for call in [{ _ = try await connection.open(key(1)) }, { try await connection.drop(key(1)) }]
            as [@Sendable () async throws -> Void]
        {
            let began = ContinuousClock.now
            await #expect(throws: NodeError.cancelled) { try await limited(0.2, call) }
            #expect(ContinuousClock.now - began < .seconds(2))
        }
    }

    @Test func closingEndsEveryCall() async throws {
        let server = try mute()
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await node.receive() },
            { _ = try await node.findAddress(prefix: key(2).address, bits: 8) },
            { _ = try await node.lookupPublicKey(key(2).address) },
        ]
        let tasks = calls.map { Task(operation: $0) }
        let loop = Task { for try await _ in node.messages {} }
        try await Task.sleep(for: .milliseconds(100))
        node.close()
        node.close()
        for task in tasks { await #expect(throws: NodeError.closed) { try await task.value } }
        try await loop.value
    }

    @Test func signsOfLifeGoOutAndSilenceEnds() async throws {
        let beats = Mutex<Int?>(nil)
        let server = try FakeServer { connection, _ in
            connection.accept()
            while connection.frame() != nil {}
            beats.withLock { $0 = connection.keepAlives }
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let began = ContinuousClock.now
        await #expect(throws: NodeError.self) { try await limited(20) { try await node.receive() } }
        let time = ContinuousClock.now - began
        #expect(time > .seconds(2.9) && time < .seconds(6), "\(time)")
        try await limited { while beats.withLock({ $0 }) == nil { try await Task.sleep(for: .milliseconds(10)) } }
        #expect((2...4).contains(beats.withLock { $0 } ?? 0))
    }

    @Test func aDaemonThatIsAliveIsNotLeft() async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            for _ in 0..<6 {
                connection.write(FakeConnection.keepAlive)
                sleep(1)
            }
            connection.write(FakeConnection.frame("DATA", key(2).address.raw.bytes + [42]))
            sleep(1)
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        #expect(try await limited(20) { try await node.receive() }.payload == [42])
    }

    @Test(arguments: [[0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], FakeConnection.frame("NOPE", [])] as [[UInt8]])
    func garbageEndsTheConnection(_ garbage: [UInt8]) async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            connection.write(garbage)
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        await #expect(throws: NodeError.self) { try await limited { try await node.receive() } }
        await #expect(throws: NodeError.self) { try await node.send([], to: key(2).address) }
    }

    @Test func aLostConnectionEndsTheNode() async throws {
        let server = try FakeServer { connection, _ in connection.accept() }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        do {
            _ = try await limited { try await node.receive() }
            Issue.record("a message came from nowhere")
        } catch NodeError.unavailable(let reason) {
            #expect(reason.contains("closed the connection"))
        }
    }

    @Test func aNodeThatReconnectsGoesOn() async throws {
        let server = try FakeServer { connection, number in
            connection.accept()
            connection.write(FakeConnection.frame("DATA", key(2).address.raw.bytes + [UInt8(number)]))
            // The first three connections end at once.
            if number >= 3 { while let frame = connection.frame() { connection.write(frame) } }
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server, reconnects: true)
        let numbers = try await limited(20) {
            var numbers: [UInt8] = []
            for try await message in node.messages {
                numbers += message.payload
                if message.payload == [3] { break }
            }
            return numbers
        }
        #expect(numbers == [0, 1, 2, 3])
        try await limited { try await node.send([99], to: key(2).address) }
        #expect(try await limited { try await node.receive() }.payload == [99])
        node.close()
        await #expect(throws: NodeError.closed) { try await node.receive() }
    }

    @Test func aNodeThatNobodyHoldsIsClosed() async throws {
        let ended = Mutex(false)
        let server = try FakeServer { connection, _ in
            connection.accept()
            while connection.frame() != nil {}
            ended.withLock { $0 = true }
        }
        defer { withExtendedLifetime(server) {} }
        do { _ = try await open(server) }
        try await limited { while !ended.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(10)) } }
    }
}
