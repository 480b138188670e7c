internal import INET256
internal import Portal
internal import Wire

/// What all bridges of one portal judge packets by.
struct PortalRules {
    let map: IPv6Map
    let filter: PortalFilter
    /// The boxes that networks are behind, by their derived address.
    let owners: [IPv6Address: Address]
    /// The ports of our own sockets: their datagrams must never enter the tunnel that they carry.
    var ownPorts: Set<UInt16>
    let dscp: DSCPPolicy

    /// Whether packets may be another node's than the box's main one: those of its former address.
    let hasFormer: Bool

    /// `main`: the box's own address. `former`: the one that it had before.
    init(_ setup: EngineSetup.PortalSetup, main: Address, former: Address? = nil, ownPorts: Set<UInt16>) {
        map = setup.map
        hasFormer = former != nil
        filter = PortalFilter(
            own: setup.map.address(of: main), former: former.map(setup.map.address), prefix: setup.map.prefix,
            networks: setup.networks)
        owners = setup.owners
        self.ownPorts = ownPorts
        dscp = setup.dscp
    }
}

/// What a device gave: perhaps a virtio header, and a packet, whose header is looked at once.
struct PortalPacket {
    /// Everything.
    let given: UnsafeRawBufferPointer
    let virtio: VirtioHeader?
    /// Nil for what is no IPv6 packet.
    let header: IPv6Header?
    private let headerCount: Int

    /// One that comes out of the queue.
    @inline(__always)
    init(_ queued: QueuedPacket) {
        given = UnsafeRawBufferPointer(queued.bytes)
        headerCount = queued.headerCount
        virtio = headerCount > 0 ? VirtioHeader(given) : nil
        header = queued.header
    }

    /// One that was not looked at yet.
    init(_ given: UnsafeRawBufferPointer, headerSize: Int) {
        self.given = given
        headerCount = min(headerSize, given.count)
        virtio = headerSize > 0 ? VirtioHeader(given) : nil
        let bytes = given.tail(from: headerCount)
        let checked: IPv6Header?
        do throws(IPv6Malformation) { checked = try IPv6Header(bytes) } catch { checked = nil }
        header = checked
    }

    /// The packet without the driver's header.
    var bytes: UnsafeRawBufferPointer { given.tail(from: headerCount) }
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
