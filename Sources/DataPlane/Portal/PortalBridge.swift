internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// Joins the portal's packets to the mesh's messages: an IPv6 destination becomes an address, and a message's sender the only
/// IPv6 source that its packet may have, but for the networks that are declared behind it.
final class PortalBridge: InboundPortal {
    let device: TunDevice
    private let box: MeshBox
    let map: IPv6Map
    let filter: PortalFilter
    /// The boxes that networks are behind, by their derived address.
    let owners: [IPv6Address: Address]
    /// Joins what came in one burst, for the kernel.
    let joiner: Joiner
    let dscp: DSCPPolicy
    private var errors: ICMPv6Errors
    private var destinations = DestinationCache()
    private var parked = ParkedPackets()
    private var seenRoutes: UInt64 = 0
    var gate: PortalGate
    /// The box's other nodes: packets to them do not leave it.
    var hosted: HostedNodes?
    /// The ports of our own sockets: their datagrams must never enter the tunnel that they carry.
    let ownPorts: Set<UInt16>
    /// The machine's addresses on other interfaces, where hosts behind it may send through the portal as well.
    var machineAddresses: Set<IPv6Address> = []

    var drops = Portal.DropCounters()
    var prohibited: UInt64 = 0
    /// Packets whose sender does not understand the mark of congestion that they got on the way (RFC 6040 section 4.2).
    var congested: UInt64 = 0
    private(set) var unknown: UInt64 = 0
    private(set) var ownDatagrams: UInt64 = 0

