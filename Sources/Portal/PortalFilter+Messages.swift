internal import Wire

/// What is believed of ICMPv6 that comes through the mesh.
///
/// The kernel acts on an error by the packet that the error quotes, whoever sent it: a Packet Too Big of anybody's lowers
/// the path's size to anybody, an unreachable breaks a connection. So an error must be about a packet that its receiver
/// sent to where the error's sender is:
///
///     IPv6  source: the sender, or behind it      destination: we, or behind us
///     ICMPv6  type below 128, 8 bytes in all
///     IPv6  source: the destination above         destination: the sender, or behind it
///     as much of the packet as fits
extension PortalFilter {
    /// Why a packet that its sender may send is not let in after all; nil for what passes.
    func refusal(
        ofMessage header: IPv6Header, from sender: IPv6Address, _ isOwner: @autoclosure () -> Bool
    ) -> DropReason? {
        // What cannot be followed to its end may hide an error: the kernel may follow it.
        guard let upper = header.upperLayer else { return .malformed }
        guard upper.protocolNumber == IPProtocol.icmpv6 else { return nil }
        // Nothing comes of a later fragment without the first one, which is judged by its type (RFC 7112 demands that
        // all headers are in it).
        if upper.isLaterFragment { return nil }
        var message = ByteReader(header.packet)
        guard message.take(upper.offset) != nil, let type = message.big(UInt8.self) else { return .malformed }
        if Self.isForLink(type) { return .linkMessage }
        if type >= ICMPv6Errors.firstInformational { return nil }
        // Errors are kept small enough to need no fragments (RFC 4443 section 2.4 (c)).
        guard !upper.isFragment, message.take(ICMPv6Errors.messageHeaderSize - 1) != nil,
            // What is quoted may be cut off behind its header, so that it is no packet that could be checked as one.
            let first = message.big(UInt32.self), first >> 28 == 6, message.take(4) != nil,
            let source = message.address(), let destination = message.address(),
            source == header.destination, isPlace(of: destination, sender, isOwner())
        else { return .unfoundedError }
        return nil
    }

    /// What only neighbours on a link tell each other (RFC 4890 section 4.3.3): listeners, routers, neighbours,
    /// redirects, their inverse, certificates, multicast routers.
    private static func isForLink(_ type: UInt8) -> Bool {
        switch type {
        case 130...137, 141...143, 148, 149, 151...153: true
        default: false
        }
    }
}

extension ByteReader {
    fileprivate mutating func address() -> IPv6Address? {
        take(IPv6Address.count).flatMap { $0.baseAddress }.map { IPv6Address(loading: $0) }
    }
}
