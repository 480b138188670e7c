import Foundation
import INET256
import NIOCore
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

    private static func id() throws -> RequestID {
        var buffer = ByteBuffer(bytes: try bytes("request_id"))
        let high = buffer.readInteger(as: UInt64.self)
        let low = buffer.readInteger(as: UInt64.self)
        return RequestID(high: try #require(high), low: try #require(low))
    }

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
        buffer.clear()
        buffer.writeQuestion(.find, try Self.id(), json: "{\"prefix\":\"dGA=\",\"nbits\":13}")
        #expect(Array(buffer.readableBytesView) == (try Self.bytes("find_addr_req")))
        buffer.clear()
        buffer.writeQuestion(.publicKey, try Self.id(), json: "{\"target\":\"\(try Self.address())\"}")
        #expect(Array(buffer.readableBytesView) == (try Self.bytes("lookup_public_key_req")))
    }

    @Test func recordedFramesAreReadHoweverTheyAreCut() throws {
        let names = ["data_empty", "keepalive", "data_hello", "find_addr_ok", "lookup_public_key_error"]
        let all = try names.flatMap { try Self.bytes($0) }
        for step in [1, 3, 7, all.count] {
            var buffer = ByteBuffer()
            var frames: [Frame] = []
            for start in stride(from: 0, to: all.count, by: step) {
                buffer.writeBytes(all[start..<min(start + step, all.count)])
                while let frame = try Frame.next(in: &buffer) { frames.append(frame) }
            }
            try #require(frames.count == names.count)
            #expect(frames[0] == .message(try Self.address(), []))
            #expect(frames[1] == .keepAlive)
            #expect(frames[2] == .message(try Self.address(), Array("hello".utf8)))
            guard case .answer(.find, let id, let found) = frames[3], case .answer(.publicKey, _, let error) = frames[4]
            else { return #expect(Bool(false), "\(frames)") }
            #expect(id == (try Self.id()))
            #expect(JSONReading(found)?["ok"]?["addr"]?.text == "\(try Self.address())")
            #expect(JSONReading(error)?["error"]?.text == "public key not found")
        }
    }

    @Test func whatIsNoFrameIsRefused() throws {
        func refused(_ bytes: [UInt8]) throws(FrameError) -> Frame? {
            var buffer = ByteBuffer(bytes: bytes)
            return try Frame.next(in: &buffer)
        }
        #expect(throws: FrameError.badLength(3)) { try refused([0, 0, 0, 3]) }
        #expect(throws: FrameError.badLength(65_572)) { try refused([0, 1, 0, 0x24]) }
        #expect(throws: FrameError.badBody(.keep)) { try refused(FakeConnection.frame("KEEP", [1])) }
        #expect(throws: FrameError.badBody(.data)) {
            try refused(FakeConnection.frame("DATA", Array(repeating: 0, count: 31)))
        }
        #expect(throws: FrameError.badBody(.find)) {
            try refused(FakeConnection.frame("FIND", Array(repeating: 0, count: 15)))
        }
        #expect(throws: FrameError.unknownType(0x5858_5858)) { try refused(FakeConnection.frame("XXXX", [])) }
        #expect(try refused([0, 1, 0, 0x23]) == nil)
    }

    @Test func base64GoesBothWays() throws {
        for count in 0...66 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 89 + 7) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64Text.encode(bytes) == text)
            #expect(Base64Text.decode(text) == bytes)
        }
        for bad in ["a", "ab*d", "ab-_", "abcde"] { #expect(Base64Text.decode(bad) == nil, "\(bad)") }
    }

    @Test func jsonIsReadStrictly() throws {
        let value = JSONReading(
            Array(#" {"a": [1, {"b": null}], "t": "x\"\u00e9\ud83d\ude00\n", "o": {"k": "v"}} "#.utf8))
        #expect(value?["t"]?.text == "x\"é😀\n")
        #expect(value?["o"]?["k"]?.text == "v")
        for bad in [
            "", "{", "{\"a\":}", "{\"a\":1,}", "\"\u{1}\"", "{} x", "[1", "\"\\ud83d\"",
            String(repeating: "[", count: 40),
        ] {
            #expect(JSONReading(Array(bad.utf8)) == nil, "\(bad)")
        }
        let quoted = jsonQuoted("a\"\\\n\u{1}é")
        #expect(JSONReading(Array(quoted.utf8))?.text == "a\"\\\n\u{1}é")
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
