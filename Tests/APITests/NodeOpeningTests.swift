import Foundation
import INET256
import NodeProtocol
import Synchronization
import TestSupport
import Testing

@testable import API

@Suite struct NodeOpeningTests {
    /// However the body comes, the node is open afterwards and speaks to itself.
    @Test(arguments: [false, true])
    func bodyInOneSegmentLaterAndByteByByte(_ tcp: Bool) async throws {
        try await serving(tcp: tcp) { target in
            let request = NodeClient.request("CONNECT", key(1))
            let hello = NodeFrame.data(key(1).address, Array("hello".utf8))
            let headCount = request.count - key(1).jsonBody.count
            let ways: [[ArraySlice<UInt8>]] = [
                [request[...]], [request[..<headCount], request[headCount...]],
                [request[..<(headCount - 1)], request[(headCount - 1)...]], request.indices.map { request[$0...$0] },
            ]
            for parts in ways {
                let client = try NodeClient(target)
                for part in parts {
                    client.write(Array(part))
                    if parts.count < 10 { usleep(20_000) }
                }
                #expect(try client.readHead() == "HTTP/1.1 200 OK\r\n\r\n")
                client.write(hello)
                #expect(try client.readFrame() == hello)
            }
            // Frames sent ahead of the answer are not lost.
            let eager = try NodeClient(target)
            eager.write(request + hello + hello)
            #expect(try eager.readHead() == "HTTP/1.1 200 OK\r\n\r\n")
            #expect(try eager.readFrame() == hello)
            #expect(try eager.readFrame() == hello)
        }
    }

