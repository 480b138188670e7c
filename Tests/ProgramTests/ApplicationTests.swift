import API
import DataPlane
import Foundation
import INET256
import Logging
import Mesh
import Settings
import System
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// Applications on a data plane of their own: the thread, its poller and real sockets, without peers and privileges.
@Suite(.serialized) struct ApplicationTests {
    @Test func messagesOfManySizesGoThrough() async throws {
        try await Island.with { island in
            let (a, b) = (Island.key(1), Island.key(2))
            let one = try #require(Application(island.path, opening: a))
            let two = try #require(Application(island.path, opening: b))
            for size in [0, 1, 1200, 65_535] {
                let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
                one.write(Application.frame(b.address, payload))
                #expect(two.readFrame() == Application.frame(a.address, payload), "\(size) bytes")
            }
            // A thousand in few writes come in order.
            one.write((0..<1000).flatMap { Application.frame(b.address, [UInt8($0 & 255), UInt8($0 >> 8)]) })
            for number in 0..<1000 {
                #expect(two.readFrame() == Application.frame(a.address, [UInt8(number & 255), UInt8(number >> 8)]))
            }
        }
    }

    @Test func aSlowReaderLosesMessagesAndBlocksNobody() async throws {
        try await Island.with { island in
            let (a, b, c) = (Island.key(1), Island.key(2), Island.key(3))
            let writer = try #require(Application(island.path, opening: a))
            let slow = try #require(Application(island.path, opening: b))
            let other = try #require(Application(island.path, opening: c))
            let message = Application.frame(b.address, [UInt8](repeating: 1, count: 60_000))
            let count = 300
            for _ in 0..<count { writer.write(message) }
            writer.write(Application.frame(c.address, [9]))
            #expect(other.readFrame() == Application.frame(a.address, [9]))
            // The one behind gets what the first has no room for.
            let second = try #require(Application(island.path, opening: b))
            writer.write(Application.frame(b.address, [UInt8](repeating: 7, count: 60_000)))
            #expect(second.readFrame()?.last == 7)
            // 4 MiB here and what the kernel holds, whole and in order. A KEEP comes when nothing waits any more.
            var read = 0
            while let frame = slow.readFrame(keeps: true), frame.count > 8 {
                #expect(frame.count == message.count)
                read += 1
            }
            #expect(read >= 60 && read < 140, "\(read) messages were held")
        }
    }

    @Test func theEndOfTheDataPlaneEndsConnections() async throws {
        let application = try await Island.with { island in
            let application = try #require(Application(island.path, opening: Island.key(1)))
            application.write(Application.frame(Island.key(1).address, [1]))
            #expect(application.readFrame() != nil)
            return application
        }
        #expect(application.readFrame() == nil)
    }

    @Test func thousandsOfOpensAndClosesLeaveNothingBehind() async throws {
        try await Island.with { island in
            func round(_ count: Int) {
                for number in 0..<count {
                    guard let application = Application(island.path, opening: Island.key(UInt8(number % 50))) else {
                        Issue.record("number \(number) was not opened")
                        return
                    }
                    // Half a frame, whole ones, or nothing is under way when it goes.
                    switch number % 3 {
                    case 0: application.write([0, 0, 255, 0] + Array("DATA".utf8) + [1, 2, 3])
                    case 1: application.write(Application.frame(Island.key(7).address, [1, 2, 3]))
                    default: break
                    }
                }
            }
            round(2000)
            let descriptors = try Self.descriptors()
            let memory = ProcessMemory.resident()
            round(8000)
            let more = Int64(ProcessMemory.resident()) - Int64(memory)
            #expect(more < 24 << 20, "\(more) bytes more than before")
            var left = 0
            for _ in 0..<100 {
                left = try Self.descriptors() - descriptors
                if left <= 4 { break }
                usleep(20_000)
            }
            #expect(left <= 4, "\(left) more descriptors than before")
        }
    }

    private static func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
}

/// The data plane of `inet256vpn island`, in this process.
private struct Island: Sendable {
    let path: String

    static func key(_ number: UInt8) -> PrivateKey {
        let seed = [UInt8](repeating: number, count: PrivateKey.seedCount)
        return PrivateKey(seed: seed.withUnsafeBytes { SecretBytes(copying: $0) })
    }

    static func with<R: Sendable>(_ body: @escaping @Sendable (Island) throws -> R) async throws -> R {
        let directory = try TemporaryDirectory()
        var configuration = Configuration(directory: directory.path)
        configuration.transports = []
        configuration.portal.enabled = false
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let inbox = try NodeInbox()
        let mailbox = try Mailbox<EngineCommand>()
        let setup = DaemonSetup(
            configuration: configuration, file: "", key: key(255), nodeKeys: [], log: LogOutput(configuration.log),
            warnings: [])
        var engine = try DataPlanePlan(setup, mailbox: mailbox, inbox: inbox, logger: silent, startMilliseconds: 1)
            .setup()
        // The clients of these tests send no KEEP.
        engine.apiLimits.silence = .seconds(60)
        let thread = try await EngineThread.start(engine)
        let path = directory.file("api.sock")
        var limits = APILimits()
        limits.connections = 4096
        limits.connectionsPerClient = 4096
        limits.nodeConnectionsPerClient = 4096
        let server = try await APIServer.listen(
            on: .unix(path: path), responder: Nothing(), limits: limits,
            nodes: ApplicationNodes(inbox: inbox, logger: silent), logger: silent)
        // The clients block: on a thread of their own they do not hold up the server's tasks.
        let result: Result<R, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try body(Island(path: path)) }) }
        }
        try mailbox.post(.stop(keeping: false))
        for await ended in thread.ended { try ended.get() }
        await server.close()
        return try result.get()
    }

    private struct Nothing: APIResponder {
        func respond(to request: APIRequest) async -> APIResponse { .text("ok") }
    }
}

/// A client with a plain blocking socket.
private final class Application: Sendable {
    private let socket: Int32

    /// Nil when the node could not be opened.
    init?(_ path: String, opening key: PrivateKey) {
        socket = Foundation.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { return nil }
        let body = "{\"private_key\": \"\(key.text().withBytes { String(decoding: $0, as: UTF8.self) })\"}"
        let head = "CONNECT /nodes/\(key.address) HTTP/1.1\r\nHost:\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        write(Array((head + body).utf8))
        guard String(decoding: read(19), as: UTF8.self) == "HTTP/1.1 200 OK\r\n\r\n" else { return nil }
    }

    deinit { close(socket) }

    static func frame(_ address: Address, _ payload: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(36 + payload.count).bigEndian) { Array($0) } + Array("DATA".utf8)
            + address.raw.bytes + payload
    }

    func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            sent += count
        }
    }

    /// The next frame, KEEP only when asked for; nil at the end, or when nothing comes.
    func readFrame(keeps: Bool = false) -> [UInt8]? {
        while true {
            let head = read(8)
            guard head.count == 8 else { return nil }
            let frame = head + read(head.prefix(4).reduce(0) { $0 << 8 | Int($1) } - 4)
            if keeps || !frame.dropFirst(4).elementsEqual("KEEP".utf8) { return frame }
        }
    }

    private func read(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var chunk = [UInt8](repeating: 0, count: count - bytes.count)
            let came = recv(socket, &chunk, chunk.count, 0)
            if came <= 0 { break }
            bytes += chunk[..<came]
        }
        return bytes
    }
}