    private let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPv6Errors.maximumSize, alignment: 16)
    /// Where a packet is put together that cannot be sealed where it is written.
    private let single = UnsafeMutableRawBufferPointer.allocate(byteCount: TunDevice.readSize, alignment: 16)

    init(
        device: TunDevice, box: MeshBox, map: IPv6Map, gate: PortalGate, ownPorts: Set<UInt16>,
        networks: PortalNetworks = .none, owners: [IPv6Address: Address] = [:], dscp: DSCPPolicy = .clear
    ) {
        self.device = device
        self.box = box
        self.map = map
        self.gate = gate
        self.ownPorts = ownPorts
        self.owners = owners
        filter = PortalFilter(own: map.address(of: box.mainAddress), prefix: map.prefix, networks: networks)
        errors = ICMPv6Errors(source: filter.own)
        joiner = Joiner(offloads: device.offloads)
        self.dscp = dscp
    }

    var own: IPv6Address { filter.own }

    /// When parked packets want to be looked at.
    var deadline: Instant { parked.deadline }

    // MARK: Out into the mesh

    /// Takes a packet, or a super-packet of several, as the device gave it.
    func outbound(_ given: UnsafeRawBufferPointer, now: Instant) throws(TunError) {
        guard let packet = PortalPacket(given, headerSize: device.headerSize) else {
            drops.count(.malformed)
            return
        }
        switch filter.outbound(packet.bytes) {
        case .drop(let reason, let header):
            drops.count(reason)
            if let header, let error = reason.answer { try reply(error, header, now) }
        case .pass(let header):
            guard !isOwnDatagram(header) else {
                ownDatagrams += 1
                return
            }
            let destination = header.destination
            if let address = destinations.look(destination) {
                try send(header, packet.virtio, to: address, now)
            } else if let address = find(destination) {
                destinations.learn(destination, address)
                try send(header, packet.virtio, to: address, now)
            } else if !parked.park(given, for: destination, now: now) {
                unknown += 1
                try reply(.noRoute, header, now)
            }
        }
    }

    /// Who gets packets to `destination`. The configuration says who a network is behind; the mesh is asked for nodes
    /// only, lest a stranger with such a derived address gets what is a network's.
    private func find(_ destination: IPv6Address) -> Address? {
        switch filter.location(of: destination) {
        case .behind(let owner):
            return owners[owner]
        case .node:
            guard let (prefix, bits) = map.search(for: destination) else { return nil }
            return box.find(prefix: prefix, bits: bits)
        case .own, .local, .nowhere:
            return nil
        }
    }

    private func send(
        _ header: IPv6Header, _ virtio: VirtioHeader?, to address: Address, _ now: Instant
    ) throws(TunError) {
        guard gate.admits(address) else {
            prohibited += 1
            try reply(.prohibited, header, now)
            return
        }
        let trafficClass = dscp.outer(header.trafficClass)
        if let lane = box.lane(from: .main, to: address, now: now),
            var splitter = split(header, virtio, limit: lane.capacity, partial: true), splitter.largest <= lane.capacity
        {
            if splitter.intended > lane.capacity, lane.isSettled {
                try sayTooBig(header, splitter.intended, lane.capacity, now)
            }
            while let count = splitter.nextSize, let room = box.room(lane) {
                _ = splitter.next(into: UnsafeMutableRawBufferPointer(start: room, count: count))
                // What could not be sent the box has counted, as it has where there was no room.
                _ = box.dispatch(
                    room, count: count, isPartial: splitter.isPartial, trafficClass: trafficClass, lane, now: now)
            }
            return
        }
        guard var splitter = split(header, virtio, limit: .max, partial: false) else {
            drops.count(.malformed)
            return
        }
        while let count = splitter.next(into: single) {
            let packet = UnsafeRawBufferPointer(rebasing: single[..<count])
            try send(single: packet, header, to: address, trafficClass, now)
        }
    }

    private func split(
        _ header: IPv6Header, _ virtio: VirtioHeader?, limit: Int, partial: Bool
    ) -> SegmentSplitter? {
        do throws(SplitError) {
            return try SegmentSplitter(header, virtio, limit: limit, partial: partial)
        } catch {
            return nil
        }
    }

    /// One finished packet, that has no keys yet, goes in pieces, or stays in this box. `header` is what it was cut from.
    private func send(
        single packet: UnsafeRawBufferPointer, _ header: IPv6Header, to address: Address, _ trafficClass: UInt8,
        _ now: Instant
    ) throws(TunError) {
        switch box.send(packet, from: .main, to: address, trafficClass: trafficClass, now: now) {
        case .sent, .queued:
            break
        case .fragmented(let limit):
            // It is on its way in pieces, so nothing is lost; the sender learns what goes in one, once that is known.
            guard box.isSizeSettled(to: address, from: .main) else { return }
            try sayTooBig(header, packet.count, limit, now)
        case .loopback(let node):
            // A hosted node of this box: an application may understand packets, the kernel has no other place for them.
            if hosted?.deliver(packet, to: node, from: box.mainAddress) == true { return }
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
        guard header.isUDP(from: ownPorts) else { return false }
        // A host behind us may use the same port for something else.
        let source = header.source
        return source == own || machineAddresses.contains(source)
    }

    // MARK: What became of it later

    /// A queued packet could not be delivered.
    func undeliverable(_ packet: [UInt8], now: Instant) throws(TunError) {
        try packet.withPacket(0) { (header, _) throws(TunError) in
            destinations.forget(header.destination)
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
                destinations.learn(packet.destination, address)
                try packet.bytes.withPacket(device.headerSize) { (header, virtio) throws(TunError) in
                    try send(header, virtio, to: address, now)
                }
            } else if now - packet.since >= ParkedPackets.patience {
                unknown += 1
                try packet.bytes.withPacket(device.headerSize) { (header, _) throws(TunError) in
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
        _ = try device.write(UnsafeRawBufferPointer(rebasing: answer[..<count]))
    }

    /// Frees what the bridge holds; it is not used afterwards.
    func close() {
        answer.deallocate()
        single.deallocate()
    }
}

extension IPv6Header {
    /// Whether it is a UDP datagram, or the beginning of one, that bears one of these source ports.
    @inline(__always)
    func isUDP(from ports: Set<UInt16>) -> Bool {
        guard nextHeader == IPProtocol.udp, totalLength >= IPv6Header.size + 8 else { return false }
        return ports.contains(
            UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: IPv6Header.size, as: UInt16.self)))
    }
}

/// What the device gave: perhaps a virtio header, and a packet that was not looked at yet.
struct PortalPacket {
    let virtio: VirtioHeader?
    let bytes: UnsafeRawBufferPointer

    /// Nil when it is shorter than a header.
    @inline(__always)
    init?(_ given: UnsafeRawBufferPointer, headerSize: Int) {
        guard given.count >= headerSize else { return nil }
        virtio = headerSize > 0 ? VirtioHeader(given) : nil
        bytes = given.tail(from: headerSize)
    }
}

extension [UInt8] {
    /// The array as a checked IPv6 packet; it was one when it was kept.
    fileprivate func withPacket(
        _ headerSize: Int, _ body: (IPv6Header, VirtioHeader?) throws(TunError) -> Void
    ) throws(TunError) {
        let result = withUnsafeBytes { bytes -> Result<Void, TunError> in
            guard let packet = PortalPacket(bytes, headerSize: headerSize), let header = try? IPv6Header(packet.bytes)
            else { return .success(()) }
            do throws(TunError) { return .success(try body(header, packet.virtio)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
