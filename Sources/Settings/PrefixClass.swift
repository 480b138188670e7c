package import Wire

/// What a prefix is used for besides the mesh, as the registries of IANA have it (RFC 6890, RFC 4291 section 2.4).
package enum PrefixClass {
    /// What a prefix of nodes would take away, each with what it is.
    private static let taken: [(prefix: IPv6Prefix?, what: String)] = [
        (IPv6Prefix("2000::/3"), "global unicast addresses, which the Internet uses"),
        (IPv6Prefix("fe80::/10"), "link-local addresses"),
        (IPv6Prefix("ff00::/8"), "multicast addresses"),
        (IPv6Prefix("::/8"), "loopback, IPv4-mapped and translated (NAT64) addresses"),
    ]

    /// Why nodes should not have their addresses in `prefix`; nil when nothing speaks against it.
    package static func fault(of prefix: IPv6Prefix) -> String? {
        let uses = taken.filter { $0.prefix?.overlaps(prefix) == true }.map(\.what)
        return uses.isEmpty ? nil : "holds \(uses.joined(separator: ", and "))"
    }
}

extension PortalConfiguration {
    /// Why this portal would take away what the machine needs; nil where there is no portal or nothing is known against it.
    package var prefixFault: String? {
        guard enabled, let fault = PrefixClass.fault(of: prefix) else { return nil }
        return
            "portal.prefix \(prefix) \(fault): they would go into the portal. Choose a prefix of unique local addresses, "
            + "such as \(Self.standardPrefix), the same on every box (`up --force` takes this one all the same)"
    }
}
