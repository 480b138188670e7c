/// Where a datagram goes or comes from: an IP address and a UDP port. IPv4 is held in its mapped form.
public struct Endpoint: Hashable, Sendable {
    public var address: IPv6Address
    public var port: UInt16
    /// Interface index for link-local addresses (RFC 4007), else 0.
    public var scope: UInt32

    @inlinable
    public init(address: IPv6Address, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = scope
    }

    public var isIPv4: Bool { address.mappedIPv4 != nil }
    /// All IPv4 addresses in the place of all addresses, the port as it is; nil for any other endpoint.
    public var allIPv4: Endpoint? {
        address == .unspecified ? Endpoint(address: IPv6Address(mappedIPv4: 0), port: port) : nil
    }
    /// Bytes of IP and UDP header in front of a datagram to here: 28 (RFC 791, RFC 768) or 48 (RFC 8200).
    @inlinable
    public var headerBytes: Int { address.mappedIPv4 != nil ? 28 : 48 }
}

extension Endpoint: CustomStringConvertible {
    /// "192.0.2.1:25632", "[2001:db8::1]:25632" or "[fe80::1%3]:25632" (the zone is an interface index).
    public var description: String {
        if let v4 = address.mappedIPv4 {
            return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255):\(port)"
        }
        return scope == 0 ? "[\(address)]:\(port)" : "[\(address)%\(scope)]:\(port)"
    }

    /// Parses a numeric endpoint in the forms that `description` gives. Host names are not looked up here.
    public init?(_ text: String) {
        guard let parts = HostPort(text[...]) else { return nil }
        if parts.isBracketed {
            let inner = parts.host.split(separator: "%", omittingEmptySubsequences: false)
            guard (1...2).contains(inner.count), let address = IPv6Address(String(inner[0])) else { return nil }
            guard let scope = inner.count == 1 ? 0 : HostPort.number(inner[1], UInt32.self) else { return nil }
            self.init(address: address, port: parts.port, scope: scope)
        } else if let v4 = IPv4Text.parse(parts.host) {
            self.init(address: IPv6Address(mappedIPv4: v4), port: parts.port)
        } else {
            return nil
        }
    }
}

/// One way to reach a remote end: its endpoint, and the local side that datagrams leave from. Replies go
/// out by the address and interface that the peer's packets came in on.
public struct Path: Hashable, Sendable {
    public var remote: Endpoint
    /// The local address packets leave from; unspecified leaves the choice to the kernel.
    public var local: IPv6Address
    /// The interface packets leave by; 0 leaves the choice to the kernel.
    public var interface: UInt32
    /// Which of the box's sockets: its place in the configuration's list of transports, or `anySocket`.
    public var socket: UInt16

    /// The driver chooses a socket that speaks the endpoint's family.
    public static let anySocket = UInt16.max
    /// The driver chooses a spare socket that speaks it: one with another source port than the configured ones have.
    public static let spareSocket = UInt16.max - 1
    /// The next of the ports that were opened for a spray, each of which sends one datagram so.
    package static let spraySocket = UInt16.max - 2

    @inlinable
    public init(remote: Endpoint, local: IPv6Address = .unspecified, interface: UInt32 = 0, socket: UInt16 = 0) {
        self.remote = remote
        self.local = local
        self.interface = interface
        self.socket = socket
    }
}
