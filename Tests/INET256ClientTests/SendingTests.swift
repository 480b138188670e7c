import Foundation
import INET256
import INET256Client
import Synchronization
import TestSupport
import Testing
import Wire

/// The ways a message takes to the socket: written by who sends it, by the event loop, or when there is room again.
@Suite(.timeLimit(.minutes(1))) struct SendingTests {
    /// What a daemon got, in order.
    private final class Got: Sendable {
        let payloads = Mutex<[[UInt8]]>([])
        let hasEnded = Atomic<Bool>(false)
        let mayRead = Atomic<Bool>(true)

        var count: Int { payloads.withLock { $0.count } }

        func until(_ isSo: @escaping @Sendable () -> Bool) async throws {
            try await limited(30) { while !isSo() { try await Task.sleep(for: .milliseconds(5)) } }
        }
    }

    /// A daemon that reads when it may.
    private func collect(_ got: Got) throws -> FakeServer {
        try FakeServer { connection, _ in
            connection.accept()
            while !got.mayRead.load(ordering: .relaxed) { usleep(1000) }
            while let frame = connection.frame() { got.payloads.withLock { $0.append(Array(frame[40...])) } }
            got.hasEnded.store(true, ordering: .relaxed)
        }
    }

    private func open(_ server: FakeServer) async throws -> any Node {
        try await INET256Connection(endpoint: .unix(path: server.path)).open(key(1))
    }

    private static func numbered(_ sender: Int, _ number: Int, _ count: Int) -> [UInt8] {
        [UInt8(sender), UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: UInt8(number & 255), count: count)
    }

    @Test func eachOfManySendersKeepsItsOrder() async throws {
        let got = Got()
        let server = try collect(got)
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let (senders, each) = (8, 600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<senders {
                // Half of them where the connection is read, half elsewhere.
                group.addTask(executorPreference: sender.isMultiple(of: 2) ? INET256.executor : nil) {
                    for number in 0..<each {
                        let count = number % 97 == 0 ? 40_000 : number % 1500
                        try await node.send(Self.numbered(sender, number, count), to: key(2).address)
                        if number % 50 == sender { try await Task.sleep(for: .microseconds(300)) }
                        if number % 7 == 0 { await Task.yield() }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await got.until { got.count == senders * each }
        node.close()
        var next = [Int](repeating: 0, count: senders)
        for payload in got.payloads.withLock({ $0 }) {
            let (sender, number) = (Int(payload[0]), Int(payload[1]) << 8 | Int(payload[2]))
            #expect(number == next[sender])
            #expect(payload == Self.numbered(sender, number, number % 97 == 0 ? 40_000 : number % 1500))
            next[sender] += 1
        }
        #expect(next == [Int](repeating: each, count: senders))
    }

    @Test(arguments: [false, true]) func aDaemonThatDoesNotReadLosesNothing(onItsThread: Bool) async throws {
        let got = Got()
        got.mayRead.store(false, ordering: .relaxed)
        let server = try collect(got)
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let taken = Atomic<Int>(0)
        let sending = Task(executorPreference: onItsThread ? INET256.executor : nil) {
            for number in 0..<1000 {
                try await node.send(Self.numbered(0, number, 8000), to: key(2).address)
                taken.store(number + 1, ordering: .relaxed)
            }
        }
        // Until no buffer takes more.
        var seen = -1
        while taken.load(ordering: .relaxed) != seen {
            seen = taken.load(ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect((100..<1000).contains(seen))
        got.mayRead.store(true, ordering: .relaxed)
        try await sending.value
        try await got.until { got.count == 1000 }
        #expect(got.payloads.withLock { $0 } == (0..<1000).map { Self.numbered(0, $0, 8000) })
        node.close()
    }

    /// More than the socket takes is still with us when the node is closed.
    @Test func whatWaitsWhenTheNodeIsClosedGoesOut() async throws {
        let got = Got()
        got.mayRead.store(false, ordering: .relaxed)
        let server = try collect(got)
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        for number in 0..<60 { try await node.send(Self.numbered(0, number, 15_000), to: key(2).address) }
        node.close()
        await #expect(throws: NodeError.closed) { try await node.send([], to: key(2).address) }
        got.mayRead.store(true, ordering: .relaxed)
        try await got.until { got.hasEnded.load(ordering: .relaxed) }
        #expect(got.payloads.withLock { $0 } == (0..<60).map { Self.numbered(0, $0, 15_000) })
    }

    @Test func aDaemonThatGoesAwayEndsSendersThatWait() async throws {
        let mayGo = Mutex(false)
        let server = try FakeServer { connection, _ in
            connection.accept()
            while !mayGo.withLock({ $0 }) { usleep(1000) }
            connection.shutDown()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let sending = Task {
            while true { try await node.send([UInt8](repeating: 1, count: 60_000), to: key(2).address) }
        }
        try await Task.sleep(for: .milliseconds(200))
        mayGo.withLock { $0 = true }
        await #expect(throws: NodeError.self) { try await limited { try await sending.value } }
        await #expect(throws: NodeError.self) { try await node.send([], to: key(2).address) }
    }

    @Test func tasksOnTheConnectionsThreadExchangeMessages() async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            while let frame = connection.frame() { connection.write(frame) }
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let count = try await limited(30) {
            try await withTaskExecutorPreference(INET256.executor) {
                for number in 0..<500 {
                    try await node.send(Self.numbered(0, number, number), to: key(2).address)
                    let message = try await node.receive()
                    #expect(message.payload == Self.numbered(0, number, number))
                }
                return 500
            }
        }
        #expect(count == 500)
        let waiting = Task(executorPreference: INET256.executor) { _ = try await node.receive() }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        await #expect(throws: NodeError.cancelled) { try await waiting.value }
        node.close()
    }

    @Test(arguments: [1, 3, 7, 39, 41, 1000, 70_000]) func framesAreReadHoweverTheyAreCut(piece: Int) async throws {
        let counts = [0, 1, 3, 40, 200, 1200, 5000] + (piece > 40 ? [65_535 - 3] : [])
        let payloads = (0..<20).flatMap { round in counts.map { Self.numbered(round, $0 & 255, $0) } }
        let server = try FakeServer { connection, _ in
            connection.accept()
            let bytes = payloads.flatMap { FakeConnection.frame("DATA", key(2).address.raw.bytes + $0) }
            for start in stride(from: 0, to: bytes.count, by: piece) {
                connection.write(Array(bytes[start..<min(start + piece, bytes.count)]))
            }
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await open(server)
        let received = try await limited(30) {
            var received: [[UInt8]] = []
            while received.count < payloads.count { received.append(try await node.receive().payload) }
            return received
        }
        #expect(received == payloads)
        node.close()
    }
}
