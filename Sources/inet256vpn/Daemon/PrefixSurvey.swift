internal import Netlink
internal import Portal
internal import Settings
internal import Wire

/// What the portal's prefix would take away from this machine. A pure function of what was found: nothing is asked here.
struct PrefixSurvey {
    let plan: PortalPlan
    /// `portal.except`.
    var except: [IPv6Prefix] = []
    /// Addresses that are known to be nodes of the mesh, whatever else they serve as.
    var mesh: Set<IPv6Address> = []
    var nameservers: [Nameserver] = []
    /// IPv6 routes of others, of the main table and the plan's.
    var routes: [Route] = []
    /// IPv6 addresses of the machine, those of the portal left out.
    var addresses: [InterfaceAddress] = []
    /// Where peers are said to be, by numeric addresses.
    var endpoints: [(peer: String, address: IPv6Address)] = []
    /// Names of interfaces by their index.
    var devices: [UInt32: String] = [:]

    struct Findings: Equatable {
        /// What the machine cannot do without and has by its default route alone, with what it is.
        var kept: [KeptAddress] = []
        /// What will be different, and what to do about it.
        var warnings: [String] = []
        /// Why the prefix should not be taken.
        var refusals: [String] = []
    }

    struct KeptAddress: Equatable {
        let address: IPv6Address
        /// Such as "the nameserver of /etc/resolv.conf".
        let what: String
        /// Of a gateway: the interface whose link it is on.
        var onLink: UInt32?
    }

    func findings() -> Findings {
        var findings = Findings()
        keepNameservers(&findings)
        keepGateways(&findings)
        judgeRoutes(&findings)
        judgeAddresses(&findings)
        judgeEndpoints(&findings)
        return findings
    }

    // MARK: - Parts

    private func keepNameservers(_ findings: inout Findings) {
        for server in nameservers where isSwallowed(server.address) {
            let what = "the nameserver of \(server.file)"
            if hasWay(server.address) {
                findings.keep(KeptAddress(address: server.address, what: what))
            } else {
                findings.warnings.append(
                    "\(server.address), \(what), lies in portal.prefix \(plan.prefix) and this machine has no other way to "
                        + "it: questions to it go into the portal")
            }
        }
    }

    /// A gateway carries on in any case, but nothing sent to itself would get there.
    private func keepGateways(_ findings: inout Findings) {
        for route in routes where route.kind == .unicast && route.interface != 0 {
            guard let gateway = route.gateway, isSwallowed(gateway) else { continue }
            let what = "the gateway of \(route.text(interface: name))"
            findings.keep(KeptAddress(address: gateway, what: what, onLink: route.interface))
        }
    }

    /// Wider routes than the prefix, of which it takes a part; those inside it win, and have a warning of their own.
    private func judgeRoutes(_ findings: inout Findings) {
        for route in routes where route.kind == .unicast {
            let wide = route.destination
            guard wide.length > 0, wide.length < plan.prefix.length, wide.contains(plan.prefix) else { continue }
            let shown = route.text(interface: name)
            if isOnLink(route) {
                findings.refusals.append(
                    "portal.prefix \(plan.prefix) is a part of the network on \(name(route.interface)) (\(shown)): its hosts "
                        + "would not be reached any more. Choose another portal.prefix, the same on every box")
            } else {
                findings.warnings.append(
                    "portal.prefix \(plan.prefix) takes what \(shown) has led to: what is needed of that behind "
                        + "\(name(route.interface)) belongs into portal.except")
            }
        }
    }

    /// The network of an address of this machine: its hosts are neighbours. A tunnel's route without a gateway is not.
    private func isOnLink(_ route: Route) -> Bool {
        route.gateway == nil
            && addresses.contains {
                $0.interface == route.interface && Int($0.prefixLength) == route.destination.length
                    && route.destination.contains($0.address)
            }
    }

    private func judgeAddresses(_ findings: inout Findings) {
        var sites: Set<IPv6Prefix> = []
        for address in addresses where plan.prefix.contains(address.address) && !mesh.contains(address.address) {
            let device = name(address.interface)
            guard Self.uniqueLocal.contains(address.address) else {
                if address.scope == Self.globalScope, !except.contains(where: { $0.contains(address.address) }) {
                    findings.refusals.append(
                        "portal.prefix \(plan.prefix) holds \(address), this machine's own address on \(device). Choose "
                            + "another portal.prefix, the same on every box")
                }
                continue
            }
            guard let site = IPv6Prefix(address.address.masked(to: Self.siteLength), length: Self.siteLength),
                plan.prefix.length < site.length, !sites.contains(site), leavesSiteOpen(site)
            else { continue }
            sites.insert(site)
            findings.warnings.append(
                "\(device) has \(address): what else of \(site) is behind the default router goes into the portal now. If "
                    + "that is needed, set portal.except: [\(site)]")
        }
    }

    /// Whether parts of a site's network (RFC 4193 section 3.1) that no route of others names are behind a router.
    private func leavesSiteOpen(_ site: IPv6Prefix) -> Bool {
        if except.contains(where: site.overlaps) || plan.networks.contains(where: site.overlaps) { return false }
        guard let around = PortalExceptions.covering(site, among: routes) else { return false }
        return around.destination.length <= plan.prefix.length && around.kind == .unicast
    }

    private func judgeEndpoints(_ findings: inout Findings) {
        for (peer, address) in endpoints where isSwallowed(address) && hasWay(address) {
            findings.warnings.append(
                "the endpoint \(address) of the peer \(peer) lies in portal.prefix \(plan.prefix) and would be called through "
                    + "the portal: set portal.except: [\(IPv6Prefix(host: address))], or name another")
        }
    }

    // MARK: - What is where

    /// Whether packets to it would go into the portal though nobody has said that it is in the mesh.
    private func isSwallowed(_ address: IPv6Address) -> Bool {
        let host = IPv6Prefix(host: address)
        guard plan.prefix.contains(address), !mesh.contains(address),
            !except.contains(where: { $0.contains(address) }), !plan.networks.contains(where: { $0.contains(address) }),
            !addresses.contains(where: { $0.address == address })
        else { return false }
        guard let around = PortalExceptions.covering(host, among: routes) else { return true }
        return around.destination.length <= plan.prefix.length
    }

    private func hasWay(_ address: IPv6Address) -> Bool {
        PortalExceptions.covering(IPv6Prefix(host: address), among: routes)?.kind == .unicast
    }

    private func name(_ index: UInt32) -> String { devices[index] ?? "#\(index)" }

    /// RFC 4193 section 3.1: a site's prefix has 48 bits.
    private static let siteLength = 48
    /// rtnetlink(7), `ifa_scope`.
    private static let globalScope: UInt8 = 0
    /// fc00::/7 (RFC 4193 section 3.1).
    private static let uniqueLocal: IPv6Prefix = {
        guard let prefix = IPv6Prefix("fc00::/7") else { preconditionFailure("fc00::/7 is a prefix") }
        return prefix
    }()
}

extension PrefixSurvey.Findings {
    /// Each address once, as what was found first.
    fileprivate mutating func keep(_ address: PrefixSurvey.KeptAddress) {
        guard !kept.contains(where: { $0.address == address.address }) else { return }
        kept.append(address)
    }
}
