import Foundation
import INET256
import Synchronization
import Testing
import Wire

@testable import API

@Suite struct NodeSessionTests {
    @Test(arguments: [false, true])
    func messagesOfManySizesBetweenTwo(_ tcp: Bool) async throws {
        let nodes = MemoryNodes()
        try await serving(nodes, tcp: tcp) { target in
            let one = try NodeClient(target, opening: key(1))
            let two = try NodeClient(target, opening: key(2))
            for size in [0, 1, 1200, 65_534, 65_535] {
                let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
                one.write(APIFrame.data(key(2).address, payload))
                #expect(try two.readFrame() == APIFrame.data(key(1).address, payload), "\(size) bytes")
            }
            // A burst in one write goes over in few batches, KEEP frames between or not.
            let before = nodes.state.withLock { $0.batches.count }
            let burst = (0..<40).flatMap { APIFrame.data(key(2).address, [UInt8($0)]) }
            one.write(burst)
            for number in 0..<40 { #expect(try two.readFrame()?.last == UInt8(number)) }
            #expect(nodes.state.withLock { $0.batches.count } - before <= 3)
            // Byte by byte.
            for byte in APIFrame.keep + APIFrame.data(key(2).address, [7]) { one.write([byte]) }
            #expect(try two.readFrame() == APIFrame.data(key(1).address, [7]))
        }
    }

    @Test func twoClientsOnOneAddress() async throws {
        try await serving { target in
            let first = try NodeClient(target, opening: key(1))
            let second = try NodeClient(target, opening: key(1))
            let message = APIFrame.data(key(1).address, [5])
            second.write(message)
            #expect(try first.readFrame() == message)
            first.closeHalf()
            #expect(try first.readFrame() == nil)
            second.write(message)
            #expect(try second.readFrame() == message)
        }
    }

    @Test func questionsAreAnsweredAsRecorded() async throws {
        let vectors = try FrameVectors.load()
        try await serving { target in
            let client = try NodeClient(target, opening: key(1))
            client.write(hex(vectors.findAddrReq))
            #expect(try client.readFrame() == hex(vectors.findAddrError))
            client.write(hex(vectors.lookupPublicKeyReq))
            #expect(try client.readFrame() == hex(vectors.lookupPublicKeyError))
            func ask(_ type: String, _ json: String) throws -> String {
                let content = Array(type.utf8) + [UInt8](repeating: 7, count: 16) + Array(json.utf8)
                client.write([0, 0, UInt8(content.count >> 8), UInt8(content.count & 255)] + content)
                let answer = try client.readFrame() ?? []
                #expect(answer.dropFirst(4).prefix(20).elementsEqual(content.prefix(20)))
                return String(decoding: answer.dropFirst(24), as: UTF8.self)
            }
            let address = key(1).address
            let prefix = Data(address.raw.bytes).base64EncodedString()
            for bits in [0, 7, 64, 256] {
                #expect(
                    try ask("FIND", "{\"prefix\":\"\(prefix)\",\"nbits\":\(bits)}")
                        == "{\"ok\":{\"addr\":\"\(address)\"}}")
            }
            let text = Data(key(1).publicKey.serialized).base64EncodedString()
            #expect(try ask("PUBK", "{\"target\":\"\(address)\"}") == "{\"ok\":{\"public_key\":\"\(text)\"}}")
            let wrong = [
                "", "x", "{}", #"{"prefix":"AA==","nbits":9}"#, #"{"prefix":"AA==","nbits":-1}"#,
                #"{"prefix":"?","nbits":1}"#, #"{"prefix":"AA==","nbits":257}"#,
            ]
            for json in wrong { #expect(try ask("FIND", json).contains("\"error\":"), "\(json)") }
            #expect(try ask("PUBK", #"{"target":"x"}"#).contains("target is not an address"))
        }
    }

    @Test func questionsOverlapAndAreLimited() async throws {
        var limits = APILimits()
        limits.nodeRequests = 4
        let nodes = MemoryNodes(hanging: key(8).address)
        try await serving(nodes, limits: limits) { target in
            let client = try NodeClient(target, opening: key(1))
            func question(_ id: UInt8, _ address: Address) -> [UInt8] {
                let content =
                    Array("PUBK".utf8) + [UInt8](repeating: id, count: 16) + Array("{\"target\":\"\(address)\"}".utf8)
                return [0, 0, 0, UInt8(content.count)] + content
            }
            // Three hang; the fourth overtakes them. Then four hang, and the next is refused.
            client.write((1...3).flatMap { question($0, key(8).address) } + question(4, key(1).address))
            #expect(try client.readFrame()?[8] == 4)
            client.write(question(5, key(8).address) + question(6, key(8).address))
            let refused = try client.readFrame() ?? []
            #expect(refused.count > 8 && refused[8] == 6)
            #expect(String(decoding: refused, as: UTF8.self).contains("more than 4 requests at once"))
        }
    }

    @Test(arguments: [
        [0, 1, 0, 0x24], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 35] + Array("DATA".utf8),
        [0, 0, 0, 5] + Array("KEEP".utf8), [0, 0, 0, 19] + Array("FIND".utf8), [0, 0, 0, 40] + Array("NOPE".utf8),
    ])
    func badFramesEndThatConnectionOnly(_ bytes: [UInt8]) async throws {
        let nodes = MemoryNodes()
        try await serving(nodes) { target in
            let good = try NodeClient(target, opening: key(1))
            let bad = try NodeClient(target, opening: key(2))
            let last = APIFrame.data(key(1).address, [3])
            bad.write(last + bytes)
            #expect(try bad.readFrame() == nil)
            #expect(try good.readFrame() == APIFrame.data(key(2).address, [3]))
            good.write(APIFrame.data(key(1).address, [4]))
            #expect(try good.readFrame() == APIFrame.data(key(1).address, [4]))
            #expect(eventually { nodes.openCount == 1 })
        }
    }