    @Test func refusals() async throws {
        let nodes = MemoryNodes(reserved: key(9).address)
        var limits = APILimits()
        limits.requestTime = .milliseconds(300)
        try await serving(nodes, limits: limits) { target in
            let path = "/nodes/\(key(1).address)"
            func body(_ text: String) -> [UInt8] {
                NodeClient.head("CONNECT", path, text.utf8.count) + Array(text.utf8)
            }
            let cases: [([UInt8], Int)] = [
                (NodeClient.request("CONNECT", key(2), to: key(1).address), 403),
                (NodeClient.request("CONNECT", key(9)), 403),
                (NodeClient.head("CONNECT", "/nodes/nonsense", 2) + Array("{}".utf8), 400),
                (NodeClient.head("CONNECT", "/other", 2) + Array("{}".utf8), 404),
                (body("{}"), 400), (body(""), 400), (body("[1]"), 400), (body(#"{"private_key": 5}"#), 400),
                (body(#"{"private_key": "AAAA"}"#), 400), (body(#"{"private_key": "%%%"}"#), 400),
                (NodeClient.head("CONNECT", path, 70_000), 413),
                (Array("CONNECT \(path) HTTP/1.1\r\nHost:\r\n\r\n".utf8), 411),
                (NodeClient.head("CONNECT", path, 100), 408),
                (NodeClient.request("GET", key(1)), 405),
                (NodeClient.request("DELETE", key(2), to: key(1).address), 403),
            ]
            for (request, status) in cases {
                let client = try NodeClient(target)
                client.write(request)
                let answer = try client.readAnswer()
                #expect(
                    answer.hasPrefix("HTTP/1.1 \(status) "), "\(String(decoding: request, as: UTF8.self)): \(answer)")
                #expect(answer.contains("\"error\":"))
            }
            #expect(nodes.openCount == 0)
        }
        try await serving(nil) { target in
            for method in ["CONNECT", "DELETE"] {
                let client = try NodeClient(target)
                client.write(NodeClient.request(method, key(1)))
                #expect(try client.readAnswer().hasPrefix("HTTP/1.1 501 "))
            }
        }
    }

    @Test(arguments: [
        ("Host:\r\n", 200), ("", 200), ("Host: localhost\r\n", 200), ("Host: evil.example\r\n", 403),
        ("Host:\r\nOrigin: https://evil.example\r\n", 403), ("Origin: null\r\n", 403),
    ])
    func webPagesOnTCP(_ host: String, _ status: Int) async throws {
        try await serving(tcp: true) { target in
            let client = try NodeClient(target)
            client.write(NodeClient.request("CONNECT", key(1), host: host))
            #expect(try client.readHead().hasPrefix("HTTP/1.1 \(status) "))
            // Only CONNECT may do without the field. An empty one is what Go's net/http sends; no browser does.
            let drop = try NodeClient(target)
            drop.write(NodeClient.request("DELETE", key(1), host: host))
            let expected = host.contains("localhost") || host == "Host:\r\n" ? 200 : 403
            #expect(try drop.readAnswer().hasPrefix("HTTP/1.1 \(expected) "))
        }
    }

    @Test func reopeningAfterCloseAndAfterDrop() async throws {
        let nodes = MemoryNodes()
        try await serving(nodes) { target in
            do { _ = try NodeClient(target, opening: key(1)) }
            #expect(eventually { nodes.openCount == 0 })
            let second = try NodeClient(target, opening: key(1))
            let third = try NodeClient(target, opening: key(1))
            #expect(nodes.openCount == 2)
            let drop = try NodeClient(target)
            drop.write(NodeClient.request("DELETE", key(1)))
            let answer = try drop.readAnswer()
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("\r\n\r\n{}\n"), "\(answer)")
            #expect(try second.readFrame() == nil)
            #expect(try third.readFrame() == nil)
            let fourth = try NodeClient(target, opening: key(1))
            let hello = NodeFrame.data(key(1).address, [1])
            fourth.write(hello)
            #expect(try fourth.readFrame() == hello)
            let caller = nodes.state.withLock { $0.callers.first }
            #expect(caller == .process(id: getpid(), user: getuid(), group: getgid()))
        }
    }

    @Test func nodesAreLimitedPerClientAndInAll() async throws {
        for inAll in [false, true] {
            var limits = APILimits()
            limits.connections = 3
            if inAll { limits.nodeConnections = 5 } else { limits.nodeConnectionsPerClient = 5 }
            let nodes = MemoryNodes(limits: limits)
            try await serving(nodes, limits: limits) { target in
                // More than `connections`, which counts only those without a node.
                var open = try (1...5).map { try NodeClient(target, opening: key($0)) }
                let sixth = try NodeClient(target)
                sixth.write(NodeClient.request("CONNECT", key(6)))
                let answer = try sixth.readAnswer()
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("too many nodes"), "\(answer)")
                open.removeLast()
                #expect(eventually { nodes.openCount == 4 })
                #expect(eventually { (try? NodeClient(target, opening: key(6))) != nil })
            }
        }
    }

    /// Refused by the thread that owns the connections: the answer is HTTP all the same, and the connection ends.
    @Test func differentNodesAreLimitedPerClient() async throws {
        var limits = APILimits()
        limits.nodesPerClient = 2
        let nodes = MemoryNodes(limits: limits)
        try await serving(nodes, limits: limits) { target in
            var open = try [1, 2, 2, 1].map { try NodeClient(target, opening: key($0)) }
            for _ in 0..<3 {
                let third = try NodeClient(target)
                // Frames sent ahead do not keep the answer from arriving.
                third.write(NodeClient.request("CONNECT", key(3)) + NodeFrame.data(key(1).address, [1]))
                let answer = try third.readAnswer()
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("2 different ones"), "\(answer)")
            }
            open.removeLast(3)
            #expect(eventually { nodes.openCount == 1 })
            open.append(try NodeClient(target, opening: key(3)))
            #expect(nodes.openCount == 2)
        }
    }

    /// The daemon that does not answer in time: the connection comes back to be told so, and what comes too late is nothing.
    @Test func anOpeningHasADeadline() async throws {
        var limits = APILimits()
        limits.answerTime = .milliseconds(100)
        let nodes = MemoryNodes(limits: limits)
        nodes.state.withLock { $0.isSlow = true }
        try await serving(nodes, limits: limits) { target in
            let client = try NodeClient(target)
            client.write(NodeClient.request("CONNECT", key(1)))
            #expect(try client.readAnswer().hasPrefix("HTTP/1.1 504 "))
            #expect(nodes.openCount == 0)
            nodes.state.withLock { $0.isSlow = false }
            _ = try NodeClient(target, opening: key(1))
        }
    }
}
