import Foundation
import TestSupport
import Testing

@testable import Settings

/// What the program says about configurations, held to the letter: the texts in `Recorded` were written by an earlier
/// version. Where a change of words is meant, `SETTINGS_RECORD=1` writes them anew, and the difference is looked through.
@Suite struct GoldenTests {
    private static let folder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Recorded"

    private func hold(_ text: String, _ name: String) throws {
        let path = Self.folder + "/" + name
        if ProcessInfo.processInfo.environment["SETTINGS_RECORD"] != nil {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let recorded = try String(contentsOfFile: path, encoding: .utf8)
        let (new, old) = (text.components(separatedBy: "\n"), recorded.components(separatedBy: "\n"))
        for (index, (now, before)) in zip(new, old).enumerated() where now != before {
            Issue.record("\(name):\(index + 1) was \(before)\nand is \(now)")
            return
        }
        #expect(new.count == old.count, "\(name)")
    }

    private static func words(of yaml: String, file: String = "/etc/box/c.yaml") -> String {
        do throws(ConfigurationError) {
            _ = try Configuration.parse(yaml, file: file)
            return "in order"
        } catch {
            return "\(error)"
        }
    }

    /// The title of an entry, in one line.
    private static func title(_ yaml: String) -> String { "--- \(String(reflecting: yaml))\n" }

    @Test func theDefaultFile() throws {
        try hold(Configuration.commentedDefault, "default.yaml")
    }

    @Test func theEffectiveConfiguration() throws {
        var text = ""
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for yaml in GoldenSample.valid {
            let effective = EffectiveConfiguration(try Configuration.parse(yaml, file: "/etc/box/c.yaml"))
            text += Self.title(yaml) + (try effective.yaml())
            text += String(decoding: try encoder.encode(effective), as: UTF8.self) + "\n"
        }
        // Of each key alone what it changes.
        func lines(_ yaml: String) throws -> [Substring] {
            try EffectiveConfiguration(try Configuration.parse(yaml, file: "/etc/box/c.yaml")).yaml().split(
                separator: "\n")
        }
        let usual = Set(try lines(""))
        for yaml in GoldenSample.changes {
            text += Self.title(yaml) + (try lines(yaml)).filter { !usual.contains($0) }.joined(separator: "\n") + "\n"
        }
        try hold(text, "effective.txt")
    }

    @Test func everyComplaint() throws {
        let wrong = GoldenSample.wrong
        #expect(wrong.count > 500 && Set(wrong).count == wrong.count)
        var text = ""
        for yaml in wrong { text += Self.title(yaml) + Self.words(of: yaml) + "\n" }
        try hold(text, "complaints.txt")
    }

    /// Each key alone, and all of them at once: what a reload applies and what it leaves to a restart, in its order.
    @Test func everyChange() throws {
        var text = ""
        let none = try Configuration.parse("", file: "/etc/box/c.yaml")
        func note(_ title: String, _ new: Configuration) {
            let change = ConfigurationChange(from: none, to: new)
            text += Self.title(title) + "applied: \(change.applied)\nneeds a restart: \(change.needsRestart)\n"
        }
        for yaml in GoldenSample.changes { note(yaml, try Configuration.parse(yaml, file: "/etc/box/c.yaml")) }
        let all = try Configuration.parse(GoldenSample.changed, file: "/etc/box/c.yaml")
        note("all", all)
        try hold(text, "changes.txt")
    }
}

/// Configurations right and wrong.
enum GoldenSample {
    static let valid: [String] =
        ["", ConfigurationTests.everything, Configuration.commentedDefault, changed, firewall]

    /// Each scalar key by itself, in the short form of YAML, with something else than its default.
    static let changes: [String] = scalars.map { path, value in
        let parts = path.split(separator: ".")
        return parts.dropLast().map { "\($0): {" }.joined() + "\(parts.last ?? ""): \(value)"
            + String(repeating: "}", count: parts.count - 1)
    }

    static let scalars: [(path: String, value: String)] = [
        ("private_key_path", "other"), ("api_endpoint", "tcp://127.0.0.1:2560"), ("api.allow", "[peers]"),
        ("api.allow_remote", "true"), ("api.listen", "tcp://127.0.0.1:2561"), ("api.limits.nodes", "1"),
        ("dashboard.listen", "tcp://127.0.0.1:2580"), ("dashboard.allow_remote", "true"),
        ("api.limits.client_nodes", "2"), ("api.limits.connections", "3"), ("api.limits.client_connections", "4"),
        ("api.limits.requests", "5"), ("api.limits.client_requests", "6"), ("api.limits.connection_requests", "7"),
        ("api.limits.queue", "1 GiB"), ("api.limits.client_queue", "5 MiB"), ("api.limits.connection_queue", "1048577"),
        ("network", "onehop"), ("network.beaconnet.max_nodes", "64"), ("threads", "64"), ("scheduling", "realtime"),
        ("accept", "any"), ("key_changes", "ask"), ("former_key", "{path: former, until: 2026-12-29}"),
        ("direct", "peers"), ("direct.with", "off"), ("direct.spray", "true"),
        ("serve.discovery", "true"), ("state_file", "none"),
        ("crypto.min_suite", "2"),
        ("crypto.ciphers", "[chacha20-poly1305, aes-256-gcm]"),
        ("crypto.backends", "[openssl]"), ("crypto.rekey_after", "2"), ("portal.enabled", "false"),
        ("portal.interface", "mesh0"), ("portal.prefix", "0200::/7"), ("portal.except", "[fd12::/16]"),
        ("portal.guard", "off"), ("portal.mtu", "65535"), ("portal.offload", "off"), ("portal.dscp", "inherit"),
        ("portal.persistent", "true"), ("portal.table", "4294967295"), ("portal.metric", "1"),
        ("portal.allow", "[peers]"), ("firewall.enabled", "false"), ("firewall.default", "drop"),
        ("firewall.outbound.default", "reject"), ("firewall.clamp_mss", "true"), ("firewall.cut_removed", "true"),
        ("firewall.table", "second"), ("log.level", "debug"), ("log.format", "json"), ("log", "trace"),
        ("dns.enabled", "false"), ("dns.zone", "lab.internal"), ("dns.listen", "[\"portal:5353\"]"),
        ("dns.search", "false"), ("dns.resolved", "false"), ("dns.allow", "[peers]"),
        ("dns.own_names", "[laptop]"), ("dns.services", "[{name: _ssh._tcp, port: 22}]"),
        ("advertise", "[\"udp://vpn.example.org:25632\"]"), ("port_mapping", "off"),
        ("portal.dscp", "63"), ("portal.mtu", "1280"), ("firewall.default", "allow"),
    ]

