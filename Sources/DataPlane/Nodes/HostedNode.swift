internal import API
internal import INET256
internal import Mesh
internal import NodeProtocol
internal import Wire

/// A node of this box besides its own, and the connections that have it open.
final class HostedNode {
    let id: NodeID
    let address: Address
    /// Configured ones stay when nobody has them open.
    let isConfigured: Bool
    /// In the order of opening: what comes goes to the first that has room.
    private(set) var members: [Member] = []
    /// What came in this turn: whole DATA frames. Its memory is lent by `HostedNodes`; a node at rest holds none.
    private var output: [UInt8] = []
    private(set) var waiting: UInt64 = 0
    /// It has had messages in this turn.
    private(set) var isFilled = false

    struct Member {
        let hold: UInt64
        let sink: any APINodeSink
    }

    /// What became of the messages.
    struct Handover {
        var taken: UInt64 = 0
        /// Nobody had room for them.
        var refused: UInt64 = 0
    }

    init(id: NodeID, address: Address, isConfigured: Bool) {
        self.id = id
        self.address = address
        self.isConfigured = isConfigured
    }

    var isRead: Bool { !members.isEmpty }
    /// Enough for one batch: it is handed over before the turn ends.
    var isFull: Bool { output.count >= Self.batchBytes }

    private static let batchBytes = 256 << 10

    func join(_ member: Member) { members.append(member) }

    func leave(_ hold: UInt64) { members.removeAll { $0.hold == hold } }

    /// Ends all connections that have it open, and gives what they were known by.
    func endAll() -> [UInt64] {
        defer { members.removeAll() }
        for member in members { member.sink.end(.closed) }
        return members.map(\.hold)
    }

    /// Lends memory for what comes in this turn, before the first message of it.
    func lend(_ memory: [UInt8]) {
        output = memory
        isFilled = true
    }

    /// Gives the memory back, empty.
    func giveBack() -> [UInt8] {
        var memory: [UInt8] = []
        swap(&memory, &output)
        memory.removeAll(keepingCapacity: true)
        isFilled = false
        return memory
    }

    // MARK: Output

    /// Adds a whole frame of a neighbour on the same box: it stays as it is but for the address.
    func append(frame: UnsafeRawBufferPointer, from source: Address) {
        waiting += 1
        let start = output.count
        output.append(contentsOf: frame)
        output.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            source.raw.store(to: base + start + DataFrame.address)
        }
    }

    func append(_ message: UnsafeRawBufferPointer, from source: Address) {
        waiting += 1
        let start = output.count
        output.append(contentsOf: DataFrame.blank)
        output.append(contentsOf: message)
        output.withUnsafeMutableBytes { bytes in
            NodeFrame.writeDataHeader(source, payloadCount: message.count, to: bytes.tail(from: start))
        }
    }

    /// Offers what came in to the connections; what one has no room for goes to the next.
    func handOver() -> Handover {
        guard waiting > 0 else { return Handover() }
        let refused: UInt64 = output.withUnsafeBytes { bytes in
            var rest = bytes
            for member in members {
                rest = rest.tail(from: member.sink.offer(rest))
                if rest.isEmpty { return 0 }
            }
            return DataFrame.messages(in: rest)
        }
        defer {
            waiting = 0
            output.removeAll(keepingCapacity: true)
        }
        return Handover(taken: waiting - refused, refused: refused)
    }
}
