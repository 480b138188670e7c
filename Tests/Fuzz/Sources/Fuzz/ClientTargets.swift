import INET256
import NIOCore
import Wire

@testable import API
@testable import INET256Client

/// What a daemon sends to a client: the first byte says in how large pieces the rest comes (0: all at once), the rest
/// is frames. The server's reader, which is another one, must read the same frames.
struct ClientFrameTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        guard let step = input.first else { return }
        let stream = Array(input.dropFirst())
        let whole = Self.read(stream, step: stream.count)
        demand(
            Self.read(stream, step: step == 0 ? stream.count : Int(step)) == whole,
            "cut into pieces of \(step) it reads otherwise")
        demand(Self.write(whole.frames) == Array(stream.prefix(whole.used)), "a frame in two forms")
        let server = NodeFrameTarget.frames(stream, silent: false)
        demand(server.counts.count == whole.frames.count, "the server reads \(server.counts.count) frames")
        demand(server.counts.reduce(0, +) == whole.used, "the server reads other frames")
        demand(whole.fault == nil || server.fault != nil, "the server takes what the client refuses")
        // What the server refuses the client refuses too, when it has all of it.
        if server.fault != nil, whole.fault == nil {
            let rest = stream.count - whole.used
            let length = stream[whole.used...].prefix(4).reduce(0) { $0 << 8 | Int($1) }
            demand(rest < 4 + length, "the client takes what the server refuses")
        }
        for case .answer(_, _, let json) in whole.frames { _ = JSONReading(json) }
    }

    private struct Reading: Equatable {
        var frames: [Frame] = []
        var fault: FrameError?
        /// Bytes of those frames.
        var used = 0
    }

    /// Reads it as a connection does, in pieces of `step` bytes.
    private static func read(_ stream: [UInt8], step: Int) -> Reading {
        var reading = Reading()
        var buffer = ByteBuffer()
        for start in stride(from: 0, to: stream.count, by: max(step, 1)) {
            buffer.discardReadBytes()
            buffer.writeBytes(stream[start..<min(start + max(step, 1), stream.count)])
            do throws(FrameError) {
                var before = buffer.readableBytes
                while let frame = try Frame.next(in: &buffer) {
                    reading.frames.append(frame)
                    reading.used += before - buffer.readableBytes
                    before = buffer.readableBytes
                }
                demand(buffer.readableBytes == before, "bytes are taken and nothing is given")
            } catch {
                reading.fault = error
                return reading
            }
        }
        return reading
    }

    private static func write(_ frames: [Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames {
            switch frame {
            case .message(let address, let payload): buffer.writeMessage(payload, to: address)
            case .keepAlive: buffer.writeKeepAlive()
            case .answer(let type, let id, let json):
                // Questions are texts, answers any bytes.
                buffer.writeInteger(UInt32(Frame.typeCount + RequestID.count + json.count))
                buffer.writeInteger(type.rawValue)
                buffer.writeInteger(id.high)
                buffer.writeInteger(id.low)
                buffer.writeBytes(json)
            }
        }
        return Array(buffer.readableBytesView)
    }
}

