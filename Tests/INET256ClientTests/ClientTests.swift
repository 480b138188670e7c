import Foundation
import INET256
import INET256Client
import Synchronization
import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct ClientTests {
    private func connection(_ server: FakeServer, reconnects: Bool = false) -> INET256Connection {
        INET256Connection(endpoint: .unix(path: server.path), reconnects: reconnects)
    }

    /// Sends every message back, from where it was to.
    private static func echo(_ connection: FakeConnection) {
        while let frame = connection.frame() { connection.write(frame) }
    }

    @Test func requestIsAsTheWireSays() async throws {
        let seen = Mutex("")
        let server = try FakeServer { connection, _ in
            let text = connection.request()
            // Before the answer, which the test goes on with.
            seen.withLock { $0 = text }
            connection.write(FakeConnection.accepted)
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        node.close()
        let text = seen.withLock { $0 }
        let lines = text.components(separatedBy: "\r\n")
        #expect(lines[0] == "CONNECT /nodes/\(key(1).address) HTTP/1.1")
        #expect(lines[1] == "Host: ")
        let body = try #require(text.range(of: "\r\n\r\n")).upperBound
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text[body...].utf8)) as? [String: String])
        let serialized = key(1).serialized().withBytes { Data($0) }
        #expect(json == ["private_key": serialized.base64EncodedString()])
    }

    @Test func messagesGoBothWays() async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            Self.echo(connection)
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        for count in [0, 1, 31, 1200, 65_535] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            try await node.send(payload, to: key(2).address)
            let message = try await limited { try await node.receive() }
            #expect(message == Message(source: key(2).address, destination: key(1).address, payload: payload))
        }
        await #expect(throws: NodeError.messageTooLarge(65_536)) {
            try await node.send([UInt8](repeating: 0, count: 65_536), to: key(2).address)
        }
        node.close()
        await #expect(throws: NodeError.closed) { try await node.send([], to: key(2).address) }
        await #expect(throws: NodeError.closed) { try await node.receive() }
    }

    @Test func burstsArriveWholeAndInOrder() async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            Self.echo(connection)
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        let count = 5000
        let sending = Task {
            for number in 0..<count {
                try await node.send(Array("\(number)".utf8) + [UInt8](repeating: 0, count: 1000), to: key(2).address)
            }
        }
        let received = try await limited(30) {
            var numbers: [Int] = []
            for try await message in node.messages {
                numbers.append(Int(String(decoding: message.payload.prefix { $0 != 0 }, as: UTF8.self)) ?? -1)
                if numbers.count == count { break }
            }
            return numbers
        }
        #expect(received == Array(0..<count))
        try await sending.value
        node.close()
    }

    @Test func framesBehindTheHeadInOnePieceAreNotLost() async throws {
        let address = key(3).address.raw.bytes
        let server = try FakeServer { connection, _ in
            _ = connection.request()
            connection.write(
                Array(FakeConnection.accepted.utf8) + FakeConnection.frame("DATA", address + Array("first".utf8)))
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        let message = try await limited { try await node.receive() }
        #expect(message.source == key(3).address && message.payload == Array("first".utf8))
    }

    @Test func whatWasSentBeforeCloseGoesOut() async throws {
        let got = Mutex(0)
        let server = try FakeServer { connection, _ in
            connection.accept()
            while connection.frame() != nil { got.withLock { $0 += 1 } }
            got.withLock { $0 += 1_000_000 }
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        for _ in 0..<100 { try await node.send([UInt8](repeating: 7, count: 5000), to: key(2).address) }
        node.close()
        try await limited { while got.withLock({ $0 }) < 1_000_000 { try await Task.sleep(for: .milliseconds(10)) } }
        #expect(got.withLock { $0 } == 1_000_100)
    }

    @Test func questionsMayBeAnsweredInAnyOrder() async throws {
        let found = key(9).address
        let server = try FakeServer { connection, _ in
            connection.accept()
            var frames: [[UInt8]] = []
            while frames.count < 3, let frame = connection.frame() { frames.append(frame) }
            for frame in frames.reversed() {
                let id = Array(frame[8..<24])
                let question = String(decoding: frame[24...], as: UTF8.self)
                let isFind = frame[4] == UInt8(ascii: "F")
                let answer =
                    if !isFind {
                        "{\"ok\":{\"public_key\":\"\(Data(key(9).publicKey.serialized).base64EncodedString())\"}}"
                    } else if question.contains("\"nbits\":7}") { "{\"ok\":{\"addr\":\"\(found)\"}}" } else {
                        "{\"ok\":{\"addr\":\"\"},\"error\":\"no address with prefix\"}"
                    }
                connection.write(FakeConnection.frame(isFind ? "FIND" : "PUBK", id + Array(answer.utf8)))
            }
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        async let first = node.findAddress(prefix: found, bits: 7)
        async let second: Void = {
            await #expect(throws: NodeError.notFound) { try await node.findAddress(prefix: found, bits: 256) }
        }()
        async let third = node.lookupPublicKey(found)
        #expect(try await first == found)
        await second
        #expect(try await third == key(9).publicKey)
        await #expect(throws: NodeError.badPrefix(bits: 257)) { try await node.findAddress(prefix: found, bits: 257) }
        node.close()
    }

    @Test func answersThatCannotBeTrueAreErrors() async throws {
        let server = try FakeServer { connection, _ in
            connection.accept()
            while let frame = connection.frame() {
                let isFind = frame[4] == UInt8(ascii: "F")
                let wrong =
                    isFind
                    ? "addr\":\"\(key(5).address)"
                    : "public_key\":\"\(Data(key(5).publicKey.serialized).base64EncodedString())"
                let answer = Array("{\"ok\":{\"\(wrong)\"}}".utf8)
                connection.write(FakeConnection.frame(isFind ? "FIND" : "PUBK", frame[8..<24] + answer))
            }
        }
        defer { withExtendedLifetime(server) {} }
        let node = try await connection(server).open(key(1))
        await #expect(throws: NodeError.unavailable("the daemon found something else than it was asked for")) {
            try await node.findAddress(prefix: key(6).address, bits: 256)
        }
        await #expect(throws: NodeError.self) { try await node.lookupPublicKey(key(6).address) }
        node.close()
    }

    @Test func refusalsComeWithTheirReason() async throws {
        func refusal(_ status: String, _ body: String) -> String {
            "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let answers: [(String, NodeError)] = [
            (refusal("403 Forbidden", "{\"error\":\"not for you\"}"), .unavailable("the daemon refuses: not for you")),
            (refusal("503 Busy", "{\"error\":\"too many nodes are open in all\"}"), .tooManyNodes),
            (refusal("400 Bad", "plain"), .unavailable("the daemon refuses: plain")),
            (refusal("404 Not Found", ""), .unavailable("the daemon refuses: Not Found")),
            (refusal("410 Gone", "{}"), .closed),
        ]
        let server = try FakeServer { connection, number in
            _ = connection.request()
            connection.write(answers[number].0)
            _ = connection.frame()
        }
        defer { withExtendedLifetime(server) {} }
        for (text, error) in answers {
            await #expect(throws: error, "\(text)") { _ = try await connection(server).open(key(1)) }
        }
    }

    @Test func whoIsNoDaemonIsNamed() async throws {
        let server = try FakeServer { connection, number in
            if number == 0 { connection.write("SSH-2.0-OpenSSH\r\n") }
            _ = number == 0 ? connection.frame() : nil
        }
        defer { withExtendedLifetime(server) {} }
        for _ in 0..<2 {
            await #expect(throws: NodeError.self) {
                _ = try await limited { try await connection(server).open(key(1)) }
            }
        }
        let nobody = ClientEndpoint.unix(path: "/nonexistent/api.sock")
        await #expect(throws: NodeError.unavailable("no daemon answers at \(nobody): is it running?")) {
            _ = try await INET256.connect(to: nobody)
        }
        _ = try await INET256.connect(to: .unix(path: server.path))
    }

    @Test func dropIsADelete() async throws {
        let seen = Mutex("")
        let server = try FakeServer { connection, number in
            let text = connection.request()
            seen.withLock { $0 = text }
            connection.write(
                number == 0
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
            // What is closed with something unread in it is reset, and the answer may be lost with it.
            connection.drain()
        }
        defer { withExtendedLifetime(server) {} }
        try await connection(server).drop(key(4))
        #expect(seen.withLock { $0 }.hasPrefix("DELETE /nodes/\(key(4).address) HTTP/1.1\r\n"))
        await #expect(throws: NodeError.unavailable("the daemon refuses: Bad")) {
            try await connection(server).drop(key(4))
        }
    }
}
