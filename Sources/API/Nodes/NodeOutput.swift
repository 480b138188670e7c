/// What a connection has not written yet, in order. No I/O: bytes in at one end, written ones off at the other. It holds
/// no memory when it is empty.
struct NodeOutput {
    private var bytes: [UInt8] = []
    /// Where the unwritten ones begin.
    private var head = 0
    /// Bytes that were ever written.
    private var written = 0
    /// Where answers end, counted like `written`.
    private var answerEnds: [Int] = []
    private var nextAnswer = 0

    var count: Int { bytes.count - head }
    var isEmpty: Bool { count == 0 }
    /// Answers among them.
    var answers: Int { answerEnds.count - nextAnswer }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    mutating func append(answer: [UInt8]) {
        bytes += answer
        answerEnds.append(written + count)
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[head...])) }
    }

    /// The first `count` bytes are written.
    mutating func drop(_ count: Int) {
        precondition(count <= self.count, "only what waits can have been written")
        head += count
        written += count
        while nextAnswer < answerEnds.count, answerEnds[nextAnswer] <= written { nextAnswer += 1 }
        if nextAnswer == answerEnds.count { (answerEnds, nextAnswer) = ([], 0) }
        if head == bytes.count {
            (bytes, head) = ([], 0)
        } else if head > bytes.count / 2 {
            bytes.removeFirst(head)
            head = 0
        }
    }
}
