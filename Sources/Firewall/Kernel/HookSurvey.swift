package import Netlink

/// What filters packets that arrive for this host, so that the program's status can say truthfully how far
/// the host is protected. It looks; it changes nothing.
package enum HookSurvey {
    /// The base chains through which inbound IPv6 packets for this host pass and that can stop one: at the input
    /// hook or before it, in force, in the order of passing. Empty means that nf_tables filters nothing inbound.
    /// (Rules of the old ip6tables, not its nf_tables variant, do not show here; nor do programs of tc and XDP.)
    ///
    /// - Throws: `NetlinkError`; EPERM without CAP_NET_ADMIN.
    package static func inputFilters() throws(NetlinkError) -> [BaseChain] {
        try filters(at: [.prerouting, .input])
    }

    /// The same for other hooks: what is forwarded passes `.prerouting` and `.forward`.
    package static func filters(at hooks: Set<NftHook>) throws(NetlinkError) -> [BaseChain] {
        let socket = try NetlinkSocket(.netfilter)
        let dormant = Set(try NftTables(socket).list().filter(\.isDormant).map(\.description))
        return try BaseChains(socket).list().filter { chain in
            hooks.contains(chain.hook) && (chain.family.seesIPv6 || chain.family == .netdev) && chain.filters
                && !dormant.contains("\(chain.family) \(chain.table)")
        }
    }

    /// One line for people: "inbound is filtered by inet filter/input policy drop", or "nothing filters inbound
    /// traffic".
    package static func summary(_ chains: [BaseChain]) -> String {
        guard !chains.isEmpty else { return "nothing filters inbound traffic" }
        return "inbound is filtered by " + chains.map(\.description).joined(separator: ", ")
    }
}
