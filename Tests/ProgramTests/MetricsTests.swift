import API
import Testing

@testable import inet256vpn

/// The text that Prometheus reads.
@Suite struct MetricsTests {
    private func text() -> String {
        var firewall = FirewallReport(enforced: true, table: "inet inet256vpn")
        firewall.inbound = FirewallListReport(
            rules: [
                FirewallRuleReport(
                    rule: "allow \"x\\y\" from bob", comment: nil, count: PacketCount(packets: 7, bytes: 9),
                    counter: "in_1")
            ], fallback: "deny", fallbackCount: PacketCount(packets: 3, bytes: 0))
        firewall.counters = ["echo": PacketCount(packets: 5, bytes: 0)]
        let process = ProcessNumbers(residentBytes: 4096, openFiles: 12, cpuSeconds: 1.5)
        return Metrics.text(FakeDaemon.sampleReport, firewall, process)
    }

    /// Every line is a comment or a sample of a family that was announced before, and no sample comes twice.
    @Test func everyLineIsWellFormed() throws {
        var announced: Set<String> = []
        var samples: Set<String> = []
        let line = /([a-z0-9_]+)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? (-?[0-9.e+]+)/
        for text in text().split(separator: "\n") {
            if text.hasPrefix("# TYPE ") {
                #expect(announced.insert(String(text.split(separator: " ")[2])).inserted, "\(text)")
            } else if !text.hasPrefix("# HELP ") {
                let match = try #require(text.wholeMatch(of: line), "\(text)")
                #expect(announced.contains(String(match.1)), "\(text)")
                #expect(samples.insert("\(match.1)\(match.2 ?? "")").inserted, "\(text)")
            }
        }
        #expect(samples.count > 30)
    }

    @Test(arguments: [
        "inet256_portal_bytes_total{direction=\"out\"} 5000000", "inet256_links{state=\"refused\"} 1",
        "inet256_sessions{via=\"relayed\"} 1",
        "inet256_peer_rtt_seconds{address=\"\(Sample.dashed)\",peer=\"office\"} 0.01234",
        "inet256_dropped_total{reason=\"unknown_session\"} 7", "process_open_fds 12", "process_cpu_seconds_total 1.5",
        "inet256_firewall_rule_packets_total{counter=\"in_1\",direction=\"in\",rule=\"allow \\\"x\\\\y\\\" from bob\"} 7",
        "inet256_firewall_default_packets_total{action=\"deny\",direction=\"in\"} 3",
        "inet256_firewall_packets_total{reason=\"echo\"} 5",
    ])
    func says(_ line: String) {
        #expect(text().split(separator: "\n").contains { $0 == line }, "\(text())")
    }
}
