internal import INET256
internal import Mesh
internal import Portal
internal import Transport
internal import Wire

/// Joins the portal's packets to the mesh's messages: an IPv6 destination becomes an address, and a message's sender the only
/// IPv6 source that its packet may have, but for the networks that are declared behind it.
struct PortalBridge {
    let device: TunDevice
    private let box: MeshBox
    private let map: IPv6Map
    private let filter: PortalFilter
    /// The boxes that networks are behind, by their derived address.
    private let owners: [IPv6Address: Address]
    private var errors: ICMPv6Errors
    private var destinations = DestinationCache()
    private var parked = ParkedPackets()
    private var seenRoutes: UInt64 = 0
    var gate: PortalGate
    /// The box's other nodes: packets to them do not leave it.
    var hosted: HostedNodes?
    /// The ports of our own sockets: their datagrams must never enter the tunnel that they carry.
    private let ownPorts: Set<UInt16>
    /// The machine's addresses on other interfaces, where hosts behind it may send through the portal as well.
    var machineAddresses: Set<IPv6Address> = []

    private(set) var drops = Portal.DropCounters()
    private(set) var prohibited: UInt64 = 0
    private(set) var unknown: UInt64 = 0
    private(set) var ownDatagrams: UInt64 = 0

    private let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPv6Errors.maximumSize, alignment: 16)

    init(
        device: TunDevice, box: MeshBox, map: IPv6Map, gate: PortalGate, ownPorts: Set<UInt16>,
        networks: PortalNetworks = .none, owners: [IPv6Address: Address] = [:]
    ) {
        self.device = device
        self.box = box
        self.map = map
        self.gate = gate
        self.ownPorts = ownPorts
        self.owners = owners
        filter = PortalFilter(own: map.address(of: box.mainAddress), prefix: map.prefix, networks: networks)
        errors = ICMPv6Errors(source: filter.own)
    }

    var own: IPv6Address { filter.own }

    /// When parked packets want to be looked at.
    var deadline: Instant { parked.deadline }

    // MARK: Out into the mesh

    /// Takes a packet that the kernel sent into the portal.
    mutating func outbound(_ packet: UnsafeRawBufferPointer, now: Instant) throws(TunError) {
        switch filter.outbound(packet) {
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
                try send(header, to: address, now)
            } else if let address = find(destination) {
                destinations.learn(destination, address)
                try send(header, to: address, now)
            } else if !parked.park(packet, for: destination, now: now) {
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

    private mutating func send(_ header: IPv6Header, to address: Address, _ now: Instant) throws(TunError) {
        guard gate.admits(address) else {
            prohibited += 1
            try reply(.prohibited, header, now)
            return
        }
        switch box.send(header.packet, from: .main, to: address, now: now) {
        case .sent, .queued:
            break
        case .fragmented(let limit):
            // It is on its way in pieces, so nothing is lost; the sender learns what goes in one, once that is known:
            // its kernel believes what it is told for ten minutes.
            guard box.isSizeSettled(to: address, from: .main) else { return }
            let mtu = max(limit, IPv6Header.minimumMTU)
            if header.totalLength > mtu { try reply(.tooBig(mtu: UInt32(mtu)), header, now) }
        case .loopback(let node):
            // A hosted node of this box: an application may understand packets, the kernel has no other place for them.
            if hosted?.deliver(header.packet, to: node, from: box.mainAddress) == true { return }
            unknown += 1
            try reply(.noRoute, header, now)
        case .dropped:
            // The box has counted why.
            try reply(.addressUnreachable, header, now)
        }
    }

    private func isOwnDatagram(_ header: IPv6Header) -> Bool {
        guard header.nextHeader == IPProtocol.udp, header.totalLength >= IPv6Header.size + 8 else { return false }
        let port = UInt16(bigEndian: header.packet.loadUnaligned(fromByteOffset: IPv6Header.size, as: UInt16.self))
        guard ownPorts.contains(port) else { return false }
        // A host behind us may use the same port for something else.
        let source = header.source
        return source == own || machineAddresses.contains(source)
    }

    // MARK: In from the mesh

    /// Hands a message of `sender` to the kernel, if it is a packet that this sender may send.
    mutating func inbound(_ message: UnsafeRawBufferPointer, from sender: Address) throws(TunError) {
        guard gate.admits(sender) else {
            prohibited += 1
            return
        }
        let derived = map.address(of: sender)
        switch filter.inbound(message, from: derived) {
        case .drop(let reason, _):
            drops.count(reason)
        case .pass(let header):
            // The derived address is shorter than the key's: a network is behind the one that was named in full.
            guard header.source == derived || owners[derived] == sender else {
                drops.count(.sourceNotSender)
                return
            }
            _ = try device.write(message)
        }
    }

    // MARK: What became of it later

    /// A queued packet could not be delivered.
    mutating func undeliverable(_ packet: [UInt8], now: Instant) throws(TunError) {
        try packet.withPacket { (header) throws(TunError) in
            destinations.forget(header.destination)
            try reply(.addressUnreachable, header, now)
        }
    }

    /// Tries parked packets again when routes changed, and gives up the old ones.
    mutating func tick(now: Instant) throws(TunError) {
        guard !parked.isEmpty else { return }
        let version = box.routesVersion
        guard version != seenRoutes || now >= parked.deadline else { return }
        seenRoutes = version
        for packet in parked.takeAll() {
            if let address = find(packet.destination) {
                destinations.learn(packet.destination, address)
                try packet.bytes.withPacket { (header) throws(TunError) in try send(header, to: address, now) }
            } else if now - packet.since >= ParkedPackets.patience {
                unknown += 1
                try packet.bytes.withPacket { (header) throws(TunError) in try reply(.noRoute, header, now) }
            } else {
                parked.putBack(packet)
            }
        }
    }

    private mutating func reply(_ error: ICMPv6Error, _ header: IPv6Header, _ now: Instant) throws(TunError) {
        let count: Int
        do throws(ICMPv6Silence) {
            count = try errors.answer(header, with: error, into: answer, now: now)
        } catch {
            return
        }
        _ = try device.write(UnsafeRawBufferPointer(rebasing: answer[..<count]))
    }

    /// Frees what the bridge holds; it is not used afterwards.
    func close() { answer.deallocate() }
}

extension [UInt8] {
    /// The array as a checked IPv6 packet; it was one when it was queued.
    fileprivate func withPacket(_ body: (IPv6Header) throws(TunError) -> Void) throws(TunError) {
        let result = withUnsafeBytes { bytes -> Result<Void, TunError> in
            guard let header = try? IPv6Header(bytes) else { return .success(()) }
            do throws(TunError) { return .success(try body(header)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
