internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The packet's way: from the portal into the mesh, from a socket into the mesh, and out by the sockets.
extension Engine {
    /// Takes what the kernel sends through the portal.
    func readPortal(_ now: Instant) throws {
        guard let device = bridge?.device else { return }
        moved += try queue.fill(from: device, now: now)
    }

    /// A burst from the portal's queue into the mesh.
    func sendQueued(_ now: Instant) throws {
        guard !isBlocked else { return }
        burst.fill(from: &queue, bytes: Self.bytesPerTurn, now: now)
        while let packet = burst.next() {
            defer { queue.release(packet) }
            try carry(PortalPacket(packet), now)
            if box.outbox.wantsFlush { try flush(now) }
        }
    }

    /// What the bridge leaves is done before the next packet comes.
    @inline(__always)
    private func carry(_ packet: PortalPacket, _ now: Instant) throws(TunError) {
        guard let bridge, !bridge.outbound(packet, now: now) else { return }
        try desk?.outbound(packet, now: now)
        bridge.settle()
    }

    /// Whether a socket's buffer is full.
    var isBlocked: Bool { lines.contains(where: \.isBlocked) }

    /// A burst from a socket into the mesh core, and from there into the portal or on to the next hop.
    func serve(_ place: Int, _ readiness: Readiness, _ now: Instant) throws {
        if readiness.isWritable { try resume(place, now) }
        guard readiness.isReadable || readiness.isBroken else { return }
        for _ in 0..<Self.batchesPerTurn {
            let count = try lines[place].socket.receive(into: batch)
            moved += count
            for index in 0..<count {
                let datagram = batch[index]
                if let delivery = box.receive(
                    datagram.bytes, from: datagram.path, trafficClass: datagram.trafficClass, now: now)
                {
                    try take(delivery)
                }
                while box.hasOvertaken, let delivery = box.nextOvertaken(now: now) { try take(delivery) }
            }
            try bridge?.endBurst()
            if box.outbox.wantsFlush { try flush(now) }
            if !batch.isFull { return }
        }
    }

    @inline(__always)
    func take(_ delivery: Delivery) throws {
        guard delivery.node == .main else {
            hosted.receive(delivery)
            return
        }
        if bridge == nil { unread += 1 }
        try bridge?.inbound(
            delivery.message, from: delivery.source, isPartial: delivery.isPartial, ecn: delivery.ecn,
            isFleeting: delivery.isFleeting)
    }

    /// A message of an application on this box for the box itself.
    func takeForMain(_ message: UnsafeRawBufferPointer, _ source: Address) throws {
        if bridge == nil { unread += 1 }
        try bridge?.inbound(message, from: source, isFleeting: true)
    }

    // MARK: Out

    /// Sends everything that the mesh core put out in this burst.
    func flush(_ now: Instant) throws {
        // The other end may use new keys once this is sent.
        if box.hasKeyNews { sides?.publishKeys(box, now) }
        let outbox = box.outbox
        guard !outbox.isEmpty else { return }
        for place in lines.indices {
            try lines[place].send(outbox, place: place, chosen: socketPlace, box: box, now: now)
            try watchWritable(place)
        }
        outbox.removeAll()
    }

    func resume(_ place: Int, _ now: Instant) throws {
        try lines[place].resume(box: box, now: now)
        try watchWritable(place)
    }

    func watchWritable(_ place: Int) throws {
        guard lines[place].isBlocked != lines[place].watchesWritable else { return }
        lines[place].watchesWritable = lines[place].isBlocked
        let interest: Interest = lines[place].isBlocked ? [.readable, .writable] : .readable
        try poller.modify(lines[place].socket.descriptor, token: Token.sockets + UInt64(place), interest: interest)
    }

    /// Which socket a datagram leaves by: that of its path, or the first that speaks the endpoint's family.
    func socketPlace(_ path: Path) -> Int? {
        if path.socket != Path.anySocket { return Int(path.socket) < lines.count ? Int(path.socket) : nil }
        return lines.firstIndex { $0.reaches(path.remote) }
    }
}
