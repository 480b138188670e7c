package import NodeProtocol
internal import Wire

/// Puts frames together out of the pieces that reads give. No I/O: bytes in, frames out, in place.
///
/// Of a read, everything but the beginning of a last frame is handled where it lies; only that beginning is copied and
/// kept, in memory of its own frame's size. A connection at rest holds nothing.
package struct NodeStream {
    /// What a client's bytes are.
    package enum Piece {
        /// Whole DATA frames, one behind the other.
        case messages(UnsafeRawBufferPointer)
        /// A FIND or PUBK frame.
        case request(NodeFrame)
    }

    private enum Next {
        case frame(NodeFrame)
        case needsMore
        case fault(NodeFrameError)

        init(_ bytes: UnsafeRawBufferPointer) {
            do throws(NodeFrameError) {
                self = try NodeFrame.first(in: bytes).map { .frame($0) } ?? .needsMore
            } catch {
                self = .fault(error)
            }
        }
    }

    private var partial: [UInt8] = []
    /// Nothing more is looked at.
    private var isOver = false

    package init() {}

    /// Bytes that wait for the rest of their frame.
    package var held: Int { partial.count }

    /// Hands the whole frames in what came so far to `handle`, in order. When that says false, or when something is wrong
    /// with the bytes behind the good ones, which is what this gives, nothing more is looked at, now or later.
    package mutating func receive<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ handle: (Piece) throws(Failure) -> Bool
    ) throws(Failure) -> NodeFrameError? {
        var rest = bytes
        while !partial.isEmpty, !isOver {
            let count = min(missing, rest.count)
            partial.append(contentsOf: rest[..<count])
            rest = rest.tail(from: count)
            let whole = partial
            let next = whole.withUnsafeBytes { Next($0) }
            switch next {
            case .needsMore: break
            case .fault(let fault):
                isOver = true
                return fault
            case .frame:
                partial = []
                let result: Result<NodeFrameError?, Failure> = whole.withUnsafeBytes { bytes in
                    do throws(Failure) {
                        return .success(try walk(bytes, handle))
                    } catch {
                        return .failure(error)
                    }
                }
                if let fault = try result.get() { return fault }
            }
            if rest.isEmpty { return nil }
        }
        return isOver ? nil : try walk(rest, handle)
    }

    /// Neighbouring DATA frames go together.
    private mutating func walk<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ handle: (Piece) throws(Failure) -> Bool
    ) throws(Failure) -> NodeFrameError? {
        var position = 0
        var messages = 0  // where DATA frames begin that are not handed on yet
        while true {
            let start = position
            let next = Next(bytes.tail(from: position))
            if case .frame(let frame) = next {
                position += frame.bytes.count
                if frame.kind == .data { continue }
            }
            if messages < start, let frames = bytes.slice(messages, start - messages) {
                isOver = try !handle(.messages(frames))
            }
            messages = position
            if isOver { return nil }
            switch next {
            case .frame(let frame):
                isOver = try !Self.hand(frame, handle)
                if isOver { return nil }
            case .needsMore:
                keep(bytes.tail(from: position))
                return nil
            case .fault(let fault):
                isOver = true
                return fault
            }
        }
    }

    private static func hand<Failure: Error>(
        _ frame: NodeFrame, _ handle: (Piece) throws(Failure) -> Bool
    ) throws(Failure) -> Bool {
        switch frame.kind {
        case .data: try handle(.messages(frame.bytes))
        case .keep: true
        case .find, .publicKey: try handle(.request(frame))
        }
    }

    /// Bytes of the kept frame that have not come: of its head, as long as that is not whole.
    private var missing: Int {
        let head = NodeFrame.lengthCount + NodeFrame.typeCount
        guard partial.count >= head else { return head - partial.count }
        return NodeFrame.lengthCount + length - partial.count
    }

    /// The kept frame's length field, which is there and was checked.
    private var length: Int {
        Int(partial.withUnsafeBytes { $0.big(UInt32.self, at: 0) } ?? 0)
    }

    private mutating func keep(_ rest: UnsafeRawBufferPointer) {
        guard !rest.isEmpty else { return }
        if let length = rest.big(UInt32.self, at: 0) { partial.reserveCapacity(NodeFrame.lengthCount + Int(length)) }
        partial.append(contentsOf: rest)
    }
}
