internal import CLinux
internal import Glibc
internal import Wire

extension TunDevice {
    /// Attaches `count` times to one device, which gets a queue for each: the kernel steers flows to them, and a flow stays
    /// on its queue as long as its packets are written there too. One is an ordinary device.
    package static func queues(
        _ count: Int, name: String? = nil, persistent: Bool = false, offload: OffloadMode = .off
    ) throws(TunError) -> [TunDevice] {
        precondition(count > 0, "a device has a queue")
        let first = try TunDevice(name: name, persistent: persistent, offload: offload, multiQueue: count > 1)
        var devices = [first]
        // Attaching goes by name, and a name that has no device makes one. Who was renamed in between gets a device too many, which
        // goes when it is let go.
        for _ in 0..<count + 100 where devices.count < count {
            let next = try TunDevice(name: first.currentName(), offload: offload, multiQueue: true)
            if try next.index() == first.index() { devices.append(next) }
        }
        guard devices.count == count else { throw .gone(name: first.name) }
        return devices
    }

    /// Has the kernel choose the queue of a packet by its addresses and ports alone, so that a flow never changes queues.
    /// Otherwise it follows the queue that wrote the flow's last packet.
    package func steerByFlow() throws(TunError) {
        let result = clinux_tun_steer_by_flow(descriptor)
        guard result == 0 else { throw TunError("choose the queues of", name, code: -result) }
    }

    /// Tries what the kernel may leave undone, from the most to the least. A device that was there before may still have
    /// what its last owner asked for, so nothing is asked for as well.
    static func agree(_ fd: Int32, _ name: String, hasHeader: Bool) throws(TunError) -> PortalOffloads {
        guard hasHeader else {
            // Not every kernel knows the call; one that does not has nothing to undo.
            _ = clinux_tun_set_offloads(fd, 0)
            return []
        }
        let result = clinux_tun_set_header_size(fd, Int32(VirtioHeader.size))
        guard result == 0 else { throw TunError("set the header of", name, code: -result) }
        for (request, offloads) in attempts where clinux_tun_set_offloads(fd, request) == 0 { return offloads }
        // Joining needs the header alone, and that the kernel takes it is seen when the first is refused.
        return [.header, .tcpJoining]
    }

    private static let attempts: [(UInt32, PortalOffloads)] = {
        let checksum = UInt32(CLINUX_TUN_CHECKSUM)
        let tcp = checksum | UInt32(CLINUX_TUN_TSO)
        let congestion = tcp | UInt32(CLINUX_TUN_TSO_ECN)
        let withTCP: PortalOffloads = [.header, .checksum, .tcpSplitting, .tcpJoining]
        return [
            (congestion | UInt32(CLINUX_TUN_USO), withTCP.union([.udpSplitting, .udpJoining])),
            (congestion, withTCP), (tcp, withTCP), (checksum, [.header, .checksum, .tcpJoining]),
        ]
    }()

    /// Gives one finished packet to the kernel as received on the interface. False when it was dropped, which is
    /// counted. Throws when the device is unusable.
    package func write(_ packet: UnsafeRawBufferPointer) throws(TunError) -> Bool {
        let result = clinux_tun_write(descriptor, headerSize, packet.baseAddress, packet.count)
        guard result < 0 else { return count(1, bytes: packet.count) }
        return try refuse(Int32(-result), packets: 1)
    }

    /// Gives what the joiner made to the kernel. A kernel that refuses joined packets gets them singly, now and from then on:
    /// `offloads` says so, and the joiner is to be told before the next burst.
    package func write(_ packet: JoinedPacket) throws(TunError) -> Bool {
        precondition(packet.hasHeader == (headerSize > 0), "the joiner knows what the device takes")
        while true {
            if writev(descriptor, packet.slices, Int32(packet.sliceCount)) >= 0 {
                return count(packet.packets, bytes: packet.length)
            }
            switch errno {
            case EINTR: continue
            case EINVAL where !packet.needs.isEmpty:
                offloads.subtract(packet.needs)
                return try writeSingly(packet)
            case let code: return try refuse(code, packets: packet.packets)
            }
        }
    }

    /// Splits again what should have crossed at once. Rare: once for each kind in the life of a device.
    private func writeSingly(_ packet: JoinedPacket) throws(TunError) -> Bool {
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readSize, alignment: 16)
        let single = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readSize, alignment: 16)
        defer {
            whole.deallocate()
            single.deallocate()
        }
        let gathered = UnsafeRawBufferPointer(rebasing: whole[..<packet.gather(into: whole)])
        var splitter: SegmentSplitter
        do {
            let header = try IPv6Header(UnsafeRawBufferPointer(rebasing: gathered[VirtioHeader.size...]))
            splitter = try SegmentSplitter(header, VirtioHeader(gathered), limit: .max, partial: false)
        } catch {
            // It was made by the joiner.
            preconditionFailure("a joined packet that is none: \(error)")
        }
        var isWhole = true
        while let size = splitter.next(into: single) {
            if try !write(UnsafeRawBufferPointer(rebasing: single[..<size])) { isWhole = false }
        }
        return isWhole
    }

    private func count(_ packets: Int, bytes: Int) -> Bool {
        counters.written += UInt64(packets)
        counters.writtenBytes += UInt64(bytes)
        return true
    }

    /// Counts packets that the kernel did not take; the device may be at an end.
    private func refuse(_ code: Int32, packets: Int) throws(TunError) -> Bool {
        switch code {
        case EIO: counters.droppedDown += UInt64(packets)
        case EAGAIN, ENOMEM, ENOBUFS: counters.droppedFull += UInt64(packets)
        case EINVAL: counters.droppedRefused += UInt64(packets)
        case EBADFD, ENODEV: throw .gone(name: name)
        default: throw TunError("write to", name, code: code)
        }
        return false
    }
}
