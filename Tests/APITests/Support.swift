import Foundation
import INET256
import Logging
import Wire

@testable import API

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension PrivateKey {
    var jsonBody: [UInt8] {
        let text = text().withBytes { String(decoding: $0, as: UTF8.self) }
        return Array("{\"private_key\": \"\(text)\"}".utf8)
    }
}

/// Answers every request alike: what is tested here are the nodes.
struct Healthy: APIResponder {
    func respond(to request: APIRequest) async -> APIResponse { .text("ok") }
}

/// A server of nodes on a Unix socket or on loopback TCP, stopped when `body` is done.
func serving(
    _ service: (any APINodeService)? = MemoryNodes(), responder: any APIResponder = Healthy(),
    limits: APILimits = APILimits(), tcp: Bool = false,
    _ body: @escaping @Sendable (Target) throws -> Void
) async throws {
    let path = NSTemporaryDirectory() + "nodes-\(UUID().uuidString.prefix(8)).sock"
    let server = try await APIServer.listen(
        on: tcp ? try APIEndpoint(parsing: "tcp://127.0.0.1:0") : .unix(path: path), responder: responder,
        limits: limits, nodes: service, logger: silent)
    let target: Target =
        switch server.endpoint {
        case .unix(let path): .unix(path)
        case .tcp(let endpoint): .tcp(endpoint.port)
        }
    // On a thread of its own: the clients block, and must not hold up the server's tasks.
    let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: Result { try body(target) }) }
    }
    await server.close()
    unlink(path + ".lock")
    try result.get()
}

/// Looks again and again until `condition` holds or the time is up: for things that happen on other threads.
func eventually(seconds: Double = 5, _ condition: () -> Bool) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}
