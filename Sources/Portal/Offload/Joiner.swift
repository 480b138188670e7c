internal import Glibc
internal import Wire

/// Joins packets of one flow that follow each other in a burst to super-packets, so that they cross into the
/// kernel at once. Nothing is copied but the headers, and nothing allocated after `init`.
///
///     for each packet of the burst:  joiner.add(packet, isPartial: ...)
///                                    while let packet = joiner.next() { device.write(packet) }
///     at the end of the burst:       joiner.flush(), and the same loop
///
/// The order within a flow is kept: whatever cannot join ends and overtakes nothing of its flow. All packets
/// pass through here, those that are never joined come out at once. The memory of a packet that was added must stay
/// until what it became a part of has been written, so flush before a receive buffer is used again.
package final class Joiner {
    /// Flows that are open at a time; one more ends the oldest.
    package static let flowLimit = 16
    /// Packets in one super-packet: as many as UDP_SEGMENT takes (UDP_MAX_SEGMENTS), well under IOV_MAX.
    static let packetLimit = 64
    /// The longest packet that is made, in bytes.
    static let longest = 65_535

    /// What the device takes; may change between bursts.
    package var offloads: PortalOffloads

    /// Room for each open flow and one packet that passes by.
    private static let slotCount = flowLimit + 1
    private static let slicesPerSlot = packetLimit + 1
    /// Virtio, IPv6 and the longest TCP header are 110 bytes.
    private static let headerRoom = 128

    private let flows: UnsafeMutablePointer<JoinerFlow>
    private let slices: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutableRawPointer
    /// Slots of open flows, the oldest first.
    private let open: UnsafeMutablePointer<Int>
    private var openCount = 0
    /// Slots to be written, in order, from `readyPlace` on.
    private let ready: UnsafeMutablePointer<Int>
    private var readyPlace = 0
    private var readyCount = 0
    /// Slots that hold nothing.
    private let free: UnsafeMutablePointer<Int>
    private var freeCount = slotCount

    package init(offloads: PortalOffloads) {
        self.offloads = offloads
        flows = .allocate(capacity: Self.slotCount)
        slices = .allocate(capacity: Self.slotCount * Self.slicesPerSlot)
        slices.initialize(repeating: iovec(), count: Self.slotCount * Self.slicesPerSlot)
        headers = .allocate(byteCount: Self.slotCount * Self.headerRoom, alignment: 16)
        open = .allocate(capacity: Self.slotCount)
        ready = .allocate(capacity: Self.slotCount)
        free = .allocate(capacity: Self.slotCount)
        for slot in 0..<Self.slotCount { (free + slot).initialize(to: slot) }
    }

    deinit {
        flows.deallocate()
        slices.deallocate()
        headers.deallocate()
        open.deallocate()
        ready.deallocate()
        free.deallocate()
    }

    /// Takes a packet for the kernel: a whole IPv6 packet that the filter has passed. `isPartial`: it came marked as having an
    /// unfinished checksum (see `PartialChecksum`). False, and nothing is taken, when it is not an IPv6 packet or cannot
    /// have been so marked: drop it as malformed.
    package func add(_ packet: UnsafeMutableRawBufferPointer, isPartial: Bool) -> Bool {
        precondition(readyPlace == readyCount, "what is ready is taken first")
        readyPlace = 0
        readyCount = 0
        guard let base = packet.baseAddress, packet.count >= IPv6Header.size,
            base.load(as: UInt8.self) >> 4 == 6,
            Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
                == packet.count - IPv6Header.size
        else { return false }
        guard let candidate = JoinCandidate(base, packet.count, isPartial: isPartial, allowed: offloads) else {
            return passBy(packet, isPartial)
        }
        if let place = find(candidate) {
            if append(candidate, to: open[place]) {
                if flows[open[place]].isClosed { end(place) }
                return true
            }
            end(place)
        }
        let slot = takeSlot()
        (flows + slot).initialize(to: JoinerFlow(candidate))
        if candidate.mayJoin && !candidate.isLast {
            if openCount == Self.flowLimit { end(0) }
            open[openCount] = slot
            openCount += 1
        } else {
            finish(slot)
        }
        return true
    }

    /// The next packet to write, nil when there is none yet.
    package func next() -> JoinedPacket? {
        guard readyPlace < readyCount else { return nil }
        let slot = ready[readyPlace]
        readyPlace += 1
        free[freeCount] = slot
        freeCount += 1
        let flow = flows[slot]
        let hasHeader = offloads.contains(.header)
        let isJoined = flow.packets > 1
        let kind: PortalOffloads = flow.first.number == IPProtocol.tcp ? .tcpJoining : .udpJoining
        return JoinedPacket(
            slices: UnsafePointer(slices + slot * Self.slicesPerSlot),
            sliceCount: flow.packets + (isJoined || hasHeader ? 1 : 0), packets: flow.packets,
            length: flow.first.headerSize + flow.payload, needs: isJoined ? kind : [], hasHeader: hasHeader)
    }

    /// Makes everything ready that is still open.
    package func flush() {
        while openCount > 0 { end(0) }
    }

    // MARK: Flows

    /// The place among the open flows.
    @inline(__always)
    private func find(_ candidate: JoinCandidate) -> Int? {
        for place in 0..<openCount where flows[open[place]].isSameFlow(candidate) { return place }
        return nil
    }

    @inline(__always)
    private func append(_ next: JoinCandidate, to slot: Int) -> Bool {
        let flow = flows + slot
        guard flow.pointee.continues(with: next) else { return false }
        if !flow.pointee.isVerified {
            guard flow.pointee.first.isGood() else { return false }
            flow.pointee.isVerified = true
        }
        guard next.isGood() else { return false }
        let slice = slices + (slot * Self.slicesPerSlot + 1)
        if flow.pointee.packets == 1 {
            let first = flow.pointee.first
            slice.pointee = iovec(iov_base: first.base + first.headerSize, iov_len: first.payload)
        }
        slice[flow.pointee.packets] = iovec(iov_base: next.base + next.headerSize, iov_len: next.payload)
        flow.pointee.packets += 1
        flow.pointee.payload += next.payload
        flow.pointee.lastFlags = next.number == IPProtocol.tcp ? next.flags : 0
        flow.pointee.isClosed =
            next.isLast || next.payload < flow.pointee.first.payload || flow.pointee.packets == Self.packetLimit
        return true
    }

    /// Neither TCP nor UDP as far as we look. It may be a fragment of a flow or stand behind other headers, so nothing
    /// between the same addresses is kept behind it.
    private func passBy(_ packet: UnsafeMutableRawBufferPointer, _ isPartial: Bool) -> Bool {
        guard let base = packet.baseAddress else { return false }
        var transport: TransportHeader?
        if isPartial {
            do throws(IPv6Malformation) {
                transport = TransportHeader.find(in: try IPv6Header(UnsafeRawBufferPointer(packet)))
            } catch {
                return false
            }
            guard transport != nil else { return false }
        }
        var place = 0
        while place < openCount {
            if flows[open[place]].isBetweenSame(base) { end(place) } else { place += 1 }
        }
        let slot = takeSlot()
        (flows + slot).initialize(to: JoinerFlow(JoinCandidate(passing: base, packet.count)))
        write(single: slot, base, packet.count, transport)
        ready[readyCount] = slot
        readyCount += 1
        return true
    }

    private func takeSlot() -> Int {
        freeCount -= 1
        return free[freeCount]
    }

    /// Takes the flow at `place` out of the open ones and makes it ready.
    private func end(_ place: Int) {
        let slot = open[place]
        openCount -= 1
        for later in place..<openCount { open[later] = open[later + 1] }
        finish(slot)
    }

    private func finish(_ slot: Int) {
        let flow = flows[slot]
        if flow.packets > 1 {
            write(joined: slot, flow)
        } else {
            let first = flow.first
            let transport = TransportHeader(
                number: first.number, offset: IPv6Header.size, length: first.headerSize - IPv6Header.size)
            write(single: slot, first.base, first.count, first.isPartial ? transport : nil)
        }
        ready[readyCount] = slot
        readyCount += 1
    }

    // MARK: Headers

    /// One packet as it came; `partial` is where its unfinished checksum is.
    @inline(__always)
    private func write(
        single slot: Int, _ base: UnsafeMutableRawPointer, _ count: Int, _ partial: TransportHeader?
    ) {
        var slice = slices + slot * Self.slicesPerSlot
        if offloads.contains(.header) {
            var virtio = VirtioHeader()
            if let partial {
                virtio.flags = VirtioHeader.needsChecksum
                virtio.checksumStart = UInt16(truncatingIfNeeded: partial.offset)
                virtio.checksumOffset = UInt16(truncatingIfNeeded: partial.checksumOffset)
            }
            let header = headers + slot * Self.headerRoom
            virtio.store(to: header)
            slice.pointee = iovec(iov_base: header, iov_len: VirtioHeader.size)
            slice += 1
        } else if let partial {
            PartialChecksum.finish(
                UnsafeMutableRawBufferPointer(start: base, count: count), start: partial.offset,
                field: partial.offset + partial.checksumOffset)
        }
        slice.pointee = iovec(iov_base: base, iov_len: count)
    }

    /// The headers of the first packet, made those of all; the payloads' slices are there already.
    private func write(joined slot: Int, _ flow: JoinerFlow) {
        let first = flow.first
        let header = headers + slot * Self.headerRoom
        let packet = header + VirtioHeader.size
        memcpy(packet, first.base, first.headerSize)
        let length = first.headerSize + flow.payload - IPv6Header.size
        packet.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 4, as: UInt16.self)
        let transport = packet + IPv6Header.size
        let part = PartialChecksum.pseudoHeader(packet, length: length, number: first.number)

        var virtio = VirtioHeader()
        virtio.flags = VirtioHeader.needsChecksum
        virtio.headerLength = UInt16(truncatingIfNeeded: first.headerSize)
        virtio.segmentSize = UInt16(truncatingIfNeeded: first.payload)
        virtio.checksumStart = UInt16(truncatingIfNeeded: IPv6Header.size)
        if first.number == IPProtocol.tcp {
            let flags = first.flags | flow.lastFlags & (TCPField.fin | TCPField.psh)
            transport.storeBytes(of: flags, toByteOffset: TCPField.flags, as: UInt8.self)
            transport.storeBytes(of: part.bigEndian, toByteOffset: TCPField.checksum, as: UInt16.self)
            virtio.type = VirtioHeader.tcp | (flags & TCPField.cwr != 0 ? VirtioHeader.congestion : 0)
            virtio.checksumOffset = UInt16(TCPField.checksum)
        } else {
            transport.storeBytes(
                of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: UDPField.size, as: UInt16.self)
            transport.storeBytes(of: part.bigEndian, toByteOffset: UDPField.checksum, as: UInt16.self)
            virtio.type = VirtioHeader.udp
            virtio.checksumOffset = UInt16(UDPField.checksum)
        }
        virtio.store(to: header)
        slices[slot * Self.slicesPerSlot] = iovec(iov_base: header, iov_len: VirtioHeader.size + first.headerSize)
    }
}
