/// What a reload has to do: the difference of two configurations.
package struct ConfigurationChange: Equatable, Sendable {
    package var peersAdded: [PeerConfiguration] = []
    package var peersRemoved: [PeerConfiguration] = []
    /// The new form of peers whose name or endpoints differ; their id is the same.
    package var peersChanged: [PeerConfiguration] = []
    /// Other keys that take effect at once.
    package var applied: [String] = []
    /// Keys whose new value waits for a restart.
    package var needsRestart: [String] = []

    /// The keys that a reload applies, for people: with all that stands below them.
    package static let reloadable = [
        "peers", "accept", "groups", "firewall", "portal.allow", "portal.except", "api.allow", "api.limits.nodes",
        "log.level",
    ]

    package var isEmpty: Bool { self == ConfigurationChange() }

    private init() {}

    package init(from old: Configuration, to new: Configuration) {
        for peer in new.peers {
            if let before = old.peers.first(where: { $0.id == peer.id }) {
                if before != peer { peersChanged.append(peer) }
            } else {
                peersAdded.append(peer)
            }
        }
        peersRemoved = old.peers.filter { peer in !new.peers.contains { $0.id == peer.id } }

        if old.accept != new.accept { applied.append("accept") }
        if old.portal.allow != new.portal.allow { applied.append("portal.allow") }
        if old.portal.except != new.portal.except { applied.append("portal.except") }
        if old.api.allow != new.api.allow { applied.append("api.allow") }
        let limits = new.api.limits.differences(from: old.api.limits)
        if limits.contains("nodes") { applied.append("api.limits.nodes") }
        if old.firewall.enabled != new.firewall.enabled { applied.append("firewall.enabled") }
        if Self.filtersDiffer(old, new) { applied.append("firewall") }
        if old.log.level != new.log.level { applied.append("log.level") }

        func note(_ key: String, _ differs: Bool) {
            if differs { needsRestart.append(key) }
        }
        note("private_key_path", old.privateKeyPath != new.privateKeyPath)
        note("api_endpoint", old.apiEndpoint != new.apiEndpoint)
        note("api.listen", old.api.listen != new.api.listen)
        note("api.allow_remote", old.api.allowRemote != new.api.allowRemote)
        for key in limits where key != "nodes" { note("api.limits.\(key)", true) }
        note("network", old.network != new.network)
        note("network.beaconnet.max_nodes", old.maxNodes != new.maxNodes)
        note("transports", old.transports != new.transports)
        note("threads", old.threads != new.threads)
        note("scheduling", old.scheduling != new.scheduling)
        note("crypto.min_suite", old.crypto.minSuite != new.crypto.minSuite)
        note("crypto.ciphers", old.crypto.ciphers != new.crypto.ciphers)
        note("crypto.backends", old.crypto.backends != new.crypto.backends)
        note("crypto.rekey_after", old.crypto.rekeyAfter != new.crypto.rekeyAfter)
        note("portal.enabled", old.portal.enabled != new.portal.enabled)
        note("portal.interface", old.portal.interface != new.portal.interface)
        note("portal.prefix", old.portal.prefix != new.portal.prefix)
        note("portal.mtu", old.portal.mtu != new.portal.mtu)
        note("portal.dscp", old.portal.dscp != new.portal.dscp)
        note("portal.offload", old.portal.offload != new.portal.offload)
        note("portal.persistent", old.portal.persistent != new.portal.persistent)
        note("portal.guard", old.portal.guarding != new.portal.guarding)
        note("portal.table", old.portal.table != new.portal.table)
        note("portal.metric", old.portal.metric != new.portal.metric)
        note("firewall.table", old.firewall.table != new.firewall.table)
        note("networks", old.networks != new.networks)
        note("log.format", old.log.format != new.log.format)
        note("nodes", old.nodes != new.nodes)
    }

    /// Whether other rules have to be loaded, or other tests run: a peer's new address can be enough. The portal stays
    /// as it is until a restart, so that its changes are none here.
    private static func filtersDiffer(_ old: Configuration, _ new: Configuration) -> Bool {
        var next = new
        next.portal = old.portal
        next.firewall.enabled = old.firewall.enabled
        next.firewall.table = old.firewall.table
        return next.firewall != old.firewall || next.groups != old.groups
            || next.firewallPolicy() != old.firewallPolicy()
    }

    /// The key's file has something else in it, though it is called the same.
    package mutating func waits(for key: String) {
        if !needsRestart.contains(key) { needsRestart.append(key) }
    }
}