    /// All of them at once.
    static let changed = """
        private_key_path: other
        former_key: {path: former, until: 2026-12-29T10:00:00Z}
        api_endpoint: tcp://127.0.0.1:2560
        api:
          allow: [office, peers]
          allow_remote: true
          listen: tcp://0.0.0.0:2561
          limits: {nodes: 1, client_nodes: 2, connections: 3, client_connections: 4, requests: 5, client_requests: 6,
            connection_requests: 7, queue: 8 MiB, client_queue: 9 MiB, connection_queue: 10 MiB}
        dashboard: {listen: "tcp://[fd00::1]:2580", allow_remote: true}
        network: {beaconnet: {max_nodes: 65536}}
        transports: [{udp: "[::]:7", offload: off}]
        peers: [{id: \(Sample.plain), name: office, addrs: ["udp://h:1"]}]
        accept: any
        key_changes: refuse
        direct: {with: any, spray: true}
        advertise: ["udp://203.0.113.7:25632"]
        port_mapping: off
        discovery: [{local: {interfaces: [eth0]}}, {central: {endpoint: "h:1", visibility: peers}}]
        serve: {discovery: true}
        state_file: places
        threads: 2
        scheduling: realtime
        crypto: {min_suite: 2, ciphers: [aes-256-gcm], backends: [openssl], rekey_after: 3}
        portal: {enabled: false, interface: mesh0, prefix: "fd00::/9", except: [fd12::/16], guard: running, mtu: 1281,
          offload: off, dscp: 7, persistent: true, table: 7, metric: 8, allow: office}
        networks: {lan: "fdaa:1::/64"}
        groups: {g: [office]}
        firewall: {enabled: false, default: reject, rules: [{allow: ssh}], outbound: {default: deny}, clamp_mss: false,
          nat: [{masquerade: lan}], include: [a.nft], tests: [{from: office, to: ssh, expect: allow}], table: other,
          cut_removed: true}
        dns: {enabled: false, zone: lab.example, listen: [portal, "[::1]:5300"], search: false, resolved: false,
          own_names: [laptop, nas.home], allow: [office], services: [{name: _ssh._tcp, port: 22}, {name: _http._tcp, port: 80, host: g}]}
        log: {level: info, format: json}
        nodes: [{private_key_path: second}]
        """

    static let firewall =
        FirewallSample.peers + FirewallSample.networks + FirewallSample.groups
        + ConfigurationFirewallTests.everything

    /// What no key, hardly any key or not every key takes.
    private static let strange = [
        "", "[]", "{a: b}", "\"\"", "-1", "007", "99999999999999999999", "4294967296", "yes", "auto", "fd00::1/8",
        "20 GiB",
        "|\n  text",
    ]

    static let wrong: [String] = {
        var list = (ConfigurationErrorTests.wrong).map(\.yaml)
        let firewall =
            ConfigurationFirewallErrorTests.names + ConfigurationFirewallErrorTests.rules
            + ConfigurationFirewallErrorTests.rest
        list += firewall.map { FirewallSample.peers + $0.yaml }
        for (path, _) in scalars.dropLast(3) {
            let parts = path.split(separator: ".").map(String.init)
            for value in strange {
                var yaml = ""
                for (depth, part) in parts.enumerated() {
                    yaml += String(repeating: "  ", count: depth) + part + ":"
                    yaml += depth == parts.count - 1 ? " \(value)" : "\n"
                }
                if value.hasPrefix("|") {
                    yaml = yaml.replacing("|\n  ", with: "|\n" + String(repeating: "  ", count: parts.count))
                }
                list.append(yaml)
            }
            // A slip in the last part of its name.
            list.append(
                parts.dropLast().map { "\($0): {" }.joined() + "\(parts.last ?? "")x: 1"
                    + String(repeating: "}", count: parts.count - 1))
        }
        for section in [
            "api", "api.limits", "crypto", "portal", "firewall", "firewall.outbound", "dns", "log", "network",
        ] {
            let parts = section.split(separator: ".")
            for value in ["", "7", "[]", "{}", "[a]", "{1: 2}", "{? [a] : b}"] {
                list.append(
                    parts.dropLast().map { "\($0): {" }.joined() + "\(parts.last ?? ""): \(value)"
                        + String(repeating: "}", count: parts.count - 1))
            }
        }
        var seen: Set<String> = []
        return list.filter { seen.insert($0).inserted }
    }()
}
