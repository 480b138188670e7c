import Foundation
import INET256
import NodeProtocol
import Synchronization
import TestSupport
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
                one.write(NodeFrame.data(key(2).address, payload))
                #expect(try two.readFrame() == NodeFrame.data(key(1).address, payload), "\(size) bytes")
            }
            // A burst in one write goes over in few batches, KEEP frames between or not.
            let before = nodes.state.withLock { $0.batches.count }
            let burst = (0..<40).flatMap { NodeFrame.data(key(2).address, [UInt8($0)]) }
            one.write(burst)
            for number in 0..<40 { #expect(try two.readFrame()?.last == UInt8(number)) }
            #expect(nodes.state.withLock { $0.batches.count } - before <= 3)
            // Byte by byte.
            for byte in NodeFrame.keep + NodeFrame.data(key(2).address, [7]) { one.write([byte]) }
            #expect(try two.readFrame() == NodeFrame.data(key(1).address, [7]))
        }
    }

    @Test func twoClientsOnOneAddress() async throws {
        try await serving { target in
            let first = try NodeClient(target, opening: key(1))
            let second = try NodeClient(target, opening: key(1))
            let message = NodeFrame.data(key(1).address, [5])
            second.write(message)
            #expect(try first.readFrame() == message)
            first.closeHalf()
            #expect(try first.readFrame() == nil)
            second.write(message)
            #expect(try second.readFrame() == message)
        }
    }

    @Test func questionsAreAnsweredAsRecorded() async throws {
        let vectors = try RecordedFrames.load()
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
        let nodes = MemoryNodes(hanging: key(8).address, limits: limits)
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
            let last = NodeFrame.data(key(1).address, [3])
            bad.write(last + bytes)
            #expect(try bad.readFrame() == nil)
            #expect(try good.readFrame() == NodeFrame.data(key(2).address, [3]))
            good.write(NodeFrame.data(key(1).address, [4]))
            #expect(try good.readFrame() == NodeFrame.data(key(1).address, [4]))
            #expect(eventually { nodes.openCount == 1 })
        }
    }

    @Test func keepsComeAndSilenceEnds() async throws {
        var limits = APILimits()
        limits.keepInterval = .milliseconds(50)
        limits.silence = .milliseconds(400)
        let nodes = MemoryNodes(limits: limits)
        try await serving(nodes, limits: limits) { target in
            let talker = try NodeClient(target, opening: key(1))
            let start = Date()
            let mute = try NodeClient(target, opening: key(2))
            var keeps = 0
            while let frame = try mute.readFrame(keeps: true) {
                #expect(frame == NodeFrame.keep)
                keeps += 1
                talker.write(NodeFrame.keep)
            }
            let passed = Date().timeIntervalSince(start)
            #expect(passed > 0.35 && passed < 3, "\(passed)")
            #expect(keeps >= 2 && keeps <= 9, "\(keeps)")
            // Who was heard all the while is still there.
            talker.write(NodeFrame.data(key(1).address, [1]))
            #expect(try talker.readFrame() == NodeFrame.data(key(1).address, [1]))
        }
    }

    @Test func aSlowReaderLosesMessagesAndBlocksNobody() async throws {
        var limits = APILimits()
        limits.nodeBytesQueued = 1 << 20
        let nodes = MemoryNodes(limits: limits)
        try await serving(nodes, limits: limits) { target in
            let slow = try NodeClient(target, opening: key(1))
            let writer = try NodeClient(target, opening: key(2))
            let other = try NodeClient(target, opening: key(3))
            let message = NodeFrame.data(key(1).address, [UInt8](repeating: 1, count: 60_000))
            let count = 400
            for _ in 0..<count { #expect(writer.write(message)) }
            writer.write(NodeFrame.data(key(3).address, [9]))
            #expect(try other.readFrame() == NodeFrame.data(key(2).address, [9]))
            let lost = nodes.lost
            #expect(lost > 0)
            // The queue, the channel's buffer and the kernel's hold the rest, whole and in order.
            for _ in 0..<(count - lost) { #expect(try slow.readFrame()?.count == message.count) }
            writer.write(NodeFrame.data(key(1).address, [2]))
            #expect(try slow.readFrame() == NodeFrame.data(key(2).address, [2]))
            let held = (count - lost) * message.count
            #expect(held < 8 << 20, "\(held) bytes were held for one client")
        }
    }

    /// Several slow readers of one client share what may wait for it; another client's connection has its own.
    @Test func slowReadersOfOneClientShareALimit() async throws {
        var limits = APILimits()
        limits.nodeBytesQueued = 4 << 20
        limits.nodeBytesQueuedPerClient = 5 << 20
        limits.silence = .seconds(60)
        let nodes = MemoryNodes(limits: limits)
        try await serving(nodes, limits: limits) { target in
            let slow = try (1...3).map { try NodeClient(target, opening: key($0)) }
            let writer = try NodeClient(target, opening: key(9))
            for number in UInt8(1)...3 {
                let message = NodeFrame.data(key(number).address, [UInt8](repeating: 1, count: 60_000))
                for _ in 0..<100 { #expect(writer.write(message)) }
            }
            writer.write(NodeFrame.data(key(9).address, [1]))
            #expect(try writer.readFrame() == NodeFrame.data(key(9).address, [1]))
            let held = (300 - nodes.lost) * 60_040
            #expect(held > 5 << 20 && held < 8 << 20, "\(held) bytes were held for one client")
            // Room again as soon as something is read; a KEEP comes when nothing waits any more.
            for client in slow {
                while let frame = try client.readFrame(keeps: true), frame.count == 60_040 {}
            }
            let lost = nodes.lost
            writer.write(NodeFrame.data(key(1).address, [2]) + NodeFrame.data(key(9).address, [2]))
            #expect(try writer.readFrame() == NodeFrame.data(key(9).address, [2]))
            #expect(nodes.lost == lost)
        }
    }

    /// While there is no room the thread sleeps, the client's kernel buffer fills, and nothing is lost.
    @Test func aFullDataPlaneStopsTheReading() async throws {
        let nodes = MemoryNodes()
        try await serving(nodes) { target in
            let client = try NodeClient(target, opening: key(1))
            let second = try NodeClient(target, opening: key(2))
            nodes.state.withLock { $0.isStuck = true }
            let frame = NodeFrame.data(key(7).address, [UInt8](repeating: 1, count: 60_000))
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
            #expect(handedOver < 2 << 20, "\(handedOver) bytes were taken")
            #expect(written < 16 << 20)
            // Ready to be read, and one of them gone: neither wakes the thread again and again.
            second.write(NodeFrame.data(key(7).address, [1]))
            second.closeHalf()
            let turns = nodes.state.withLock { $0.turns }
            usleep(400_000)
            let more = nodes.state.withLock { $0.turns } - turns
            #expect(more < 40, "\(more) turns with nothing to do")
            nodes.release()
            client.write(Array(pending) + NodeFrame.data(key(1).address, [6]))
            #expect(try client.readFrame() == NodeFrame.data(key(1).address, [6]))
            let frames = (written + pending.count) / frame.count
            // The one of the other connection comes by itself.
            #expect(eventually { nodes.lost == frames + 1 }, "all of them were taken in: nobody has that node open")
        }
    }

    /// A client that asks on and never reads is not read on, costs little and ends.
    @Test func whoNeverReadsAnswersIsNotRead() async throws {
        var limits = APILimits()
        limits.silence = .milliseconds(800)
        let nodes = MemoryNodes(limits: limits)
        try await serving(nodes, limits: limits) { target in
            let client = try NodeClient(target, opening: key(1))
            let json = Array("{\"target\":\"\(key(1).address)\"}".utf8)
            let content = Array("PUBK".utf8) + [UInt8](repeating: 3, count: 16) + json
            let question = [0, 0, 0, UInt8(content.count)] + content
            let many = Array(repeatElement(question, count: 500).joined())
            var pending = many[...]
            var written = 0
            let end = Date(timeIntervalSinceNow: 6)
            while Date() < end, written < 64 << 20, nodes.openCount > 0 {
                let count = client.writeNow(Array(pending))
                written += count
                pending = pending.dropFirst(count)
                if pending.isEmpty { pending = many[...] }
                if count == 0 { usleep(4000) }
            }
            #expect(written < 8 << 20, "\(written) bytes of questions were taken")
            #expect(eventually { nodes.openCount == 0 }, "silent, as far as we know")
            let other = try NodeClient(target, opening: key(1))
            other.write(question)
            #expect(try other.readFrame()?[8] == 3)
        }
    }

    @Test func questionsAreLimitedPerClientAndInAll() async throws {
        for inAll in [false, true] {
            var limits = APILimits()
            limits.nodeRequests = 4
            if inAll { limits.nodeRequestsInAll = 6 } else { limits.nodeRequestsPerClient = 6 }
            let nodes = MemoryNodes(hanging: key(8).address, limits: limits)
            try await serving(nodes, limits: limits) { target in
                let clients = try (1...2).map { try NodeClient(target, opening: key($0)) }
                let json = Array("{\"target\":\"\(key(8).address)\"}".utf8)
                let content = Array("PUBK".utf8) + [UInt8](repeating: 1, count: 16) + json
                let question = [0, 0, 0, UInt8(content.count)] + content
                func settled(_ client: NodeClient) throws {
                    client.write(NodeFrame.data(key(1).address, [1]))
                    #expect(try clients[0].readFrame()?.last == 1)
                }
                for _ in 0..<4 { clients[0].write(question) }
                try settled(clients[0])
                for _ in 0..<2 { clients[1].write(question) }
                try settled(clients[1])
                clients[1].write(question)
                let refused = String(decoding: try clients[1].readFrame() ?? [], as: UTF8.self)
                #expect(refused.contains(inAll ? "too many requests at once" : "more than 6 requests of this client"))
            }
            // Those of a connection that ended do not count.
            try await serving(nodes, limits: limits) { target in
                for _ in 0..<4 {
                    let client = try NodeClient(target, opening: key(1))
                    let json = Array("{\"target\":\"\(key(8).address)\"}".utf8)
                    let content = Array("PUBK".utf8) + [UInt8](repeating: 1, count: 16) + json
                    for _ in 0..<3 { client.write([0, 0, 0, UInt8(content.count)] + content) }
                    client.write(NodeFrame.data(key(1).address, [7]))
                    #expect(try client.readFrame()?.last == 7)
                    client.closeHalf()
                    #expect(try client.readFrame() == nil)
                }
            }
        }
    }
}
