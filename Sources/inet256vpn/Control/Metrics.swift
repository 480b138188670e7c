internal import AdminProtocol

/// `GET /metrics`: the daemon's state in the text format of Prometheus (exposition format 0.0.4).
struct Metrics {
    private var lines: [String] = []

    private enum Kind: String {
        case counter, gauge
    }

    static func text(_ status: StatusReport, _ firewall: FirewallReport, _ process: ProcessNumbers) -> String {
        var metrics = Metrics()
        metrics.add(status)
        metrics.add(peers: status.peers)
        metrics.add(status.dns)
        metrics.add(firewall)
        metrics.add(process)
        return metrics.lines.joined(separator: "\n") + "\n"
    }

    // MARK: The box

    private mutating func add(_ status: StatusReport) {
        family("info", .gauge, "The program and the box.")
        sample("info", ["version": status.version, "address": status.mainAddr], 1)
        single("uptime_seconds", .gauge, "Since the daemon began.", status.uptimeSeconds)
        family("sessions", .gauge, "Sessions with keys, by how they go.")
        for via in [SessionStatus.Via.direct, .relayed] {
            sample("sessions", ["via": via.rawValue], Double(status.sessions.count { $0.via == via }))
        }
        add(status.reach)
        family("sessions_sealed", .gauge, "Sessions with keys, by cipher and by the library it is taken from.")
        let seals = status.sessions.reduce(into: [[String]: Int]()) { counts, session in
            guard let cipher = session.cipher, let backend = session.cipherBackend else { return }
            counts[[cipher, backend], default: 0] += 1
        }
        for (seal, count) in seals.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            sample("sessions_sealed", ["cipher": seal[0], "backend": seal[1]], Double(count))
        }
        family("links", .gauge, "Neighbours, by state.")
        for state in PeerStatus.State.allCases {
            sample("links", ["state": state.rawValue], Double(status.peers.count { $0.state == state }))
        }
        single("handshakes_total", .counter, "Handshakes that ended with keys.", Double(status.handshakes))
        if let stuck = status.stuckDeadlines {
            single(
                "stuck_deadlines_total", .counter, "Deadlines that did not move when they were served.", Double(stuck))
        }
        if let twins = status.sameKey {
            single("same_key", .gauge, "Addresses whose key is on two machines.", Double(twins.count))
        }
        single("queued_bytes", .gauge, "Held in queues and for reassembly.", Double(status.queuedBytes))
        single("nodes", .gauge, "Nodes on this box.", Double(status.nodes.count))
        family("network", .gauge, "The routing algorithm's own numbers, such as routes.")
        for (name, value) in status.network.statistics.sorted(by: { $0.key < $1.key }) {
            sample("network", ["network": status.network.name, "statistic": name], Double(value))
        }
        family("dropped_total", .counter, "Datagrams and messages that were dropped, by reason.")
        for (reason, count) in status.drops.sorted(by: { $0.key < $1.key }) {
            sample("dropped_total", ["reason": reason], Double(count))
        }
        if let messages = status.applicationMessages {
            family("application_messages_total", .counter, "Messages of applications' nodes; in is to them.")
            sample("application_messages_total", ["direction": "in"], Double(messages.received))
            sample("application_messages_total", ["direction": "out"], Double(messages.sent))
        }
        if status.portal.enabled {
            let isWhole = status.portal.up ? 1.0 : 0
            single("portal_up", .gauge, "Whether interface, address and routes are as they should be.", isWhole)
            single(
                "portal_repairs_total", .counter, "How often what others had changed of the portal was put back.",
                Double(status.portal.repairs))
        }
        add("portal", status.portal.traffic, [:], "Packets through the portal; in is from the mesh.")
        family("portal_dropped_total", .counter, "Packets that the portal dropped, by reason.")
        for (reason, count) in status.portal.drops.sorted(by: { $0.key < $1.key }) {
            sample("portal_dropped_total", ["reason": reason], Double(count))
        }
    }

    private mutating func add(_ dns: NamesStatus?) {
        guard let dns, dns.enabled else { return }
        single("dns_queries_total", .counter, "Queries about names.", Double(dns.queries))
        family("dns_answers_total", .counter, "Queries about names, by what came of them.")
        for (outcome, count) in dns.counters.sorted(by: { $0.key < $1.key }) {
            sample("dns_answers_total", ["outcome": outcome], Double(count))
        }
        single(
            "dns_resolved_told", .gauge, "Whether systemd-resolved asks this box.", dns.resolved == "told" ? 1 : 0)
    }

    private mutating func add(_ reach: ReachReport?) {
        guard let reach else { return }
        single(
            "reach_searches_total", .counter, "Times that another box was asked where it is.", Double(reach.searches))
        single("reach_probes_total", .counter, "Probes for straight paths.", Double(reach.probes))
        single("reach_found_total", .counter, "Sessions that came to a straight path.", Double(reach.found))
        single("reach_lost_total", .counter, "Such paths that were given up.", Double(reach.lost))
        single(
            "reach_seconds_to_direct_total", .counter, "From the first search to the path, all together.",
            reach.secondsToDirect)
        family("path_bytes_total", .counter, "Bytes of sessions' datagrams, in and out, by the kind of path.")
        sample("path_bytes_total", ["path": "direct"], Double(reach.directBytes))
        sample("path_bytes_total", ["path": "relayed"], Double(reach.relayedBytes))
    }

    private mutating func add(_ name: String, _ traffic: Traffic, _ labels: [String: String], _ help: String) {
        family("\(name)_packets_total", .counter, help)
        sample("\(name)_packets_total", labels.with("direction", "in"), Double(traffic.rxPackets))
        sample("\(name)_packets_total", labels.with("direction", "out"), Double(traffic.txPackets))
        family("\(name)_bytes_total", .counter, help)
        sample("\(name)_bytes_total", labels.with("direction", "in"), Double(traffic.rxBytes))
        sample("\(name)_bytes_total", labels.with("direction", "out"), Double(traffic.txBytes))
    }

    // MARK: Peers

    private mutating func add(peers: [PeerStatus]) {
        func labels(_ peer: PeerStatus) -> [String: String] { ["peer": peer.name ?? peer.id, "address": peer.id] }
        family("peer_up", .gauge, "Whether there is a link with the peer.")
        for peer in peers { sample("peer_up", labels(peer), peer.state == .up ? 1 : 0) }
        family("peer_rtt_seconds", .gauge, "The link's round-trip time.")
        for peer in peers { if let rtt = peer.rttMs { sample("peer_rtt_seconds", labels(peer), rtt / 1000) } }
        family("peer_handshake_age_seconds", .gauge, "Since the link's last handshake.")
        for peer in peers {
            if let age = peer.handshakeAgeSeconds { sample("peer_handshake_age_seconds", labels(peer), age) }
        }
        family("peer_packets_total", .counter, "Datagrams of the link.")
        for peer in peers {
            sample("peer_packets_total", labels(peer).with("direction", "in"), Double(peer.traffic.rxPackets))
            sample("peer_packets_total", labels(peer).with("direction", "out"), Double(peer.traffic.txPackets))
        }
        family("peer_lost_packets_total", .counter, "Datagrams of the peer that did not come in though later ones did.")
        for peer in peers {
            if let lost = peer.lostPackets { sample("peer_lost_packets_total", labels(peer), Double(lost)) }
        }
        family("peer_bytes_total", .counter, "Bytes of the link's datagrams.")
        for peer in peers {
            sample("peer_bytes_total", labels(peer).with("direction", "in"), Double(peer.traffic.rxBytes))
            sample("peer_bytes_total", labels(peer).with("direction", "out"), Double(peer.traffic.txBytes))
        }
    }

    // MARK: The firewall

    private mutating func add(_ firewall: FirewallReport) {
        single("firewall_enforced", .gauge, "Whether the firewall's table is in the kernel.", firewall.enforced ? 1 : 0)
        let lists = [("in", firewall.inbound), ("out", firewall.outbound)]
        family("firewall_rule_packets_total", .counter, "Packets that a rule decided on.")
        for (direction, list) in lists {
            for rule in list.rules {
                let labels = ["direction": direction, "rule": rule.rule, "counter": rule.counter]
                sample("firewall_rule_packets_total", labels, Double(rule.count.packets))
            }
        }
        family("firewall_default_packets_total", .counter, "Packets that no rule decided on.")
        for (direction, list) in lists where firewall.enforced {
            sample(
                "firewall_default_packets_total", ["direction": direction, "action": list.fallback],
                Double(list.fallbackCount.packets))
        }
        family("firewall_packets_total", .counter, "Packets that a standing rule decided on.")
        for (name, count) in firewall.counters.sorted(by: { $0.key < $1.key }) {
            sample("firewall_packets_total", ["reason": name], Double(count.packets))
        }
    }

    // MARK: The process

    private mutating func add(_ process: ProcessNumbers) {
        // These names are what every exporter uses.
        let numbers: [(String, Kind, String, String)] = [
            ("resident_memory_bytes", .gauge, "Memory in use.", "\(process.residentBytes)"),
            ("open_fds", .gauge, "Open file descriptors.", "\(process.openFiles)"),
            ("cpu_seconds_total", .counter, "Time of the processor, user's and system's.", "\(process.cpuSeconds)"),
        ]
        for (name, kind, help, value) in numbers {
            lines += ["# HELP process_\(name) \(help)", "# TYPE process_\(name) \(kind.rawValue)"]
            lines.append("process_\(name) \(value)")
        }
    }

    // MARK: The format

    private mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help)
        sample(name, [:], value)
    }

    private mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        lines += ["# HELP inet256_\(name) \(help)", "# TYPE inet256_\(name) \(kind.rawValue)"]
    }

    private mutating func sample(_ name: String, _ labels: [String: String], _ value: Double) {
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        let text = value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
        lines.append("inet256_\(name)\(pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") \(text)")
    }

    /// Names of peers come from the configuration and are plain, rules may have anything in them.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

extension [String: String] {
    fileprivate func with(_ key: String, _ value: String) -> [String: String] {
        merging([key: value]) { _, new in new }
    }
}
