internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// Joins packets of a device to the mesh's messages: an IPv6 destination becomes an address, and a message's sender the only IPv6
/// source that its packet may have, but for the networks that are declared behind it. Every worker has one; what takes more than a
/// lane it leaves to the core (`PortalDesk`).
final class PortalBridge<Device: PacketDevice, Ways: LaneSource> {
    let device: Device
    let ways: Ways
    var rules: PortalRules
    /// Joins what came in one burst, for the device.
    let joiner: Joiner
    var gate: PortalGate

    var drops = Portal.DropCounters()
    /// Packets that the gate held back.
    var prohibited: UInt64 = 0
    /// Packets whose sender does not understand the mark of congestion that they got on the way (RFC 6040 section 4.2).
    var congested: UInt64 = 0

    var destinations = DestinationCache()
    /// Destinations of packets that were left to the core and are not through there: the next ones follow.
    private var detoured: [IPv6Address] = []

    init(device: Device, ways: Ways, rules: PortalRules, gate: PortalGate) {
        self.device = device
        self.ways = ways
        self.rules = rules
        self.gate = gate
        joiner = Joiner(offloads: device.offloads)
    }

    // MARK: Out into the mesh

    /// Seals a packet, or a super-packet of several. False when it is for the core.
    func outbound(_ packet: PortalPacket, now: Instant) -> Bool {
        guard let header = packet.header else {
            drops.count(rules.filter.fault(of: packet.bytes))
            return true
        }
        if let reason = rules.filter.refusal(outbound: header) {
            // The core answers, where there is somebody to answer.
            guard reason.answer == nil else { return false }
            drops.count(reason)
            return true
        }
        // And sends as the node that the source is.
        if rules.hasFormer, header.source != rules.filter.own { return false }
        // The core looks closer whether it is a datagram of our own.
        guard !header.isUDP(from: rules.ownPorts) else { return false }
        let destination = header.destination
        guard !detoured.contains(destination), let address = find(destination), gate.admits(address),
            let lane = ways.lane(to: address, now: now),
            let splitter = Self.split(header, packet.virtio, limit: lane.capacity, partial: true),
            splitter.largest <= lane.capacity, splitter.intended <= lane.capacity || !lane.isSettled
        else {
            if !detoured.contains(destination) { detoured.append(destination) }
            return false
        }
        seal(splitter, header.trafficClass, lane)
        return true
    }

    /// The core is through with everything that it was left.
    func settle() {
        if !detoured.isEmpty { detoured.removeAll(keepingCapacity: true) }
    }

    /// Who gets packets to `destination`, as far as is known here.
    @inline(__always)
    private func find(_ destination: IPv6Address) -> Address? {
        if let known = destinations.look(destination) { return known }
        // The configuration says who a network is behind, by its full address.
        guard case .behind(let owner) = rules.filter.location(of: destination), let address = rules.owners[owner] else {
            return nil
        }
        destinations.learn(destination, address)
        return address
    }

    /// Writes each segment where it is sealed.
    func seal(_ whole: SegmentSplitter, _ trafficClass: UInt8, _ lane: Lane) {
        let sealer = ways.sealer
        let outer = rules.dscp.outer(trafficClass)
        var splitter = whole
        while let count = splitter.nextSize, let room = sealer.room(lane) {
            _ = splitter.next(into: UnsafeMutableRawBufferPointer(start: room, count: count))
            // What could not be sent is counted there, as it is where there was no room.
            _ = sealer.dispatch(room, count: count, isPartial: splitter.isPartial, trafficClass: outer, lane)
        }
    }

    static func split(_ header: IPv6Header, _ virtio: VirtioHeader?, limit: Int, partial: Bool) -> SegmentSplitter? {
        do throws(SplitError) {
            return try SegmentSplitter(header, virtio, limit: limit, partial: partial)
        } catch {
            return nil
        }
    }

    // MARK: What the core publishes

    /// A way came or went.
    func heed(_ change: ShareChange) {
        switch change {
        case .way(let way):
            let derived = rules.map.address(of: way.remote)
            // What is in a network belongs to its owner, whoever has a derived address there.
            guard rules.filter.location(of: derived) == .node else { return }
            destinations.name(derived, way.remote)
        case .noWay(let remote):
            destinations.unname(rules.map.address(of: remote), remote)
        case .keys, .forget, .routes:
            // Without keys there is no lane; the name does no harm. What is relayed does not come by here.
            break
        }
    }

    func forgetWays() { destinations.unnameAll() }
}
