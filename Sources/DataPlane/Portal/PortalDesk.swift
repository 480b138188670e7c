internal import INET256
internal import Mesh
internal import Portal
internal import Wire

/// What bridges leave to the core: packets that want an answer, a search for who gets them, keys, pieces, or another node of
/// this box.
final class PortalDesk<Device: PacketDevice> {
    /// The near worker's.
    let bridge: PortalBridge<Device, MeshBox>
    /// The box's other nodes: packets to them do not leave it.
    private let hosted: HostedNodes?
    /// The node under the box's former address; nil where it has none (any more).
    var former: NodeID?
    /// The machine's addresses on other interfaces, where hosts behind it may send through the portal as well.
    var machineAddresses: Set<IPv6Address> = []
    private(set) var unknown: UInt64 = 0
    private(set) var ownDatagrams: UInt64 = 0

    private var errors: ICMPv6Errors
    private var parked = ParkedPackets()
    private var seenRoutes: UInt64 = 0
    private let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPv6Errors.maximumSize, alignment: 16)
    /// Where a packet is put together that cannot be sealed where it is written.
    private let single = UnsafeMutableRawBufferPointer.allocate(byteCount: TunDevice.readSize, alignment: 16)

    init(_ bridge: PortalBridge<Device, MeshBox>, former: NodeID? = nil, hosted: HostedNodes? = nil) {
        self.bridge = bridge
        self.former = former
        self.hosted = hosted
        errors = ICMPv6Errors(source: bridge.rules.filter.own)
    }

    deinit {
        answer.deallocate()
        single.deallocate()
    }

    var own: IPv6Address { bridge.rules.filter.own }

    /// When parked packets want to be looked at.
    var deadline: Instant { parked.deadline }

    private var box: MeshBox { bridge.ways }
    private var rules: PortalRules { bridge.rules }

    // MARK: Out into the mesh

    /// Takes a packet, or a super-packet of several, that a bridge left.
    func outbound(_ packet: PortalPacket, now: Instant) throws(TunError) {
        guard let header = packet.header else {
            bridge.drops.count(rules.filter.fault(of: packet.bytes))
            return
        }
        if let reason = rules.filter.refusal(outbound: header) {
            bridge.drops.count(reason)
            if let error = reason.answer { try reply(error, header, now) }
            return
        }
        guard !isOwnDatagram(header) else {
            ownDatagrams += 1
            return
        }
        let destination = header.destination
        if let address = bridge.destinations.look(destination) {
            try send(header, packet.virtio, to: address, now)
        } else if let address = find(destination) {
            bridge.destinations.learn(destination, address)
            try send(header, packet.virtio, to: address, now)
        } else if !parked.park(packet.given, for: destination, now: now) {
            unknown += 1
            try reply(.noRoute, header, now)
        }
    }

    /// Who gets packets to `destination`. The configuration says who a network is behind; the mesh is asked for nodes
    /// only, lest a stranger with such a derived address gets what is a network's.
    private func find(_ destination: IPv6Address) -> Address? {
        switch rules.filter.location(of: destination) {
        case .behind(let owner):
            return rules.owners[owner]
        case .node:
            guard let (prefix, bits) = rules.map.search(for: destination) else { return nil }
            return box.find(prefix: prefix, bits: bits)
        case .own, .local, .nowhere:
            return nil
        }
    }

    private func send(
        _ header: IPv6Header, _ virtio: VirtioHeader?, to address: Address, _ now: Instant
    ) throws(TunError) {
        guard bridge.gate.admits(address) else {
            bridge.prohibited += 1
            try reply(.prohibited, header, now)
            return
        }
        guard let node = sender(header, address) else {
            bridge.drops.count(.sourceNotOurs)
            return
        }
        if let lane = box.lane(from: node, to: address, now: now),
            let splitter = Bridge.split(header, virtio, limit: lane.capacity, partial: true),
            splitter.largest <= lane.capacity
        {
            if splitter.intended > lane.capacity, lane.isSettled {
                try sayTooBig(header, splitter.intended, lane.capacity, now)
            }
            bridge.seal(splitter, header.trafficClass, lane)
            return
        }
        guard var splitter = Bridge.split(header, virtio, limit: .max, partial: false) else {
            bridge.drops.count(.malformed)
            return
        }
        while let count = splitter.next(into: single) {
            let packet = UnsafeRawBufferPointer(rebasing: single[..<count])
            try send(single: packet, header, from: node, to: address, now)
        }
    }

    /// By which node a packet goes out; nil where its source was ours and is no more.
    private func sender(_ header: IPv6Header, _ address: Address) -> NodeID? {
        guard rules.hasFormer, header.source != own else { return .main }
        if header.source == rules.filter.former { return former }
        // What is behind this box is, to a neighbour, behind the address that it knows.
        return former == nil ? .main : box.knownAs(to: address)
    }

    private typealias Bridge = PortalBridge<Device, MeshBox>

    /// One finished packet, that has no keys yet, goes in pieces, or stays in this box. `header` is what it was cut from.
    private func send(
        single packet: UnsafeRawBufferPointer, _ header: IPv6Header, from sender: NodeID, to address: Address,
        _ now: Instant
    ) throws(TunError) {
        let trafficClass = rules.dscp.outer(header.trafficClass)
        switch box.send(packet, from: sender, to: address, trafficClass: trafficClass, now: now) {
        case .sent, .queued:
            break
        case .fragmented(let limit):
            // It is on its way in pieces, so nothing is lost; the sender learns what goes in one, once that is known.
            guard box.isSizeSettled(to: address, from: sender) else { return }
            try sayTooBig(header, packet.count, limit, now)
        case .loopback(let node):
            // A hosted node of this box: an application may understand packets, the kernel has no other place for them.
            if let source = box.address(of: sender), hosted?.deliver(packet, to: node, from: source) == true { return }
            unknown += 1
            try reply(.noRoute, header, now)
        case .dropped:
            // The box has counted why.
            try reply(.addressUnreachable, header, now)
        }
    }

    /// Its kernel believes what it is told for ten minutes, so it is told what the path carries and nothing preliminary.
    private func sayTooBig(_ header: IPv6Header, _ size: Int, _ limit: Int, _ now: Instant) throws(TunError) {
        let mtu = max(limit, IPv6Header.minimumMTU)
        if size > mtu { try reply(.tooBig(mtu: UInt32(mtu)), header, now) }
    }

    private func isOwnDatagram(_ header: IPv6Header) -> Bool {
        guard header.isUDP(from: rules.ownPorts) else { return false }
        // A host behind us may use the same port for something else.
        let source = header.source
        return source == own || source == rules.filter.former || machineAddresses.contains(source)
    }

    // MARK: What became of it later

    /// A queued packet could not be delivered.
    func undeliverable(_ packet: [UInt8], now: Instant) throws(TunError) {
        try packet.withPacket(0) { (header, _) throws(TunError) in
            bridge.destinations.forget(header.destination)
            try reply(.addressUnreachable, header, now)
        }
    }

    /// Tries parked packets again when routes changed, and gives up the old ones.
    func tick(now: Instant) throws(TunError) {
        guard !parked.isEmpty else { return }
        let version = box.routesVersion
        guard version != seenRoutes || now >= parked.deadline else { return }
        seenRoutes = version
        for packet in parked.takeAll() {
            if let address = find(packet.destination) {
                bridge.destinations.learn(packet.destination, address)
                try packet.bytes.withPacket(bridge.device.headerSize) { (header, virtio) throws(TunError) in
                    try send(header, virtio, to: address, now)
                }
            } else if now - packet.since >= ParkedPackets.patience {
                unknown += 1
                try packet.bytes.withPacket(bridge.device.headerSize) { (header, _) throws(TunError) in
                    try reply(.noRoute, header, now)
                }
            } else {
                parked.putBack(packet)
            }
        }
    }

    private func reply(_ error: ICMPv6Error, _ header: IPv6Header, _ now: Instant) throws(TunError) {
        let count: Int
        do throws(ICMPv6Silence) {
            count = try errors.answer(header, with: error, into: answer, now: now)
        } catch {
            return
        }
        _ = try bridge.device.write(UnsafeRawBufferPointer(rebasing: answer[..<count]))
    }
}

extension [UInt8] {
    /// The array as a checked IPv6 packet; it was one when it was kept.
    fileprivate func withPacket(
        _ headerSize: Int, _ body: (IPv6Header, VirtioHeader?) throws(TunError) -> Void
    ) throws(TunError) {
        let result = withUnsafeBytes { bytes -> Result<Void, TunError> in
            let packet = PortalPacket(bytes, headerSize: headerSize)
            guard let header = packet.header else { return .success(()) }
            do throws(TunError) { return .success(try body(header, packet.virtio)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
