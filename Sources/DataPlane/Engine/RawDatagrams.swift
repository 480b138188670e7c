package import System
package import Wire

/// A datagram that came in by one of the box's sockets and is none of the mesh's.
package struct RawDatagram: Sendable {
    package let bytes: [UInt8]
    package let source: Endpoint
    /// The address of this machine that it came to.
    package let local: IPv6Address

    package init(_ bytes: [UInt8], from source: Endpoint, at local: IPv6Address) {
        self.bytes = bytes
        self.source = source
        self.local = local
    }
}

/// Who shares the box's sockets with the mesh: told by the first byte, which the mesh has 1 to 6 of. So a router's mapping of the
/// mesh's port is that of others too, who have to know it.
package struct RawDatagrams: Sendable {
    package let firstBytes: ClosedRange<UInt8>
    /// Bytes of the longest that is taken.
    package let largest: Int
    /// What finds no room is lost.
    package let mailbox: Mailbox<RawDatagram>

    package init(firstBytes: ClosedRange<UInt8>, largest: Int, mailbox: Mailbox<RawDatagram>) {
        self.firstBytes = firstBytes
        self.largest = largest
        self.mailbox = mailbox
    }

    /// One of theirs is on its way to them, or lost.
    @inline(never)
    func deliver(_ datagram: UnsafeMutableRawBufferPointer, _ path: Path) {
        guard datagram.count <= largest else { return }
        // Full, or closed: as if it had been lost on the way.
        try? mailbox.post(RawDatagram([UInt8](datagram), from: path.remote, at: path.local))
    }
}

extension Engine {
    func sendRaw(_ bytes: [UInt8], to target: Endpoint, from source: IPv6Address) throws {
        guard let place = socketPlace(Path(remote: target, socket: Path.anySocket)) else { return }
        // A link-local endpoint means something on its interface alone.
        let path = Path(remote: target, local: source, interface: target.scope, socket: UInt16(place))
        try worker.lines[place].sendAlone(bytes, to: path)
    }
}
