internal import Dashboard
internal import Settings

extension RunningDaemon {
    /// Where packets for the mesh's prefix and for networks go.
    func dashboardRoutes() -> [DashboardRoute] {
        guard configuration.portal.enabled else { return [] }
        let portal = "dev \(configuration.portal.interface)"
        let mesh = DashboardRoute(prefix: "\(configuration.portal.prefix)", way: portal, reason: "the mesh")
        return [mesh]
            + configuration.networks.flatMap { network in
                let name = network.via.map { via in
                    configuration.peers.first { $0.id == via }?.name ?? "\(via)"
                }
                let way = name.map { "by \($0), \(portal)" } ?? "this box"
                return network.prefixes.map {
                    DashboardRoute(prefix: "\($0)", way: way, reason: "the network \(network.name)")
                }
            }
    }

    /// Whether the rules in force would let a new connection begin. Nothing is sent.
    func wouldAllow(_ question: AllowedQuestion) async -> AllowedOutcome {
        let configuration = enforced
        if let reason = configuration.firewallIdleReason { return .refused("no rules are in force: \(reason)") }
        return await answers.answer(question, configuration)
    }
}
