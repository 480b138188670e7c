import API
import AdminProtocol
import TestSupport
import Testing

@testable import inet256vpn

/// The text that Prometheus reads.
@Suite struct MetricsTests {
    static func text() -> String {
        var firewall = FirewallReport(enforced: true, table: "inet inet256vpn")
        firewall.inbound = FirewallListReport(
            rules: [
                FirewallRuleReport(
                    rule: "allow \"x\\y\" from bob", comment: nil, count: PacketCount(packets: 7, bytes: 9),
                    counter: "in_1")
            ], fallback: "deny", fallbackCount: PacketCount(packets: 3, bytes: 0))
        firewall.counters = ["echo": PacketCount(packets: 5, bytes: 0)]
        let process = ProcessNumbers(residentBytes: 4096, openFiles: 12, cpuSeconds: 1.5)
        var report = FakeDaemon.sampleReport
        report.sameKey = report.sameKey ?? []
        report.stuckDeadlines = report.stuckDeadlines ?? 0
        var reach = ReachReport(direct: "allowed", mapping: "unknown")
        (reach.found, reach.relayedBytes) = (3, 1234)
        report.reach = reach
        return Metrics.text(report, firewall, process)
    }

    private func text() -> String { Self.text() }

    /// The names that there are, for who uses them.
    static var everyFamily: Set<String> {
        Set(
            text().split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
        )
    }

    /// The text format, version 0.0.4: HELP, TYPE and samples of a family stand together, each family comes once, and no
    /// sample twice.
    @Test func everyLineIsWellFormed() throws {
        var families: Set<String> = []
        var samples: Set<String> = []
        var (helped, family, kind) = ("", "", "")
        let line =
            /([a-z][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (-?[0-9.e+]+)/
        let text = text()
        #expect(text.hasSuffix("\n") && !text.contains("\n\n") && !text.contains("\r"))
        for text in text.split(separator: "\n") {
            let words = text.split(separator: " ", maxSplits: 3).map(String.init)
            if text.hasPrefix("# HELP ") {
                try #require(words.count == 4, "\(text)")
                helped = words[2]
            } else if text.hasPrefix("# TYPE ") {
                try #require(words.count == 4, "\(text)")
                (family, kind) = (words[2], words[3])
                #expect(family == helped, "\(text)")
                #expect(families.insert(family).inserted, "\(text)")
                #expect(kind == "gauge" || kind == "counter" && family.hasSuffix("_total"), "\(text)")
            } else {
                let match = try #require(text.wholeMatch(of: line), "\(text)")
                #expect(match.1 == family, "\(text)")
                #expect(samples.insert("\(match.1)\(match.2 ?? "")").inserted, "\(text)")
                let value = try #require(Double(match.3), "\(text)")
                #expect(kind == "gauge" || value >= 0, "\(text)")
            }
        }
        #expect(samples.count > 30)
    }

    /// Dashboards ask for these: one may be added, none renamed.
    @Test func theFamiliesStay() {
        let families = text().split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
            .map { String($0.split(separator: " ")[2]) }
        let expected = [
            "inet256_application_messages_total", "inet256_dropped_total",
            "inet256_firewall_default_packets_total", "inet256_firewall_enforced",
            "inet256_firewall_packets_total", "inet256_firewall_rule_packets_total",
            "inet256_handshakes_total", "inet256_info",
            "inet256_links", "inet256_network",
            "inet256_nodes", "inet256_path_bytes_total", "inet256_peer_bytes_total",
            "inet256_peer_handshake_age_seconds", "inet256_peer_lost_packets_total",
            "inet256_peer_packets_total", "inet256_peer_rtt_seconds",
            "inet256_peer_up", "inet256_portal_bytes_total",
            "inet256_portal_dropped_total", "inet256_portal_packets_total",
            "inet256_portal_repairs_total", "inet256_portal_up",
            "inet256_queued_bytes", "inet256_reach_found_total", "inet256_reach_lost_total",
            "inet256_reach_probes_total", "inet256_reach_searches_total", "inet256_reach_seconds_to_direct_total",
            "inet256_same_key",
            "inet256_sessions", "inet256_sessions_sealed",
            "inet256_stuck_deadlines_total", "inet256_uptime_seconds",
            "process_cpu_seconds_total", "process_open_fds",
            "process_resident_memory_bytes",
        ]
        #expect(families.sorted() == expected)
    }

    @Test(arguments: [
        "inet256_portal_bytes_total{direction=\"out\"} 5000000", "inet256_links{state=\"refused\"} 1",
        "inet256_sessions{via=\"relayed\"} 1",
        "inet256_sessions_sealed{backend=\"openssl\",cipher=\"AES-256-GCM\"} 1",
        "inet256_peer_rtt_seconds{address=\"\(Sample.dashed)\",peer=\"office\"} 0.01234",
        "inet256_peer_lost_packets_total{address=\"\(Sample.dashed)\",peer=\"office\"} 17",
        "inet256_application_messages_total{direction=\"in\"} 8",
        "inet256_application_messages_total{direction=\"out\"} 9",
        "inet256_dropped_total{reason=\"unknown_session\"} 7", "process_open_fds 12", "process_cpu_seconds_total 1.5",
        "inet256_firewall_rule_packets_total{counter=\"in_1\",direction=\"in\",rule=\"allow \\\"x\\\\y\\\" from bob\"} 7",
        "inet256_firewall_default_packets_total{action=\"deny\",direction=\"in\"} 3",
        "inet256_reach_found_total 3", "inet256_path_bytes_total{path=\"relayed\"} 1234",
        "inet256_firewall_packets_total{reason=\"echo\"} 5", "inet256_portal_up 1", "inet256_portal_repairs_total 0",
    ])
    func says(_ line: String) {
        #expect(text().split(separator: "\n").contains { $0 == line }, "\(text())")
    }

    @Test func aPeerWithoutASessionHasNoLoss() {
        let lines = text().split(separator: "\n").filter { $0.hasPrefix("inet256_peer_lost_packets_total{") }
        #expect(lines.count == 1, "\(lines)")
    }
}
