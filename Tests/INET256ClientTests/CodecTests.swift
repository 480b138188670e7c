import Foundation
import INET256
import NIOCore
import NodeProtocol
import Testing
import Wire

@testable import INET256Client

@Suite struct CodecTests {
    private static let vectors: [String: String] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors/inet256.json")
        guard let data = try? Data(contentsOf: file),
            let all = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return [:] }
        // Some values are numbers; the frames are texts.
        return (all["api_frames"] as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        let text = try #require(vectors[name])
        return stride(from: 0, to: text.count, by: 2).compactMap {
            let start = text.index(text.startIndex, offsetBy: $0)
            return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16)
        }
    }

    static func address() throws -> Address { Address(raw: try #require(Bytes32(try bytes("address_hex")))) }

    @Test func framesAreWrittenAsRecorded() throws {
        var buffer = ByteBuffer()
        buffer.writeMessage([], to: try Self.address())
        #expect(Array(buffer.readableBytesView) == (try Self.bytes("data_empty")))
        buffer.clear()
        buffer.writeMessage(Array("hello".utf8), to: try Self.address())
        #expect(Array(buffer.readableBytesView) == (try Self.bytes("data_hello")))
        buffer.clear()
        buffer.writeKeepAlive()
        #expect(Array(buffer.readableBytesView) == (try Self.bytes("keepalive")))
    }

    @Test func recordedFramesAreReadHoweverTheyAreCut() throws {
        let names = ["data_empty", "keepalive", "data_hello", "find_addr_ok", "lookup_public_key_error"]
        let each = try names.map { try Self.bytes($0) }
        let all = each.flatMap { $0 }
        for step in [1, 3, 7, all.count] {
            var buffer = ByteBuffer()
            var frames: [[UInt8]] = []
            for start in stride(from: 0, to: all.count, by: step) {
                buffer.writeBytes(all[start..<min(start + step, all.count)])
                while try buffer.nextFrame({ frames.append([UInt8]($0.bytes)) }) {}
            }
            #expect(frames == each && buffer.readableBytes == 0)
        }
    }

    /// Of a frame that was begun, what it lacks is taken and no more.
    @Test func aBegunFrameIsCompleted() throws {
        let frame = try Self.bytes("data_hello")
        for begun in 1..<frame.count {
            var started = ByteBuffer(bytes: frame[..<begun])
            var more = ByteBuffer(bytes: frame[begun...] + [9, 9])
            let isWhole = started.completeFrame(from: &more)
            #expect(isWhole && Array(started.readableBytesView) == frame && more.readableBytes == 2)
        }
        var started = ByteBuffer(bytes: frame[..<2])
        var few = ByteBuffer(bytes: frame[2..<7])
        let isWhole = started.completeFrame(from: &few)
        #expect(!isWhole && few.readableBytes == 0)
        // What is no frame is for `nextFrame` to find.
        var wrong = ByteBuffer(bytes: [0xff])
        var rest = ByteBuffer(bytes: [0xff, 0xff, 0xff, 1])
        let isFound = wrong.completeFrame(from: &rest)
        #expect(isFound)
        #expect(throws: NodeFrameError.self) { try wrong.nextFrame { _ in } }
    }

    @Test func headsOfAnswersAreRead() throws {
        func head(_ text: String) throws(AnswerError) -> (AnswerHead?, Int) {
            var buffer = ByteBuffer(string: text)
            let head = try AnswerHead.next(in: &buffer)
            return (head, buffer.readableBytes)
        }
        let (ok, rest) = try head("HTTP/1.1 200 OK\r\nX: y\r\n\r\nframes")
        #expect(ok?.status == 200 && rest == 6)
        #expect(try head("HTTP/1.1 403 Forbidden\ncontent-LENGTH: 12\n\n").0?.contentLength == 12)
        #expect(try head("HTTP/1.1 200").0 == nil)
        for bad in ["SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n", "\r\n\r\n"] {
            #expect(throws: AnswerError.notHTTP, "\(bad)") { try head(bad) }
        }
        #expect(throws: AnswerError.notHTTP) { try head("HTTP/1.1 200 " + String(repeating: "x", count: 20_000)) }
    }

    @Test func endpointsAreParsed() throws {
        #expect(try ClientEndpoint(parsing: "unix:///run/x.sock") == .unix(path: "/run/x.sock"))
        #expect(try ClientEndpoint(parsing: "tcp://127.0.0.1:2560") == .tcp(host: "127.0.0.1", port: 2560))
        #expect(try ClientEndpoint(parsing: "tcp://[::1]:2560") == .tcp(host: "::1", port: 2560))
        for bad in ["", "unix://", "http://x", "tcp://x", "tcp://::1:1", "tcp://x:0", "tcp://:1", "tcp://x:70000"] {
            #expect(throws: ClientEndpointError.self, "\(bad)") { try ClientEndpoint(parsing: bad) }
        }
    }
}
