internal import Glibc
package import INET256
package import NodeProtocol
internal import Wire

/// An application's connection that has its node: what it wrote and was not understood yet, what it was told and has not
/// read yet. Owned by `NodeConnections`, on its thread.
///
/// Nothing of a client piles up here: a frame's beginning at most on the way in, and on the way out what the limits
/// allow; beyond, messages are refused.
package final class NodeConnection: APINodeSink {
    /// The node's address.
    package let address: Address
    /// What the host knows the connection by.
    package var hold: UInt64 = 0
    package let caller: APICaller

    let number: UInt64
    let client: APIClientIdentity
    let use: ClientUse
    var stream = NodeStream()
    /// Bytes that came before the connection did.
    var ahead: [UInt8]
    var lastHeard: Instant
    var keepDue: Instant
    /// It is in the queue of those that are to be read.
    var isReady = false
    /// It is ready and not read for want of room elsewhere.
    var isHeld = false
    var isTouched = false
    var watched: NodeInterest = []
    /// Why it ends. It is still there until the end of the turn.
    private(set) var ending: String?

    private unowned let table: NodeConnections
    private let arrival: NodeArrival
    private var socket: NodeSocket?
    private var output = NodeOutput()
    /// The socket had no room.
    private var isBlocked = false
    /// Questions that are being answered.
    private(set) var requests = 0

    private static let greeting = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)

    init(
        _ arrival: NodeArrival, address: Address, number: UInt64, use: ClientUse, table: NodeConnections, now: Instant
    ) {
        self.address = address
        self.arrival = arrival
        self.number = number
        self.use = use
        self.table = table
        caller = arrival.caller
        client = arrival.client
        ahead = arrival.ahead
        lastHeard = now
        keepDue = now
    }

    package var isEnded: Bool { ending != nil }

    var descriptor: Int32? {
        switch socket {
        case .some(let socket): socket.number
        case nil: nil
        }
    }

    /// What its descriptor is to be watched for.
    var interest: NodeInterest {
        guard !isEnded else { return [] }
        var interest: NodeInterest = []
        if mayRead, !isHeld { interest.insert(.readable) }
        if isBlocked { interest.insert(.writable) }
        return interest
    }

    /// Not while the client asks on without reading answers.
    var mayRead: Bool { output.answers <= 2 * table.limits.nodeRequests }

    /// Takes the descriptor over and says that the node is open. False when there is nobody any more to say it to.
    func begin() -> Bool {
        guard let descriptor = arrival.take() else { return false }
        socket = NodeSocket(owning: descriptor)
        Self.greeting.withUnsafeBytes { write(all: $0) }
        return true
    }

    // MARK: In

    func receive(into target: UnsafeMutableRawBufferPointer) -> NodeSocket.Outcome {
        switch socket {
        case .some(let socket): socket.receive(into: target)
        case nil: .end
        }
    }

    /// Counts a question; what speaks against it otherwise.
    func admitQuestion() -> String? {
        let limits = table.limits
        guard requests < limits.nodeRequests else {
            return "more than \(limits.nodeRequests) requests at once: wait for answers"
        }
        guard use.requests < limits.nodeRequestsPerClient else {
            return "more than \(limits.nodeRequestsPerClient) requests of this client at once: wait for answers"
        }
        guard table.total.requests < limits.nodeRequestsInAll else { return "too many requests at once: try again" }
        count(requests: 1)
        return nil
    }

    // MARK: Out

    package func offer(_ frames: UnsafeRawBufferPointer) -> Int {
        guard !isEnded else { return 0 }
        flush()
        var sent = 0
        if output.isEmpty, !isBlocked {
            sent = write(frames)
            if sent == frames.count { return sent }
        }
        guard !isEnded else { return 0 }
        let end = Self.fitting(frames, after: sent, room: table.room(self, output.count))
        if end > sent, let rest = frames.slice(sent, end - sent) { keep(rest) }
        return end
    }

    package func answer(_ question: NodeQuestion, _ answer: NodeQuestion.Answer) {
        guard !isEnded else { return }
        count(requests: -1)
        self.answer(question.frame(answer))
    }

    /// Answers a request that is not asked on.
    func refuse(_ frame: NodeFrame, _ reason: String, counted: Bool) {
        if counted { count(requests: -1) }
        answer(NodeFrame.failed(frame.kind, frame.requestID, reason))
    }

    /// It is written at the end of the turn, with all others of the turn.
    private func answer(_ frame: [UInt8]) {
        guard !isEnded else { return }
        guard table.budget(self) >= frame.count else { return end("it does not read its answers") }
        output.append(answer: frame)
        count(queued: frame.count)
        table.touch(self)
    }

    /// A client with unread bytes has enough to read.
    func keepAlive() {
        guard output.isEmpty, !isBlocked else { return }
        NodeFrame.keep.withUnsafeBytes { write(all: $0) }
    }

    /// The socket may have room again.
    func unblock() {
        isBlocked = false
        table.touch(self)
        flush()
    }

    /// Writes what waits, as far as the socket has room.
    func flush() {
        while !isEnded, !isBlocked, !output.isEmpty {
            let sent = output.withBytes { write($0) }
            output.drop(sent)
            count(queued: -sent)
        }
    }

    private func write(all bytes: UnsafeRawBufferPointer) {
        let sent = write(bytes)
        if sent < bytes.count { keep(bytes.tail(from: sent)) }
    }

    /// Gives how much the socket took.
    private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let outcome: NodeSocket.Outcome =
            switch socket {
            case .some(let socket): socket.send(bytes)
            case nil: .end
            }
        switch outcome {
        case .bytes(let count):
            if count < bytes.count { block() }
            return count
        case .wait: block()
        case .end: end("the connection is closed")
        case .broken(let code): end(String(cString: strerror(code)))
        }
        return 0
    }

    private func block() {
        isBlocked = true
        table.touch(self)
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        output.append(bytes)
        count(queued: bytes.count)
    }

    /// Where the frames end that are there whole or in part before `sent`, or fit into `room` behind it.
    private static func fitting(_ frames: UnsafeRawBufferPointer, after sent: Int, room: Int) -> Int {
        if frames.count - sent <= room { return frames.count }
        var end = 0
        while let length = frames.big(UInt32.self, at: end) {
            let next = end + NodeFrame.lengthCount + Int(length)
            guard next <= frames.count, end < sent || next - sent <= room else { break }
            end = next
        }
        return end
    }

    // MARK: The end

    package func end(_ reason: APINodeError) { end(reason.description) }

    func end(_ reason: String) {
        guard ending == nil else { return }
        ending = reason
        table.doom(self)
    }

    /// Closes the descriptor and gives back all that was counted.
    func close() {
        count(queued: -output.count)
        count(requests: -requests)
        (output, stream, ahead) = (NodeOutput(), NodeStream(), [])
        socket = nil
    }

    private func count(queued change: Int) {
        use.queued += change
        table.total.queued += change
    }

    private func count(requests change: Int) {
        requests += change
        use.requests += change
        table.total.requests += change
    }
}
