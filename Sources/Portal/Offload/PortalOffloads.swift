/// Whether the kernel may leave work to us, and we to it.
package enum OffloadMode: Sendable {
    /// Whatever the kernel takes, tried at the start from the most to the least.
    case auto
    /// Packets cross one at a time and finished, as without virtio headers.
    case off
}

/// What the portal and the kernel have agreed to leave undone in the packets that they give each other.
package struct PortalOffloads: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Each packet stands behind a virtio header (IFF_VNET_HDR): unfinished checksums may be written.
    package static let header = PortalOffloads(rawValue: 1)
    /// Packets come from the kernel with unfinished checksums (TUN_F_CSUM).
    package static let checksum = PortalOffloads(rawValue: 2)
    /// TCP comes from the kernel in super-packets (TUN_F_TSO6).
    package static let tcpSplitting = PortalOffloads(rawValue: 4)
    /// UDP does too (TUN_F_USO6, since Linux 6.2).
    package static let udpSplitting = PortalOffloads(rawValue: 8)
    /// TCP is written to the kernel in super-packets.
    package static let tcpJoining = PortalOffloads(rawValue: 16)
    /// UDP is too. Kernels that cannot read USO from us do not offer to write it either.
    package static let udpJoining = PortalOffloads(rawValue: 32)

    /// The names of what is on, in a fixed order, for people.
    package var names: [String] {
        Self.all.filter { contains($0.0) }.map(\.1)
    }

    private static let all: [(PortalOffloads, String)] = [
        (.header, "header"), (.checksum, "checksum"), (.tcpSplitting, "tcp-splitting"),
        (.udpSplitting, "udp-splitting"), (.tcpJoining, "tcp-joining"), (.udpJoining, "udp-joining"),
    ]
}

extension PortalOffloads: CustomStringConvertible {
    package var description: String { isEmpty ? "off" : names.joined(separator: " ") }
}
