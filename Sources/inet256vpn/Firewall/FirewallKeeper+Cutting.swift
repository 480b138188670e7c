internal import Firewall
internal import Netlink
internal import Wire

/// What a cut ended.
struct CutOutcome: Sendable {
    var connections = 0
    /// Why not all that was meant is cut, for people.
    var note: String?
}

/// Ending what is open: taken out of connection tracking, and kept from being picked up again by the table (`Ruleset.cutting`).
extension FirewallKeeper {
    /// Flows that the table holds cut at most; the oldest go first. A set of so many takes about 3 MB of the kernel's memory.
    static let mostCuts = 16384

    /// Ends what the policy in force would not let begin, and whatever has an end in `removed`.
    /// - Parameter open: of the policy in force.
    func cut(_ open: OpenFlows, removed: [IPv6Prefix]) throws -> CutOutcome {
        var outcome = CutOutcome()
        guard let table, let prepared else {
            outcome.note = "the firewall is not enforced, so nothing would keep a connection from going on"
            return outcome
        }
        var open = open
        open.ownAddresses = Set(
            try Addresses(NetlinkSocket()).list(family: .ipv6).map(\.address))
        let asksRules = !prepared.policy.hasInclude
        if !asksRules {
            outcome.note =
                "firewall.include decides before the rules, and what it would say is not known here: only what removed peers "
                + "had open is cut"
        }
        var flows: [OpenFlows.Flow] = []
        let tracked = ConnectionTable(try NetlinkSocket(.netfilter))
        var ways = PortalWays(portal: portalIndex)
        let connections = try tracked.list { connection in
            guard let flow = open.flow(connection) else { return false }
            let isRemoved = removed.contains { $0.contains(flow.ends.theirs) }
            guard isRemoved || (asksRules && !open.isAllowed(flow)), ways.leadIntoPortal(flow.ends.theirs) else {
                return false
            }
            flows.append(flow)
            return true
        }
        guard !connections.isEmpty else { return outcome }
        // The table first: what is forgotten before would have a moment to be picked up in.
        let before = cuts
        var known = Set(cuts.map(\.ends))
        cuts += flows.filter { $0.hasPorts && known.insert($0.ends).inserted }
        cuts = cuts.suffix(Self.mostCuts)
        do {
            try table.swap(to: made(prepared.ruleset))
            if !asksRules { try include(prepared) }
        } catch {
            cuts = before
            throw error
        }
        for connection in connections where try tracked.delete(connection) { outcome.connections += 1 }
        return outcome
    }
}

/// Whether packets for addresses of the mesh go through the portal: asked of the kernel once for each, since parts of the prefix may
/// be excepted.
private struct PortalWays {
    let portal: UInt32?
    private let routes: Routes?
    private var known: [IPv6Address: Bool] = [:]

    init(portal: UInt32?) {
        self.portal = portal
        // Without an answer the addresses alone decide.
        routes = (try? NetlinkSocket()).map(Routes.init)
    }

    mutating func leadIntoPortal(_ address: IPv6Address) -> Bool {
        guard let portal, let routes else { return true }
        if let answer = known[address] { return answer }
        let interface = (try? routes.lookup(address))?.interface
        let answer = interface == nil || interface == portal
        known[address] = answer
        return answer
    }
}
