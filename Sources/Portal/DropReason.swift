/// Why the portal did not carry a packet.
package enum DropReason: Int, CaseIterable, Sendable, CustomStringConvertible {
    /// The version is not 6: the portal carries nothing but IPv6.
    case notIPv6
    /// Cut off, or its length field lies.
    case malformed
    /// Outbound: the source is neither this portal's address nor in a network behind this box.
    case sourceNotOurs
    /// Outbound: outside the portal's prefix and every network, so nobody's address here.
    case destinationOutsidePrefix
    /// Multicast is not carried.
    case multicast
    /// Link-local addresses mean nothing beyond a link.
    case linkLocal
    /// Inbound: the source is neither the address that the sender's key gives nor in a network behind the sender.
    case sourceNotSender
    /// Inbound: for somebody else; the portal is not a way through.
    case destinationNotOurs
    /// Outbound: for a network behind this box; the kernel has no route to it and sent it this way.
    case destinationHere
    /// Inbound: an ICMPv6 error that does not quote a packet of its receiver's to where the sender is.
    case unfoundedError
    /// Inbound: ICMPv6 that is meant for the neighbours on a link, such as router advertisements.
    case linkMessage

    package var description: String {
        switch self {
        case .notIPv6: "not IPv6"
        case .malformed: "malformed"
        case .sourceNotOurs: "source not ours"
        case .destinationOutsidePrefix: "destination outside the prefix"
        case .multicast: "multicast"
        case .linkLocal: "link-local"
        case .sourceNotSender: "source not the sender's"
        case .destinationNotOurs: "destination not ours"
        case .destinationHere: "destination behind this box"
        case .unfoundedError: "unfounded ICMPv6 error"
        case .linkMessage: "ICMPv6 for a link"
        }
    }

    /// What an outbound packet dropped for this reason is answered with; nil is silence: what is not ours,
    /// or not to be carried at all, has nobody who waits for an answer.
    package var answer: ICMPv6Error? {
        switch self {
        case .destinationOutsidePrefix: .noRoute
        case .destinationHere: .addressUnreachable
        case .notIPv6, .malformed, .sourceNotOurs, .multicast, .linkLocal, .sourceNotSender, .destinationNotOurs,
            .unfoundedError, .linkMessage:
            nil
        }
    }
}

/// How many packets were dropped for each reason.
package struct DropCounters: Equatable, Sendable {
    /// One for each reason, by raw value: allocated once.
    private var counts = [UInt64](repeating: 0, count: DropReason.allCases.count)

    package init() {}

    package subscript(reason: DropReason) -> UInt64 { counts[reason.rawValue] }
    package var total: UInt64 { counts.reduce(0, +) }

    package mutating func count(_ reason: DropReason) { counts[reason.rawValue] += 1 }

    package mutating func add(_ other: DropCounters) {
        for place in counts.indices { counts[place] &+= other.counts[place] }
    }
}
