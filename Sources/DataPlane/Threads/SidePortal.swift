internal import INET256
internal import Mesh
internal import Portal
internal import Wire

/// A side engine's part of the portal: packets to nodes that it has a way to, and messages from these. It judges packets by
/// the same rules as `PortalBridge`, and answers nothing itself.
final class SidePortal: InboundPortal {
    let device: TunDevice
    let map: IPv6Map
    let filter: PortalFilter
    let owners: [IPv6Address: Address]
    let joiner: Joiner
    var gate: PortalGate
    private let dscp: DSCPPolicy
    private let ownPorts: Set<UInt16>

    var drops = Portal.DropCounters()
    var prohibited: UInt64 = 0
    var congested: UInt64 = 0

    /// The nodes with a way, by derived address.
    private var nodes: [IPv6Address: Address] = [:]
    /// A burst goes to one destination.
    private var last: (ip: IPv6Address, address: Address)?
    /// Destinations of packets that the first engine was left in this turn: the next ones follow.
    private var detoured: [IPv6Address] = []

    /// As the first engine's bridge, with a queue of its own.
    init(device: TunDevice, like bridge: PortalBridge) {
        self.device = device
        map = bridge.map
        filter = bridge.filter
        owners = bridge.owners
        gate = bridge.gate
        dscp = bridge.dscp
        ownPorts = bridge.ownPorts
        joiner = Joiner(offloads: device.offloads)
    }

    func apply(_ change: ShareChange) {
        switch change {
        case .way(let way):
            // Of two nodes with one derived address the first engine has to choose.
            let derived = map.address(of: way.remote)
            if let known = nodes[derived], known != way.remote { return }
            nodes[derived] = way.remote
        case .noWay(let remote):
            let derived = map.address(of: remote)
            if nodes[derived] == remote { nodes[derived] = nil }
            last = nil
        case .keys, .forget:
            // Without keys there is no lane; the name does no harm.
            break
        }
    }

    func forgetAll() {
        nodes.removeAll()
        last = nil
    }

    func settle() { detoured.removeAll(keepingCapacity: true) }

    /// Seals a packet, or a super-packet of several. False when it is for the first engine.
    func outbound(_ given: UnsafeRawBufferPointer, _ box: SideBox, now: Instant) -> Bool {
        guard let packet = PortalPacket(given, headerSize: device.headerSize) else {
            drops.count(.malformed)
            return true
        }
        let header: IPv6Header
        switch filter.outbound(packet.bytes) {
        case .drop(let reason, _):
            // The first engine answers, where there is somebody to answer.
            guard reason.answer == nil else { return false }
            drops.count(reason)
            return true
        case .pass(let checked): header = checked
        }
        // The first engine looks closer whether it is a datagram of our own.
        guard !header.isUDP(from: ownPorts) else { return false }
        let destination = header.destination
        guard !detoured.contains(destination), let address = find(destination), gate.admits(address),
            let lane = box.lane(to: address, now: now), let splitter = split(header, packet.virtio, lane)
        else {
            if !detoured.contains(destination) { detoured.append(destination) }
            return false
        }
        send(splitter, dscp.outer(header.trafficClass), lane, box)
        return true
    }

    /// Nil where the first engine has to cut differently, or to tell the sender.
    private func split(_ header: IPv6Header, _ virtio: VirtioHeader?, _ lane: SideLane) -> SegmentSplitter? {
        do throws(SplitError) {
            let splitter = try SegmentSplitter(header, virtio, limit: lane.capacity, partial: true)
            let isTooLarge = splitter.intended > lane.capacity && lane.isSettled
            return splitter.largest <= lane.capacity && !isTooLarge ? splitter : nil
        } catch {
            return nil
        }
    }

    private func send(_ whole: SegmentSplitter, _ trafficClass: UInt8, _ lane: SideLane, _ box: SideBox) {
        var splitter = whole
        while let count = splitter.nextSize, let room = box.room(lane) {
            _ = splitter.next(into: UnsafeMutableRawBufferPointer(start: room, count: count))
            // What could not be sent the box has counted, as it has where there was no room.
            _ = box.dispatch(room, count: count, isPartial: splitter.isPartial, trafficClass: trafficClass, lane)
        }
    }

    private func find(_ destination: IPv6Address) -> Address? {
        if let last, last.ip == destination { return last.address }
        let found: Address?
        switch filter.location(of: destination) {
        case .node: found = nodes[destination]
        // The owner is named in full; one with the same derived address is somebody else.
        case .behind(let owner): found = nodes[owner] == owners[owner] ? nodes[owner] : nil
        case .own, .local, .nowhere: found = nil
        }
        if let found { last = (destination, found) }
        return found
    }
}
