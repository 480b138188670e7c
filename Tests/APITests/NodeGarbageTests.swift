import Foundation
import INET256
import NodeProtocol
import TestSupport
import Testing

@testable import API

@Suite(.serialized) struct NodeGarbageTests {
    /// 100,000 requests and frames with bytes changed, cut, doubled: the server lives and serves the next client.
    @Test func mutatedRequestsAndFrames() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var limits = APILimits()
        limits.lingerTime = .milliseconds(20)
        limits.nodeConnectionsPerClient = 4096
        limits.connections = 4096
        let vectors = try RecordedFrames.load()
        let frames = [
            vectors.dataHello, vectors.dataEmpty, vectors.findAddrReq, vectors.lookupPublicKeyReq, vectors.keepalive,
        ].map(hex)
        let nodes = MemoryNodes()
        try await serving(nodes, limits: limits) { target in
            var random = SplitMix(seed: seed)
            func mutated(_ bytes: [UInt8]) -> [UInt8] {
                var bytes = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                    let index = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                    case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 2: bytes.removeSubrange(index...)
                    case 3: bytes.insert(contentsOf: bytes[..<index], at: index)
                    default: bytes.remove(at: index)
                    }
                }
                return bytes
            }
            for round in 0..<20_000 {
                let client = try NodeClient(target)
                let request = NodeClient.request(round % 8 == 0 ? "DELETE" : "CONNECT", key(1))
                client.write(mutated(request))
            }
            var count = 20_000
            while count < 100_000 {
                let client = try NodeClient(target, opening: key(UInt8.random(in: 1...3, using: &random)))
                // Many in one connection: most end it early, and the rest must be ignored then.
                for _ in 0..<8 {
                    client.write(mutated(frames[Int.random(in: frames.indices, using: &random)]))
                    count += 1
                }
            }
            #expect(eventually { nodes.openCount == 0 }, "seed \(seed)")
            let good = try NodeClient(target, opening: key(1))
            let hello = NodeFrame.data(key(1).address, Array("hello".utf8))
            good.write(hello)
            #expect(try good.readFrame() == hello, "seed \(seed)")
        }
    }

    @Test func opensAndClosesLeaveNothingOpen() async throws {
        let nodes = MemoryNodes()
        try await serving(nodes) { target in
            // Only this server's connections: other tests of the process run at the same time.
            for round in 0..<10_000 {
                let client = try NodeClient(target, opening: key(UInt8(round % 7 + 1)))
                if round % 3 == 0 { client.closeHalf() }
            }
            #expect(eventually { nodes.openCount == 0 })
            guard case .unix(let path) = target else { return }
            // Connections of a Unix socket carry its path; its listener is what stays.
            #expect(eventually { Self.sockets(path) == 1 }, "\(Self.sockets(path)) sockets are open")
            let half = try NodeClient(target)
            half.write(Array(NodeClient.request("CONNECT", key(1)).dropLast(5)))
            half.closeHalf()
            #expect(try half.readToEnd() == [])
            #expect(eventually { Self.sockets(path) == 1 })
        }
    }

    /// Descriptors of this process that are sockets bound to `path`.
    private static func sockets(_ path: String) -> Int {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return entries.count { entry in
            guard let descriptor = Int32(entry) else { return false }
            var address = sockaddr_un()
            var length = socklen_t(MemoryLayout<sockaddr_un>.size)
            return withUnsafeMutableBytes(of: &address) { bytes in
                let result = bytes.withMemoryRebound(to: sockaddr.self) {
                    getsockname(descriptor, $0.baseAddress, &length)
                }
                guard result == 0, length > 2 else { return false }
                return bytes[2...].prefix { $0 != 0 }.elementsEqual(path.utf8)
            }
        }
    }
}
