import INET256
import NIOCore
import NodeProtocol
import Wire

@testable import API

/// What a client sends to its node: the first byte says in how large pieces the rest comes (0: all at once), the rest
/// is frames. However it is cut, the same frames are read and the same fault is found; and each frame and question
/// that is understood can be written so that it is understood again.
struct NodeFrameTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        guard let step = input.first else { return }
        let stream = Array(input.dropFirst())
        let whole = Self.read(stream, step: stream.count)
        demand(
            Self.read(stream, step: step == 0 ? stream.count : Int(step)) == whole,
            "cut into pieces of \(step) it reads otherwise")
        demand(whole == Self.frames(stream, silent: true), "the stream has other frames than its bytes")
        Self.checkFirst(stream)
        stream.withUnsafeBytes { bytes in
            var position = 0
            for count in Self.frames(stream, silent: false).counts {
                let one = UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
                if let frame = try? NodeFrame.first(in: one) {
                    Self.check(frame)
                } else {
                    demand(false, "it needs more")
                }
                position += count
            }
        }
    }

    /// The frames of a stream, by their lengths, and why there are no more of them.
    struct Reading: Equatable {
        var counts: [Int] = []
        var fault: NodeFrameError?
    }

    /// Reads it frame by frame; those that do nothing are left out where `silent` says so.
    static func frames(_ stream: [UInt8], silent: Bool) -> Reading {
        var reading = Reading()
        stream.withUnsafeBytes { bytes in
            var rest = bytes
            do throws(NodeFrameError) {
                while let frame = try NodeFrame.first(in: rest) {
                    if !silent || frame.kind != .keep { reading.counts.append(frame.bytes.count) }
                    rest = UnsafeRawBufferPointer(rebasing: rest[frame.bytes.count...])
                }
            } catch {
                reading.fault = error
            }
        }
        return reading
    }

    /// Reads it as a connection does, in pieces of `step` bytes.
    static func read(_ stream: [UInt8], step: Int) -> Reading {
        var node = NodeStream()
        var reading = Reading()
        for start in stride(from: 0, to: stream.count, by: max(step, 1)) {
            let piece = Array(stream[start..<min(start + max(step, 1), stream.count)])
            reading.fault = piece.withUnsafeBytes { bytes in
                node.receive(bytes) { piece in
                    switch piece {
                    case .messages(let messages): reading.counts += frames(Array(messages), silent: false).counts
                    case .request(let frame): reading.counts.append(frame.bytes.count)
                    }
                    return true
                }
            }
            if reading.fault != nil { break }
        }
        return reading
    }

    private static func firstCount(in buffer: ByteBuffer) throws(NodeFrameError) -> Int? {
        let result: Result<Int?, NodeFrameError> = buffer.withUnsafeReadableBytes { bytes in
            do throws(NodeFrameError) { return .success(try NodeFrame.first(in: bytes)?.bytes.count) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// What the first bytes decide, more bytes do not change: neither a frame nor a refusal.
    private static func checkFirst(_ stream: [UInt8]) {
        var decided: Reading?
        // A frame's head is looked at byte by byte, longer frames at their end.
        for count in Array(0...min(stream.count, 96)) + [stream.count] {
            var now = Reading()
            do throws(NodeFrameError) {
                guard let first = try firstCount(in: ByteBuffer(bytes: stream.prefix(count))) else {
                    demand(decided == nil, "\(count) bytes undo what fewer decided")
                    continue
                }
                demand(first <= count, "a frame of \(first) bytes from \(count)")
                now.counts = [first]
            } catch {
                now.fault = error
            }
            demand(decided == nil || decided == now, "\(count) bytes decide otherwise than fewer")
            decided = now
        }
    }

    private static func check(_ frame: NodeFrame) {
        let bytes = Array(frame.bytes)
        switch frame.kind {
        case .data:
            demand(NodeFrame.data(frame.address, frame.payload) == bytes, "DATA in two forms")
            var header = [UInt8](repeating: 0, count: NodeFrame.dataHeaderCount)
            header.withUnsafeMutableBytes {
                NodeFrame.writeDataHeader(frame.address, payloadCount: frame.payload.count, to: $0)
            }
            demand(header + Array(frame.payload) == bytes, "a header in two forms")
        case .keep: demand(NodeFrame.keep == bytes, "KEEP in two forms")
        case .find, .publicKey:
            demand(frame.json.count == bytes.count - 24, "JSON of \(frame.json.count) bytes")
            // An answer repeats the id, byte for byte.
            let answer = NodeFrame.failed(frame.kind, frame.requestID, "no")
            demand(answer[4..<24] == bytes[4..<24], "an answer to another question")
            if let question = try? NodeQuestion(frame) { check(question, bytes) }
        }
    }

    private static func check(_ question: NodeQuestion, _ bytes: [UInt8]) {
        let json: String
        switch question.subject {
        case .address(let prefix, let bits):
            demand((0...Address.bitCount).contains(bits), "\(bits) bits")
            json = "{\"prefix\":\"\(Base64.standard.padded(Array(prefix.raw.bytes)))\",\"nbits\":\(bits)}"
        case .publicKey(of: let target): json = "{\"target\":\"\(target)\"}"
        }
        var again: [UInt8] = []
        again.appendBig(UInt32(20 + json.utf8.count))
        again += bytes[4..<24] + json.utf8
        again.withUnsafeBytes { again in
            guard let frame = try? NodeFrame.first(in: again), let read = try? NodeQuestion(frame) else {
                return demand(false, "a question that is understood once only")
            }
            switch (question.subject, read.subject) {
            case (.address(let a, let m), .address(let b, let n)): demand(a == b && m == n, "another prefix")
            case (.publicKey(let a), .publicKey(let b)): demand(a == b, "another target")
            case (.address, .publicKey), (.publicKey, .address): demand(false, "another question")
            }
        }
    }
}

/// What stands in a CONNECT or DELETE: the path's last part up to the first line feed, and behind it the JSON. The
/// parts of that JSON are looked at in whatever order they come.
struct NodeRequestTarget: FuzzTarget {
    private static let names: [StaticString] = ["private_key", "prefix", "nbits", "target", ""]

    func run(_ input: [UInt8]) {
        let feed = input.firstIndex(of: UInt8(ascii: "\n")) ?? input.startIndex
        let body = Array(input[feed...])
        let name = String(decoding: input[..<feed], as: UTF8.self)
        if let request = try? NodeRequest(path: "/nodes/" + name) {
            demand(request.address.description == name, "two texts of one address")
            if let key = try? request.key(in: ByteBuffer(bytes: body)) {
                demand(key.address == request.address, "the key of another node")
            }
        }
        body.withUnsafeBytes { check($0) }
    }

    private func check(_ body: UnsafeRawBufferPointer) {
        guard let members = JSONObject(body) else { return }
        // One object and nothing else: it ends with its bracket, and neither a part of it nor more than it is one.
        let text = Array(body)
        let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        let end = (text.lastIndex { !blanks.contains($0) } ?? 0) + 1
        demand(text[end - 1] == UInt8(ascii: "}"), "an object without an end")
        for count in [end - 1, end / 2, end / 3, 1, 0] where count < end {
            demand(!isObject(Array(text[..<count])), "its first \(count) bytes are an object too")
        }
        demand(!isObject(text + [UInt8(ascii: "x")]) && isObject(text + [0x20]), "what stands behind it counts wrongly")
        for name in Self.names {
            guard let value = members.text(name) else { continue }
            demand(value.count <= body.count && value.allSatisfy { $0 < 0x80 }, "a text that was not there")
            let again = Array("{\"\(name)\":\(jsonQuoted(String(decoding: value, as: UTF8.self)))}".utf8)
            again.withUnsafeBytes { again in
                demand(JSONObject(again)?.text(name) == value, "a text that does not come back")
            }
            demand(members.integer(name) == nil, "a text that is a number")
        }
    }

    private func isObject(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { JSONObject($0) != nil } }
}

/// What a browser sends of a form, written as a search of an address: nothing comes out that is longer than what went in, and what is
/// written by the rules is read as it was.
struct FormQueryTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        let query = FormQuery(text)
        for name in ["from", "to", "at", "way", ""] {
            if let value = query[name] { demand(value.utf8.count <= text.utf8.count, "a field too long") }
        }
        let written = "from=" + text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        demand(FormQuery(written)["from"] == text, "it does not come back")
    }
}
