import Foundation
import INET256
import Logging
import Wire

@testable import API

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
    precondition(digits.count % 2 == 0 && digits.count == text.count, "not hexadecimal: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// SplitMix64: the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// A key that is the same for the same number.
func key(_ number: UInt8) -> PrivateKey {
    let seed = [UInt8](repeating: number, count: PrivateKey.seedCount)
    return PrivateKey(seed: seed.withUnsafeBytes { SecretBytes(copying: $0) })
}

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
