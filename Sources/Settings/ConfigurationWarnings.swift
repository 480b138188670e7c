internal import API
package import INET256
internal import Wire

extension Configuration {
    /// What is possible but hardly meant, when `own` are the box's addresses.
    package func warnings(own: Set<Address>) -> [String] {
        var warnings = fileWarnings
        for (index, peer) in peers.enumerated() where own.contains(peer.id) {
            warnings.append("peers[\(index)] (\(peer.label)) is this box itself and is ignored")
        }
        if peers.isEmpty, accept == .peers, discovery.local?.secret == nil {
            warnings.append("no peers are configured and none may come in (accept: peers): this box reaches nobody")
        }
        warnings += endpointWarnings
        warnings += exposureWarnings
        warnings += prefixWarnings
        warnings += firewallWarnings(own: own)
        if portal.enabled, portal.prefix.length > 16, portal.allow != .any {
            warnings.append(
                "portal.prefix is longer than /16: an IPv6 address then holds too few bits of an identity"
            )
        }
        return warnings
    }

    /// What speaks against the prefix and its exceptions.
    private var prefixWarnings: [String] {
        guard portal.enabled else { return [] }
        var warnings = portal.prefixFault.map { [$0] } ?? []
        guard !portal.except.isEmpty, let map = try? IPv6Map(prefix: portal.prefix) else { return warnings }
        for peer in peers {
            let address = map.address(of: peer.id)
            if let part = portal.except.first(where: { $0.contains(address) }) {
                warnings.append(
                    "portal.except \(part) holds the IPv6 address of the peer \(peer.label), \(address), which cannot be "
                        + "reached from here then: name smaller parts")
            }
        }
        return warnings
    }

    /// What other machines may do here because `api.allow_remote` lets them.
    private var exposureWarnings: [String] {
        var warnings: [String] = []
        if apiEndpoint.isRemote {
            warnings.append(
                "api_endpoint \(apiEndpoint) is open to other machines: whoever reaches that port can open nodes on this box "
                    + "and control the daemon, and private keys cross the wire in clear text")
        }
        if let listen = api.listen, listen.isRemote {
            warnings.append(
                "api.listen \(listen) is open to other machines: whoever reaches that port can read this box's status, "
                    + "peers and metrics")
        }
        // On an address in the portal's prefix it is the firewall that says who comes.
        if let listen = dashboard.listen, listen.isRemote, !isGuarded(listen) {
            warnings.append(
                "dashboard.listen \(listen) is open to other machines: whoever reaches that port can read this box's status, "
                    + "peers, rules and log")
        }
        return warnings
    }

    /// Whether nobody comes to an endpoint but by the portal and its firewall.
    private func isGuarded(_ endpoint: APIEndpoint) -> Bool {
        guard case .tcp(let place) = endpoint, portal.enabled, firewall.enabled else { return false }
        return portal.prefix.contains(place.address)
    }
}
