internal import Discovery
internal import Glibc
internal import System
internal import Transport
internal import Wire

/// The socket of discovery on links: its port on all addresses, and a member of the groups on each link that is wanted.
final class LinkSocket {
    private let socket: UDPSocket
    private let batch = DatagramBatch(slotSize: 1 << 11, slots: 32)
    private var joined: Set<Membership> = []

    private struct Membership: Hashable {
        let interface: UInt32
        let isIPv4: Bool
    }

    /// Several daemons of one machine have it together; without IPv6 it is IPv4's alone.
    init() throws(TransportError) {
        var options = UDPSocket.Options()
        options.bufferSize = 256 << 10
        options.sharesPort = true
        let all = Endpoint(address: .unspecified, port: LocalGroup.port)
        do {
            socket = try UDPSocket(bind: all, options: options)
        } catch {
            guard error.code == EAFNOSUPPORT, let ipv4 = all.allIPv4 else { throw error }
            socket = try UDPSocket(bind: ipv4, options: options)
        }
    }

    var descriptor: Int32 { socket.descriptor }

    /// Becomes a member where it is not yet, and gives what the kernel refused. Links that are gone took their memberships with them.
    func join(_ places: [LocalPlace]) -> [SystemError] {
        let wanted = Set(places.map { Membership(interface: $0.interface, isIPv4: $0.address.mappedIPv4 != nil) })
        for old in joined.subtracting(wanted) {
            _ = change(old, join: false)
            joined.remove(old)
        }
        var refusals: [SystemError] = []
        for new in wanted.subtracting(joined) {
            let code = change(new, join: true)
            // A member already: an interface that was renumbered meanwhile.
            if code == 0 || code == EADDRINUSE {
                joined.insert(new)
            } else {
                let advice =
                    code == ENOBUFS ? "raise net.ipv4.igmp_max_memberships, or name fewer interfaces" : nil
                refusals.append(
                    SystemError("listen to", "the group on interface \(new.interface)", code: code, advice: advice))
            }
        }
        return refusals
    }

    private func change(_ membership: Membership, join: Bool) -> Int32 {
        if membership.isIPv4 {
            var request = ip_mreqn()
            request.imr_multiaddr.s_addr = (LocalGroup.ipv4.mappedIPv4 ?? 0).bigEndian
            request.imr_ifindex = Int32(truncatingIfNeeded: membership.interface)
            let option = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP
            return set(Int32(IPPROTO_IP), option, &request, MemoryLayout<ip_mreqn>.size)
        }
        var request = ipv6_mreq()
        withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { bytes in
            if let base = bytes.baseAddress { LocalGroup.ipv6.store(to: base) }
        }
        request.ipv6mr_interface = membership.interface
        let option = join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP
        return set(Int32(IPPROTO_IPV6), option, &request, MemoryLayout<ipv6_mreq>.size)
    }

    private func set(_ level: Int32, _ option: Int32, _ value: UnsafeRawPointer, _ size: Int) -> Int32 {
        setsockopt(socket.descriptor, level, option, value, socklen_t(size)) == 0 ? 0 : errno
    }

    /// Takes what has come.
    func receive(_ body: (UnsafeRawBufferPointer, Path) -> Void) throws(TransportError) {
        let count = try socket.receive(into: batch)
        for index in 0..<count { body(UnsafeRawBufferPointer(batch[index].bytes), batch[index].path) }
    }

    /// Sends one datagram: what the kernel does not take is lost.
    func send(_ datagram: LocalDatagram) throws(TransportError) {
        let path = Path(remote: datagram.target, local: datagram.source, interface: datagram.interface)
        try socket.sendOne(datagram.bytes, path)
    }
}

extension UDPSocket {
    /// Sends one datagram, now or not at all.
    func sendOne(_ bytes: [UInt8], _ path: Path) throws(TransportError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(TransportError) in
            var record = OutgoingDatagram(bytes: UnsafeRawBufferPointer(bytes), path: path)
            try withUnsafeMutablePointer(to: &record) { (record) throws(TransportError) in
                _ = try send(UnsafeMutableBufferPointer(start: record, count: 1))
            }
        }
    }
}
