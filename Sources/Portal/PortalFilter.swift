public import Wire

/// What is to become of a packet at the portal.
public enum Verdict {
    /// Carry it: the checked view is valid as long as the packet's bytes.
    case pass(IPv6Header)
    /// Drop it and count it. The view is there when it is an IPv6 packet at all, to be answered with an error.
    case drop(DropReason, IPv6Header?)
}

/// Says which packets may pass the portal. This is where an IPv6 source becomes an identity: a packet leaves
/// only with our address, and comes in only with the address that its sender's key gives.
public struct PortalFilter: Sendable {
    /// The portal's own address.
    public let own: IPv6Address
    /// The prefix that all addresses of the mesh are in.
    public let prefix: IPv6Prefix

    public init(own: IPv6Address, prefix: IPv6Prefix) {
        precondition(prefix.contains(own), "the portal's address is in its prefix")
        self.own = own
        self.prefix = prefix
    }

    /// A packet that the kernel sends through the portal.
    public func outbound(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        let header: IPv6Header
        switch check(bytes) {
        case .drop(let reason, let packet): return .drop(reason, packet)
        case .pass(let checked): header = checked
        }
        let destination = header.destination
        if destination.isMulticast { return .drop(.multicast, header) }
        let source = header.source
        // Before the check for ours: what the kernel sends by itself from link-local addresses is no mistake
        // of the user's that a counter of wrong sources should show.
        if destination.isLinkLocal || source.isLinkLocal { return .drop(.linkLocal, header) }
        if source != own { return .drop(.sourceNotOurs, header) }
        if !prefix.contains(destination) { return .drop(.destinationOutsidePrefix, header) }
        return .pass(header)
    }

    /// A packet that came through the mesh from the node whose derived address is `sender`.
    public func inbound(_ bytes: UnsafeRawBufferPointer, from sender: IPv6Address) -> Verdict {
        let header: IPv6Header
        switch check(bytes) {
        case .drop(let reason, let packet): return .drop(reason, packet)
        case .pass(let checked): header = checked
        }
        if header.source != sender { return .drop(.sourceNotSender, header) }
        let destination = header.destination
        if destination.isMulticast { return .drop(.multicast, header) }
        if destination.isLinkLocal { return .drop(.linkLocal, header) }
        if destination != own { return .drop(.destinationNotOurs, header) }
        return .pass(header)
    }

    private func check(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        do throws(IPv6Malformation) {
            return .pass(try IPv6Header(bytes))
        } catch {
            switch error {
            case .notIPv6: return .drop(.notIPv6, nil)
            case .truncated, .lengthMismatch: return .drop(.malformed, nil)
            }
        }
    }
}
