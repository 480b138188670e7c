import INET256
import NIOCore
import NodeProtocol
import Wire

@testable import INET256Client

/// What a daemon sends to a client: the first byte says in how large pieces the rest comes (0: all at once), the rest
/// is frames. However it is cut, the same frames are read, and what it is put together of in NIO's buffers says the same.
struct ClientFrameTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        guard let step = input.first else { return }
        let stream = Array(input.dropFirst())
        let whole = Self.read(stream, step: stream.count)
        demand(
            Self.read(stream, step: step == 0 ? stream.count : Int(step)) == whole,
            "cut into pieces of \(step) it reads otherwise")
        demand(whole == NodeFrameTarget.frames(stream, silent: false), "the client reads other frames than the server")
        stream.withUnsafeBytes { bytes in
            var rest = bytes
            for count in whole.counts {
                if let frame = try? NodeFrame.first(in: rest) { Self.check(frame) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
        Self.checkCompletion(stream, whole)
    }

    /// Reads it as a connection does, in pieces of `step` bytes.
    private static func read(_ stream: [UInt8], step: Int) -> NodeFrameTarget.Reading {
        var reading = NodeFrameTarget.Reading()
        var buffer = ByteBuffer()
        for start in stride(from: 0, to: stream.count, by: max(step, 1)) {
            buffer.discardReadBytes()
            buffer.writeBytes(stream[start..<min(start + max(step, 1), stream.count)])
            do throws(NodeFrameError) {
                var before = buffer.readableBytes
                while try buffer.nextFrame({ reading.counts.append($0.bytes.count) }) {
                    demand(before - buffer.readableBytes == reading.counts.last, "other bytes are taken than are given")
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

    private static func check(_ frame: NodeFrame) {
        switch frame.kind {
        case .data:
            var buffer = ByteBuffer()
            buffer.writeMessage([UInt8](frame.payload), to: frame.address)
            demand(Array(buffer.readableBytesView) == Array(frame.bytes), "a message in two forms")
        case .keep: break
        case .find, .publicKey: _ = try? NodeAnswer(frame.kind, frame.json)
        }
    }

    /// The first frame, begun in one read and completed from the next.
    private static func checkCompletion(_ stream: [UInt8], _ whole: NodeFrameTarget.Reading) {
        guard let count = whole.counts.first, let begun = stream.last.map({ 1 + Int($0) % count }), begun < count else {
            return
        }
        var started = ByteBuffer(bytes: stream[..<begun])
        var more = ByteBuffer(bytes: stream[begun...])
        demand(started.completeFrame(from: &more), "a frame that is there is not completed")
        demand(Array(started.readableBytesView) == Array(stream[..<count]), "another frame")
        demand(more.readableBytes == stream.count - count, "more is taken than the frame lacks")
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

/// JSON as it is read, and as texts are written.
struct ClientJSONTarget: FuzzTarget {
    private static let names: [StaticString] = ["target", "prefix", "private_key", "addr", "ok", "error", ""]

    func run(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        let question = Array("{\"target\":\(jsonQuoted(text))}".utf8)
        question.withUnsafeBytes { question in
            let object = JSONObject(question)
            demand(object != nil, "a text that is quoted wrongly")
            // Compared by their bytes: texts that only look alike are equal to Swift.
            demand(
                object?.string("target").map { Array($0.utf8) } == Array(text.utf8), "a text that does not come back")
            let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
            demand(object?.text("target") == (isASCII ? Array(text.utf8) : nil), "another text")
        }
        input.withUnsafeBytes { bytes in
            guard let object = JSONObject(bytes) else { return }
            demand(isObject(input + [0x20]), "a blank behind it counts")
            demand(!isObject(input + [UInt8(ascii: "x")]), "what stands behind it does not count")
            let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
            let end = input.lastIndex { !blanks.contains($0) } ?? 0
            demand(!isObject(Array(input[..<end])), "an object without its end")
            check(object)
        }
    }

    /// What is said of a member in one way is said in the others.
    private func check(_ object: JSONObject) {
        for name in Self.names {
            let (text, string) = (object.text(name), object.string(name))
            if let text { demand(string.map { Array($0.utf8) } == text, "two texts of one name") }
            let inner = object.object(name)
            let kinds = [string != nil, object.integer(name) != nil, inner != nil].count { $0 }
            demand(kinds <= 1 && (kinds == 0 || object.has(name)), "a member of \(kinds) kinds")
            if let inner { check(inner) }
        }
    }

    private func isObject(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { JSONObject($0) != nil } }
}

/// Base64: whatever is written is read, and of two texts of the same bytes the padded one is as long as its bytes say.
struct Base64Target: FuzzTarget {
    func run(_ input: [UInt8]) {
        let text = Base64.standard.padded(input)
        demand(text.utf8.count == (input.count + 2) / 3 * 4, "a text of \(text.utf8.count) characters")
        demand(Base64.standard.bytes(padded: Array(text.utf8)) == input, "it reads other bytes than it wrote")
        demand(
            Base64.standard.bytes(padded: text.utf8.filter { $0 != UInt8(ascii: "=") }) == input,
            "without its padding it reads otherwise")
        guard let bytes = Base64.standard.bytes(padded: input) else { return }
        demand(input.allSatisfy { $0 == UInt8(ascii: "=") || Base64.standard.contains($0) }, "foreign characters")
        let again = Base64.standard.padded(bytes)
        demand(Base64.standard.bytes(padded: Array(again.utf8)) == bytes, "bytes that do not come back")
        demand(bytes.count == input.count { $0 != UInt8(ascii: "=") } * 3 / 4, "\(bytes.count) bytes")
    }
}
