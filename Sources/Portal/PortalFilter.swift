package import Wire

/// What is to become of a packet at the portal.
package enum Verdict {
    /// Carry it: the checked view is valid as long as the packet's bytes.
    case pass(IPv6Header)
    /// Drop it and count it. The view is there when it is an IPv6 packet at all, to be answered with an error.
    case drop(DropReason, IPv6Header?)
}

/// Says which packets may pass the portal. This is where an IPv6 source becomes an identity: a packet leaves
/// only with an address that is ours or behind us, and comes in only with one that is its sender's or behind it.
///
/// Every rule asks the same question, where an address is, and lets the most specific answer count. So what comes from
/// an address is carried exactly when an answer would go to the node that it came from: whoever mines a key with a
/// derived address inside a network of others gains nothing by it.
package struct PortalFilter: Sendable {
    /// The portal's own address.
    package let own: IPv6Address
    /// The one that it had before, which is its own as well for a time; else the same.
    package let former: IPv6Address
    /// The prefix that all addresses of the mesh are in.
    package let prefix: IPv6Prefix
    /// The networks behind this box and behind others.
    package let networks: PortalNetworks

    package init(own: IPv6Address, former: IPv6Address? = nil, prefix: IPv6Prefix, networks: PortalNetworks = .none) {
        precondition(prefix.contains(own), "the portal's address is in its prefix")
        self.own = own
        self.former = former ?? own
        self.prefix = prefix
        self.networks = networks
    }

    /// Where an address is, seen from this box.
    package enum Location: Hashable, Sendable {
        /// An address of our own.
        case own
        /// In a network behind this box.
        case local
        /// In a network behind the node with this derived address.
        case behind(IPv6Address)
        /// In the mesh's prefix and in no network: the address of a node, if anybody's.
        case node
        case nowhere
    }

    /// Networks inside the mesh's prefix are more specific than it; those around it leave its addresses to the nodes.
    package func location(of address: IPv6Address) -> Location {
        if address == own || address == former { return .own }
        let isInPrefix = prefix.contains(address)
        guard let found = networks.find(address), !isInPrefix || found.prefix.length > prefix.length else {
            return isInPrefix ? .node : .nowhere
        }
        switch found.side {
        case .here: return .local
        case .behind(let owner): return .behind(owner)
        }
    }

    /// A packet that the kernel sends through the portal.
    package func outbound(_ bytes: UnsafeRawBufferPointer) -> Verdict {
        let header: IPv6Header
        switch check(bytes) {
        case .drop(let reason, let packet): return .drop(reason, packet)
        case .pass(let checked): header = checked
        }
        if let reason = refusal(outbound: header) { return .drop(reason, header) }
        return .pass(header)
    }

    /// Why an IPv6 packet that the kernel sends through the portal is not carried; nil for what passes.
    package func refusal(outbound header: IPv6Header) -> DropReason? {
        let destination = header.destination
        if destination.isMulticast { return .multicast }
        let source = header.source
        // Before the check for ours: what the kernel sends by itself from link-local addresses is no mistake
        // of the user's that a counter of wrong sources should show.
        if destination.isLinkLocal || source.isLinkLocal { return .linkLocal }
        switch location(of: source) {
        case .own, .local: break
        case .behind, .node, .nowhere: return .sourceNotOurs
        }
        switch location(of: destination) {
        case .behind, .node: return nil
        // Never asked of the mesh: a stranger could have a derived address inside our network.
        case .own, .local: return .destinationHere
        case .nowhere: return .destinationOutsidePrefix
        }
    }

    /// What is wrong with bytes that are no IPv6 packet.
    package func fault(of bytes: UnsafeRawBufferPointer) -> DropReason {
        if case .drop(let reason, _) = check(bytes) { return reason }
        return .malformed
    }

    /// A packet that came through the mesh from the node whose derived address is `sender`. `isOwner`: whether that node,
    /// by its full address, is the one that the networks behind `sender` were declared for; asked only where it matters.
    package func inbound(
        _ bytes: UnsafeRawBufferPointer, from sender: IPv6Address, isOwner: @autoclosure () -> Bool = true
    ) -> Verdict {
        let header: IPv6Header
        switch check(bytes) {
        case .drop(let reason, let packet): return .drop(reason, packet)
        case .pass(let checked): header = checked
        }
        guard isPlace(of: header.source, sender, isOwner()) else { return .drop(.sourceNotSender, header) }
        let destination = header.destination
        if destination.isMulticast { return .drop(.multicast, header) }
        if destination.isLinkLocal { return .drop(.linkLocal, header) }
        switch location(of: destination) {
        case .own, .local: break
        case .behind, .node, .nowhere: return .drop(.destinationNotOurs, header)
        }
        // Nearly all of it: without a walk along the headers.
        if header.nextHeader == IPProtocol.tcp || header.nextHeader == IPProtocol.udp { return .pass(header) }
        if let reason = refusal(ofMessage: header, from: sender, isOwner()) { return .drop(reason, header) }
        return .pass(header)
    }

    /// Whether an address is the sender's own, or in a network that was declared behind it.
    @inline(__always)
    func isPlace(of address: IPv6Address, _ sender: IPv6Address, _ isOwner: @autoclosure () -> Bool) -> Bool {
        switch location(of: address) {
        case .node: address == sender
        case .behind(let owner): owner == sender && isOwner()
        case .own, .local, .nowhere: false
        }
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
