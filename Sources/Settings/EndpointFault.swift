package import Wire

/// Why datagrams to a configured endpoint never reach a peer, as far as that is known without sending any.
package enum EndpointFault: Equatable, Sendable {
    /// 0.0.0.0 or ::, which is nobody's address.
    case unspecified
    case multicast
    /// 255.255.255.255.
    case broadcast
    /// No configured transport speaks the endpoint's IP version.
    case noTransport(ipv4: Bool)
    /// One of this box's own sockets.
    case ownEndpoint
    /// Its datagrams would enter the tunnel that they carry.
    case inPortal(String)

    /// One word for programs, as `reason` in `peers --json`.
    package var word: String {
        switch self {
        case .unspecified: "unspecified-address"
        case .multicast: "multicast"
        case .broadcast: "broadcast"
        case .noTransport: "no-transport"
        case .ownEndpoint: "own-endpoint"
        case .inPortal: "in-portal"
        }
    }

    /// What is wrong with `endpoint` and what to do about it.
    package func text(_ endpoint: String) -> String {
        switch self {
        case .unspecified: "\(endpoint) is nobody's address: write the address of the peer's machine"
        case .multicast: "\(endpoint) is a multicast address, and a peer has one of its own: write that"
        case .broadcast: "\(endpoint) is the broadcast address, and a peer has one of its own: write that"
        case .noTransport(let isIPv4):
            "\(endpoint) is an IPv\(isIPv4 ? "4" : "6") endpoint and no transport of this box speaks IPv\(isIPv4 ? "4" : "6"): "
                + "add one to transports, such as udp: \"\(isIPv4 ? "0.0.0.0" : "[::]"):25632\""
        case .ownEndpoint: "\(endpoint) is this box itself: write the address of the peer's machine"
        case .inPortal(let what): what
        }
    }

    /// What can be seen of an endpoint and of the addresses that sockets are bound to. `own`: addresses of this machine.
    package static func of(_ endpoint: Endpoint, transports: [Endpoint], own: Set<IPv6Address> = []) -> EndpointFault? {
        let address = endpoint.address
        if address == .unspecified || address.mappedIPv4 == 0 { return .unspecified }
        if address.isMulticast || address.mappedIPv4.map({ $0 >> 28 == 0xe }) == true { return .multicast }
        if address.mappedIPv4 == UInt32.max { return .broadcast }
        let speaking = transports.filter { speaks($0, endpoint) }
        guard !speaking.isEmpty else { return .noTransport(ipv4: endpoint.isIPv4) }
        let isHere = address.isLoopback || own.contains(address)
        if isHere, speaking.contains(where: { $0.port == endpoint.port && isBound($0, to: address) }) {
            return .ownEndpoint
        }
        return nil
    }

    /// A socket on :: takes both versions, one on an address its own.
    fileprivate static func speaks(_ bound: Endpoint, _ endpoint: Endpoint) -> Bool {
        bound.address == .unspecified || bound.isIPv4 == endpoint.isIPv4
    }

    private static func isBound(_ bound: Endpoint, to address: IPv6Address) -> Bool {
        bound.address == .unspecified || bound.address.mappedIPv4 == 0 || bound.address == address
    }
}

extension TransportConfiguration {
    /// Whether datagrams to an endpoint can leave by it.
    package func speaks(to endpoint: Endpoint) -> Bool { EndpointFault.speaks(udp, endpoint) }
}

extension Configuration {
    /// Endpoints of peers that cannot work, as far as the file alone says.
    package var endpointWarnings: [String] {
        peers.enumerated().flatMap { index, peer in
            peer.endpoints.compactMap { configured -> String? in
                guard let endpoint = configured.numeric,
                    let fault = EndpointFault.of(endpoint, transports: transports.udp)
                else { return nil }
                return "peers[\(index)] (\(peer.label)): \(fault.text("\(configured)"))"
            }
        }
    }
}

extension PeerEndpoint {
    /// Without a look at any name; nil for one, and for an address with a zone.
    package var numeric: Endpoint? {
        guard let address = IPv6Address(host) ?? IPv4Text.parse(host).map({ IPv6Address(mappedIPv4: $0) }) else {
            return nil
        }
        return Endpoint(address: address, port: port)
    }
}
