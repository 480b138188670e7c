internal import INET256
internal import Mesh
internal import NodeProtocol
internal import Portal
internal import Wire

/// The ways of messages: out of applications, between them, and to them.
extension HostedNodes {
    // MARK: Out

    /// Sends the DATA frames of a batch. `toMain` takes messages for the box itself, with their sender; `flush` makes room in
    /// the outbox. What stands behind a frame that is none cannot be told from it: the rest is given up and counted once.
    func send(
        _ bytes: UnsafeRawBufferPointer, hold: UInt64, now: Instant,
        toMain: (UnsafeRawBufferPointer, Address) throws -> Void, flush: () throws -> Void
    ) rethrows {
        guard let node = node(hold: hold) else {
            counters.closed += 1
            return
        }
        var offset = 0
        while offset < bytes.count {
            guard let count = DataFrame.count(at: offset, in: bytes), let frame = bytes.slice(offset, count),
                let base = frame.baseAddress
            else {
                counters.malformed += 1
                return
            }
            let destination = Address(raw: Bytes32(loading: base + DataFrame.address))
            offset += count
            counters.sent += 1
            switch hop(to: destination) {
            case .remote:
                let message = frame.tail(from: DataFrame.header)
                // The box counts what it drops.
                _ = box.send(message, from: node.id, to: destination, now: now)
                if box.outbox.wantsFlush { try flush() }
            case .local(let other):
                guard other.isRead else {
                    counters.unread += 1
                    continue
                }
                if other.waiting == 0 { begin(other) }
                other.append(frame: frame, from: node.address)
                if other.isFull { handOver(other) }
            case .main:
                try toMain(frame.tail(from: DataFrame.header), node.address)
            case .prohibited:
                counters.prohibited += 1
            }
        }
    }

    @inline(__always)
    private func hop(to address: Address) -> Hop {
        if let lastHop, lastHop.address == address { return lastHop.hop }
        let hop: Hop
        if let local = node(address) {
            hop = .local(local)
        } else if isBox(address) {
            hop = .main
        } else {
            hop = gate.admits(address) ? .remote : .prohibited
        }
        lastHop = (address, hop)
        return hop
    }

    // MARK: In

    /// Takes a message that came through the mesh.
    @inline(__always)
    func receive(_ delivery: Delivery) {
        guard gate.admits(delivery.source) else {
            counters.prohibited += 1
            return
        }
        // An application gets a packet as it would stand on a wire. The message was opened in place: it is ours to finish.
        if delivery.isPartial, !PartialChecksum.finish(UnsafeMutableRawBufferPointer(mutating: delivery.message)) {
            counters.malformed += 1
            return
        }
        if !deliver(delivery.message, to: delivery.node, from: delivery.source) { counters.unread += 1 }
    }

    /// Hands a message to a node of this box, within this turn. False when nobody has it open.
    func deliver(_ message: UnsafeRawBufferPointer, to id: NodeID, from source: Address) -> Bool {
        guard let node = node(id), node.isRead else { return false }
        if node.waiting == 0 { begin(node) }
        node.append(message, from: source)
        if node.isFull { handOver(node) }
        return true
    }

    /// The end of a turn: whatever came goes to the connections, one batch a node.
    func handOverAll() {
        guard !filled.isEmpty else { return }
        for node in filled {
            handOver(node)
            let memory = node.giveBack()
            if spare.count < Self.spares, memory.capacity > 0 { spare.append(memory) }
        }
        filled.removeAll(keepingCapacity: true)
    }

    func handOver(_ node: HostedNode) {
        let handover = node.handOver()
        counters.received += handover.taken
        counters.full += handover.refused
    }

    /// The first message for a node in this turn, or the first behind a batch that was handed over within it.
    private func begin(_ node: HostedNode) {
        guard !node.isFilled else { return }
        node.lend(spare.popLast() ?? [])
        filled.append(node)
    }

    /// Batches whose memory is kept for the next turn.
    private static var spares: Int { 8 }
}