    @Test func keepsComeAndSilenceEnds() async throws {
        var limits = APILimits()
        limits.keepInterval = .milliseconds(50)
        limits.silence = .milliseconds(400)
        let nodes = MemoryNodes()
        try await serving(nodes, limits: limits) { target in
            let talker = try NodeClient(target, opening: key(1))
            let start = Date()
            let mute = try NodeClient(target, opening: key(2))
            var keeps = 0
            while let frame = try mute.readFrame(keeps: true) {
                #expect(frame == APIFrame.keep)
                keeps += 1
                talker.write(APIFrame.keep)
            }
            let passed = Date().timeIntervalSince(start)
            #expect(passed > 0.35 && passed < 3, "\(passed)")
            #expect(keeps >= 2 && keeps <= 9, "\(keeps)")
            // Who was heard all the while is still there.
            talker.write(APIFrame.data(key(1).address, [1]))
            #expect(try talker.readFrame() == APIFrame.data(key(1).address, [1]))
        }
    }

    @Test func aSlowReaderLosesMessagesAndBlocksNobody() async throws {
        var limits = APILimits()
        limits.nodeBytesQueued = 1 << 20
        let nodes = MemoryNodes()
        try await serving(nodes, limits: limits) { target in
            let slow = try NodeClient(target, opening: key(1))
            let writer = try NodeClient(target, opening: key(2))
            let other = try NodeClient(target, opening: key(3))
            let message = APIFrame.data(key(1).address, [UInt8](repeating: 1, count: 60_000))
            let count = 400
            for _ in 0..<count { #expect(writer.write(message)) }
            writer.write(APIFrame.data(key(3).address, [9]))
            #expect(try other.readFrame() == APIFrame.data(key(2).address, [9]))
            let lost = nodes.lost
            #expect(lost > 0)
            // The queue, the channel's buffer and the kernel's hold the rest, whole and in order.
            for _ in 0..<(count - lost) { #expect(try slow.readFrame()?.count == message.count) }
            writer.write(APIFrame.data(key(1).address, [2]))
            #expect(try slow.readFrame() == APIFrame.data(key(2).address, [2]))
            let held = (count - lost) * message.count
            #expect(held < 8 << 20, "\(held) bytes were held for one client")
        }
    }

    @Test func aFullDataPlaneStopsTheReading() async throws {
        var limits = APILimits()
        limits.nodeBytesInFlight = 256 << 10
        let nodes = MemoryNodes()
        try await serving(nodes, limits: limits) { target in
            nodes.state.withLock { $0.isStuck = true }
            let client = try NodeClient(target, opening: key(1))
            let frame = APIFrame.data(key(7).address, [UInt8](repeating: 1, count: 60_000))
            // Written without waiting until nothing more is taken for a while.
            var pending = frame[...]
            var written = 0
            var idle = 0
            while idle < 50, written < 64 << 20 {
                let count = client.writeNow(Array(pending))
                written += count
                pending = pending.dropFirst(count)
                if pending.isEmpty { pending = frame[...] }
                idle = count == 0 ? idle + 1 : 0
                if count == 0 { usleep(4000) }
            }
            let handedOver = nodes.state.withLock { $0.batches.reduce(0, +) }
            #expect(handedOver > 256 << 10 && handedOver < 2 << 20, "\(handedOver) bytes in flight")
            #expect(written < 16 << 20)
            nodes.release()
            client.write(Array(pending) + APIFrame.data(key(1).address, [6]))
            #expect(try client.readFrame() == APIFrame.data(key(1).address, [6]))
        }
    }
}