/// The head of the daemon's answer. The first byte says in how large pieces the rest comes (0: all at once); from 0xf0
/// on it puts a long phrase before it, as long as a head may be.
struct AnswerHeadTarget: FuzzTarget {
    private static let long = Array("HTTP/1.1 200 ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 16_340)

    func run(_ input: [UInt8]) {
        guard let mode = input.first else { return }
        let isLong = mode >= 0xf0
        let stream = (isLong ? Self.long : []) + input.dropFirst()
        // A head is read from its beginning each time that more has come: not too often when it is long.
        let step = mode == 0 ? stream.count : isLong ? 4000 + Int(mode & 0x0f) : Int(mode)
        let whole = read(stream, step: stream.count)
        demand(read(stream, step: step) == whole, "cut into pieces of \(step) it reads otherwise")
        guard case .head(let head, let rest) = whole else { return }
        demand((0...999).contains(head.status), "status \(head.status)")
        demand(head.contentLength ?? 0 >= 0, "a length of \(head.contentLength ?? 0)")
        demand(rest <= stream.count, "\(rest) bytes are left of \(stream.count)")
        // What stands behind the head does not count.
        demand(read(stream + [0x0d], step: 0x10000) == .head(head, rest: rest + 1), "it depends on what follows")
    }

    private enum Reading: Equatable {
        case head(AnswerHead, rest: Int)
        case refused
        case needsMore
    }

    private func read(_ stream: [UInt8], step: Int) -> Reading {
        var buffer = ByteBuffer()
        for start in stride(from: 0, to: stream.count, by: max(step, 1)) {
            let end = min(start + max(step, 1), stream.count)
            buffer.writeBytes(stream[start..<end])
            do throws(AnswerError) {
                if let head = try AnswerHead.next(in: &buffer) {
                    return .head(head, rest: buffer.readableBytes + stream.count - end)
                }
            } catch { return .refused }
        }
        return .needsMore
    }
}

/// JSON as the client reads it, and as it writes texts.
struct ClientJSONTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        // Compared by their bytes: texts that only look alike are equal to Swift.
        let read = JSONReading(Array(jsonQuoted(text).utf8))?.text
        demand(read.map { Array($0.utf8) } == Array(text.utf8), "a text that does not come back")
        // The server reads texts of ASCII only.
        let question = Array("{\"target\":\(jsonQuoted(text))}".utf8)
        question.withUnsafeBytes { question in
            let served = JSONMembers(question)
            demand(served != nil, "the server does not take the client's JSON")
            let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
            demand(served?.text("target") == (isASCII ? Array(text.utf8) : nil), "the server reads another text")
        }
        guard let value = JSONReading(input) else { return }
        demand(JSONReading(Array(write(value).utf8)) == value, "a value that does not come back")
        demand(JSONReading(input + [0x20]) == value, "a blank behind it counts")
        guard case .object(let members) = value else { return }
        demand(JSONReading(input + [UInt8(ascii: "x")]) == nil, "what stands behind it does not count")
        let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        let end = input.lastIndex { !blanks.contains($0) } ?? 0
        demand(JSONReading(input[..<end]) == nil, "an object without its end")
        guard !input.contains(UInt8(ascii: "\\")) else { return }
        // Where the server's reader, which is another one, finds a text too, it is the same.
        input.withUnsafeBytes { bytes in
            guard let server = JSONMembers(bytes) else { return }
            for name in ["target", "prefix", "private_key", "addr"] as [StaticString] {
                guard let text = server.text(name) else { continue }
                demand(members["\(name)"]?.text.map { Array($0.utf8) } == text, "the server reads another text")
            }
        }
    }

    private func write(_ value: JSONReading) -> String {
        switch value {
        case .object(let members):
            "{" + members.map { "\(jsonQuoted($0.key)):\(write($0.value))" }.joined(separator: ",") + "}"
        case .text(let text): jsonQuoted(text)
        case .other: "0"
        }
    }
}

/// Base64 as the server and the client, each with a reader of its own, have it: they take the same texts for the same
/// bytes, and what one writes the other reads.
struct Base64Target: FuzzTarget {
    func run(_ input: [UInt8]) {
        let text = StandardBase64.text(input)
        demand(Base64Text.encode(input) == text, "two texts of the same bytes")
        demand(StandardBase64.bytes(text.utf8) == input, "the server reads other bytes than it wrote")
        demand(Base64Text.decode(text) == input, "the client reads other bytes than it wrote")
        guard let ascii = String(validating: input, as: UTF8.self) else {
            demand(StandardBase64.bytes(input) == nil, "bytes that are no text")
            return
        }
        let bytes = StandardBase64.bytes(input)
        demand(Base64Text.decode(ascii) == bytes, "server and client disagree")
        guard let bytes else { return }
        demand(StandardBase64.bytes(StandardBase64.text(bytes).utf8) == bytes, "bytes that do not come back")
        demand(bytes.count == input.count { $0 != UInt8(ascii: "=") } * 3 / 4, "\(bytes.count) bytes")
    }
}
