import Foundation
import Synchronization
import Testing

@testable import API

/// Connections that ask nothing, and those that must be answered all the same.
@Suite struct ConnectionLimitTests {
    private static let request = NodeClient.head("GET", "/healthz", 0, host: "Host: localhost\r\n")

    private static func isAnswered(_ target: Target) throws -> Bool {
        let client = try NodeClient(target)
        client.write(request)
        return try client.readAnswer().hasPrefix("HTTP/1.1 200 ")
    }

    /// However many are held open, without a word or in the middle of one: one more is answered, every time.
    @Test(arguments: [false, true]) func heldConnectionsMakeRoom(tcp: Bool) async throws {
        var limits = APILimits()
        limits.connections = 6
        limits.connectionsPerClient = 4
        limits.connectionsReserved = 1
        limits.requestTime = .seconds(60)
        try await serving(limits: limits, tcp: tcp) { target in
            let held = try (0..<20).map { number in
                let client = try NodeClient(target)
                client.write(Array(Self.request.prefix(number % 3 * 10)))
                return client
            }
            for _ in 0..<10 { #expect(try Self.isAnswered(target)) }
            // Room was made: nothing but the end comes on all but the last few, long before their time is up. Which those
            // are is not asked: connections come in on several threads, and the order is that in which these take them.
            #expect(eventually(seconds: 20) { held.count { $0.hasEnded } >= held.count - 4 })
            for client in held where client.hasEnded { #expect(try client.readToEnd().isEmpty) }
        }
    }

    /// A request that is being answered is not given up for another.
    @Test func whoIsBeingAnsweredStays() async throws {
        var limits = APILimits()
        limits.connectionsPerClient = 3
        let gate = Gate()
        try await serving(responder: gate, limits: limits) { target in
            let busy = try (0..<3).map { _ in
                let client = try NodeClient(target)
                client.write(Self.request)
                return client
            }
            #expect(eventually { gate.waiting == 3 })
            let fourth = try NodeClient(target)
            let refusal = try fourth.readAnswer()
            #expect(refusal.hasPrefix("HTTP/1.1 503 ") && refusal.contains("too many connections"), "\(refusal)")
            gate.open()
            for client in busy { #expect(try client.readAnswer().hasPrefix("HTTP/1.1 200 ")) }
            #expect(try Self.isAnswered(target))
        }
    }

    /// Hosts that hold all they may have do not keep another one out, nor does one that has most of all.
    @Test func oneClientDoesNotShutOutAnother() async throws {
        var limits = APILimits()
        limits.connections = 8
        limits.connectionsPerClient = 4
        limits.connectionsReserved = 2
        limits.requestTime = .seconds(60)
        try await serving(limits: limits, tcp: true) { target in
            var held: [NodeClient] = []
            for _ in 0..<10 {
                held.append(try NodeClient(target, from: "127.0.0.2"))
                held.append(try NodeClient(target, from: "127.0.0.3"))
            }
            let lone = try NodeClient(target, from: "127.0.0.4")
            #expect(try Self.isAnswered(target))
            // Of those that wait, room was made by hosts with several.
            lone.write(Self.request)
            #expect(try lone.readAnswer().hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// The last places are for root and the daemon's own user, even where strangers' requests take long.
    @Test func theReserveIsNotForStrangers() throws {
        var limits = APILimits()
        limits.connections = 6
        limits.connectionsReserved = 2
        let table = Table(limits)
        for host in ["a", "b", "c", "d"] { #expect(table.admit(.host(host), isAnswered: true)) }
        #expect(!table.admit(.host("e"), isAnswered: true))
        #expect(!table.admit(.user(geteuid() + 1), isAnswered: true))
        #expect(table.admit(.user(0), isAnswered: true))
        #expect(table.admit(.user(geteuid()), isAnswered: false))
        // A stranger gains nothing by a place of the reserve, so none is taken away.
        #expect(!table.admit(.host("e"), isAnswered: true))
        #expect(table.closed == [])
        #expect(table.admit(.user(0), isAnswered: true))
        #expect(table.closed == [5])
        #expect(!table.admit(.user(0), isAnswered: true))
    }

    /// Who has the most makes room first, with the oldest of those that wait.
    @Test func whoHasTheMostMakesRoom() throws {
        var limits = APILimits()
        limits.connections = 8
        limits.connectionsReserved = 1
        let table = Table(limits)
        for host in ["a", "b", "b", "c", "b", "c", "d"] { #expect(table.admit(.host(host), isAnswered: false)) }
        for _ in 0..<2 { #expect(table.admit(.host("e"), isAnswered: false)) }
        // The first of b, then that of the first one with two: b again.
        #expect(table.closed == [1, 2])
        // For one of its own that is beyond its part, a client makes room itself.
        var few = limits
        few.connectionsPerClient = 2
        let strict = Table(few)
        for host in ["a", "b", "b", "b", "a"] { #expect(strict.admit(.host(host), isAnswered: false)) }
        #expect(strict.closed == [1])
    }
}

/// The connections of a server without the server.
private final class Table {
    private final class Mark {}
    private final class Places: Sendable {
        let list = Mutex<[Int]>([])
    }
    private let connections: APIConnections
    private var marks: [Mark] = []
    private let gone = Places()

    /// Those that had to make room, by their place in the order of coming.
    var closed: [Int] { gone.list.withLock { $0 } }

    init(_ limits: APILimits) { connections = APIConnections(limits) }

    func admit(_ client: APIClientIdentity, isAnswered: Bool) -> Bool {
        let mark = Mark()
        let number = marks.count
        let note: @Sendable () -> Void = { [gone] in gone.list.withLock { $0.append(number) } }
        guard let connection = connections.admit(ObjectIdentifier(mark), client, note) else { return false }
        marks.append(mark)
        connection.isAnswered = isAnswered
        return true
    }
}

/// Holds requests until it is opened.
private final class Gate: APIResponder {
    private let held = Mutex<[CheckedContinuation<Void, Never>]>([])

    var waiting: Int { held.withLock { $0.count } }

    func respond(to request: APIRequest) async -> APIResponse {
        if request.body.isEmpty, !isOpen.load(ordering: .relaxed) {
            await withCheckedContinuation { continuation in held.withLock { $0.append(continuation) } }
        }
        return .text("through")
    }

    func open() {
        isOpen.store(true, ordering: .relaxed)
        for continuation in held.withLock({ held in
            defer { held = [] }
            return held
        }) {
            continuation.resume()
        }
    }

    private let isOpen = Atomic(false)
}
