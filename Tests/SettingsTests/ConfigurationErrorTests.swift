import INET256
import TestSupport
import Testing

@testable import Settings

/// One thing wrong with a file, and what has to be said about it.
struct Wrong: CustomTestStringConvertible, Sendable {
    let yaml: String
    let line: Int
    let keyPath: String
    /// Words of the complaint.
    var says: [String]

    init(_ yaml: String, line: Int, _ keyPath: String, _ says: String...) {
        self.yaml = yaml
        self.line = line
        self.keyPath = keyPath
        self.says = says
    }

    var testDescription: String { yaml }
}

@Suite struct ConfigurationErrorTests {
    private func problems(_ yaml: String) -> [ConfigurationProblem] {
        do throws(ConfigurationError) {
            _ = try Configuration.parse(yaml, file: "c.yaml")
            return []
        } catch {
            guard case .invalid(let problems) = error else { return [] }
            return problems
        }
    }

    static let wrong: [Wrong] = [
        Wrong("private_key_path: []", line: 1, "private_key_path", "an empty list", "path of a file"),
        Wrong("\nprivate_key_path:", line: 2, "private_key_path", "nothing"),
        Wrong("private_key_path: ./dir/", line: 1, "private_key_path", "path of a file"),
        Wrong("former_key: ./old", line: 1, "former_key", "\"./old\"", "{path: ./former_key.inet256, until: "),
        Wrong("former_key: {}", line: 1, "former_key", "the keys path and until"),
        Wrong("former_key: {until: 2026-12-29}", line: 1, "former_key", "the key path"),
        Wrong("former_key: {path: a}", line: 1, "former_key", "the key until", "2026-12-29T10:00:00Z"),
        Wrong("former_key: {path: a, untill: 2026-12-29}", line: 1, "former_key", "did you mean \"until\""),
        Wrong("former_key: {path: a/, until: 2026-12-29}", line: 1, "former_key.path", "path of a file"),
        Wrong("former_key:\n  path: a\n  until:", line: 3, "former_key.until", "nothing", "a time in UTC such as"),
        Wrong("former_key: {path: a, until: soon}", line: 1, "former_key.until", "\"soon\"", "a time in UTC such as"),
        Wrong("former_key: {path: a, until: 1798538400}", line: 1, "former_key.until", "a time in UTC such as"),
        Wrong("former_key: {path: a, until: [2026-12-29]}", line: 1, "former_key.until", "a list"),
        Wrong("former_key: {path: a, until: 2026-02-30}", line: 1, "former_key.until", "there is no such day"),
        Wrong("former_key: {path: a, until: 2026-12-29T24:00:00Z}", line: 1, "former_key.until", "no such time of day"),
        Wrong("former_key: {path: a, until: 2026-12-29T10:00:00}", line: 1, "former_key.until", "a Z at the end"),
        Wrong(
            "former_key: {path: a, until: \"2026-12-29T10:00:00+01:00\"}", line: 1, "former_key.until", "a Z at the end"
        ),
        Wrong("former_key: {path: a, until: 1969-12-31}", line: 1, "former_key.until", "before 1970"),
        Wrong(
            "private_key_path: ./a\nformer_key: {path: a, until: 2026-12-29}", line: 2, "former_key.path",
            "/a a second time"),
        Wrong(
            "former_key: {path: a, until: 2026-12-29}\nnodes: [{private_key_path: a}]", line: 1, "former_key.path",
            "a key file of its own"),
        Wrong("key_changes: yes", line: 1, "key_changes", "\"accept\", \"ask\" or \"refuse\""),
        Wrong("key_changes: acept", line: 1, "key_changes", "did you mean \"accept\""),
        Wrong(
            "api_endpoint: tcp://192.0.2.1:80", line: 1, "api_endpoint", "not a loopback address", "allow_remote: true"),
        Wrong("api_endpoint: tcp://example.org:80", line: 1, "api_endpoint", "numeric"),
        Wrong("api_endpoint: /run/x.sock", line: 1, "api_endpoint", "unix:///path/to/socket"),
        Wrong("api_endpoint: unix:///\(String(repeating: "x", count: 120))", line: 1, "api_endpoint", "107"),
        Wrong("network: forst", line: 1, "network", "\"forst\"", "\"beaconnet\" or \"onehop\""),
        Wrong("network: beacon_net", line: 1, "network", "did you mean \"beaconnet\""),
        Wrong("network: {beaconet: {}}", line: 1, "network", "unknown key", "did you mean \"beaconnet\""),
        Wrong("network: {beaconnet: {}, onehop: {}}", line: 1, "network", "2 networks", "one network"),
        Wrong("network: {beaconnet: {fast: true}}", line: 1, "network.beaconnet", "unknown key \"fast\""),
        Wrong("network: [beaconnet]", line: 1, "network", "a list"),
        Wrong("network: {beaconnet: {max_node: 100}}", line: 1, "network.beaconnet", "did you mean \"max_nodes\""),
        Wrong("network: {beaconnet: {max_nodes: 10}}", line: 1, "network.beaconnet.max_nodes", "64 to 65536"),
        Wrong("network:\n  beaconnet:\n    max_nodes: many", line: 3, "network.beaconnet.max_nodes", "\"many\""),
        Wrong("network: {onehop: {max_nodes: 100}}", line: 1, "network.onehop", "unknown key \"max_nodes\""),
        Wrong("transports: []", line: 1, "transports", "at least one"),
        Wrong("transports:\n  - tcp: \"[::]:1\"", line: 2, "transports[0]", "unknown key \"tcp\""),
        Wrong("transports:\n  - udp: \"[::]:99999\"", line: 2, "transports[0].udp", "\"[::]:99999\"", "numeric"),
        Wrong("transports:\n  - udp: localhost:1", line: 2, "transports[0].udp", "numeric"),
        Wrong(
            "transports: [{udp: \"[::]:1\", offload: maybe}]", line: 1, "transports[0].offload", "\"maybe\"", "auto",
            "off"),
        Wrong("transports: [{udp: \"[::]:1\", fwmark: 0}]", line: 1, "transports[0].fwmark", "\"0\"", "a mark of 1"),
        Wrong("transports: [{udp: \"[::]:1\", fwmark: 0x1_0}]", line: 1, "transports[0].fwmark", "0xffffffff"),
        Wrong("transports: [{udp: \"[::]:1\", fwmark: 4294967296}]", line: 1, "transports[0].fwmark", "4294967295"),
        Wrong("transports: [{udp: \"[::]:1\", interface: lo}]", line: 1, "transports[0].interface", "interface name"),
        Wrong(
            "transports: [{udp: \"[::]:1\", interface: a}, {udp: \"[::]:1\", interface: a}]", line: 1, "transports[1]",
            "second time"),
        Wrong("discovery: local", line: 1, "discovery", "\"local\"", "a list such as [{local: {}}"),
        Wrong("discovery: [local]", line: 1, "discovery[0]", "one key, local or central"),
        Wrong("discovery: [{local: {}, central: {}}]", line: 1, "discovery[0]", "one key"),
        Wrong("discovery: [{locals: {}}]", line: 1, "discovery[0]", "did you mean \"local\""),
        Wrong("discovery: [{local: {}}, {local: {}}]", line: 1, "discovery[1].local", "once"),
        Wrong("discovery: [{local: eth0}]", line: 1, "discovery[0].local", "{interfaces: [eth0]}"),
        Wrong("discovery: [{local: {interfaces: eth0}}]", line: 1, "discovery[0].local.interfaces", "a list"),
        Wrong(
            "discovery: [{local: {interfaces: [a, a]}}]", line: 1, "discovery[0].local.interfaces[1]",
            "each interface once"),
        Wrong("discovery: [{local: {interfaces: [a/b]}}]", line: 1, "discovery[0].local.interfaces[0]", "at most 15"),
        Wrong(
            "discovery: [{local: {announce_period: 0s}}]", line: 1, "discovery[0].local.announce_period",
            "from 1s to 1h"),
        Wrong(
            "discovery: [{local: {announce_period: soon}}]", line: 1, "discovery[0].local.announce_period",
            "such as 15s"),
        Wrong("discovery: [{local: {secret: short}}]", line: 1, "discovery[0].local.secret", "a text of 5", "8 to 255"),
        Wrong("discovery: [{local: {autopeering: true}}]", line: 1, "discovery[0].local.autopeering", "accept: any"),
        Wrong("discovery: [{central: {}}]", line: 1, "discovery[0].central", "the key endpoint"),
        Wrong("discovery: [{central: {endpoint: host}}]", line: 1, "discovery[0].central.endpoint", "host:port"),
        Wrong(
            "discovery: [{central: {endpoint: \"h:1\", period: 1s}}]", line: 1, "discovery[0].central.period",
            "from 5s to 10m"),
        Wrong(
            "discovery: [{central: {endpoint: \"h:1\", visibility: peer}}]", line: 1, "discovery[0].central.visibility",
            "\"peers\""),
        Wrong(
            "discovery: [{central: {endpoint: \"h:1\"}}, {central: {endpoint: \"h:1\"}}]", line: 1,
            "discovery[1].central", "each server once"),
        Wrong("serve: {discovery: maybe}", line: 1, "serve.discovery", "true or false"),
        Wrong("state_file: ./dir/", line: 1, "state_file", "path of a file"),
        Wrong("scheduling: real-time", line: 1, "scheduling", "did you mean \"realtime\""),
        Wrong("scheduling: 3", line: 1, "scheduling", "\"normal\" or \"realtime\""),
        Wrong("transports: udp", line: 1, "transports", "a list"),
        Wrong("transports: [{udp: \"[::]:1\"}, {udp: \"[::]:1\"}]", line: 1, "transports[1]", "second time"),
        Wrong(
            "transports:\n  - udp: \"[::]:7\"\n  - udp: \"192.0.2.1:7\"", line: 3, "transports[1]",
            "192.0.2.1:7 beside [::]:7", "another port"),
        Wrong("transports: [{udp: \"[2001:db8::1]:7\"}, {udp: \"[::]:7\"}]", line: 1, "transports[1]", "another port"),
        Wrong("transports: [{udp: \"0.0.0.0:7\"}, {udp: \"192.0.2.1:7\"}]", line: 1, "transports[1]", "another port"),
        Wrong("peers: {}", line: 1, "peers", "an empty mapping", "a list of peers"),
        Wrong("peers:\n  - name: a", line: 2, "peers[0]", "the key id"),
        Wrong("peers:\n  - id: abc", line: 2, "peers[0].id", "43 characters", "has 43 characters, this text has 3"),
        Wrong("peers:\n  - id: \(Sample.plain.dropLast())K", line: 2, "peers[0].id", "mistyped"),
        Wrong("peers:\n  - {id: \(Sample.plain), addrs: [\"dns://\"]}", line: 2, "peers[0].addrs[0]", "dns://name"),
        Wrong("peers:\n  - {id: \(Sample.plain), addrs: [\"dns://a:1\"]}", line: 2, "peers[0].addrs[0]", "dns://name"),
        Wrong("peers:\n  - {id: \(Sample.plain), addrs: [\"dns://192.0.2.1\"]}", line: 2, "peers[0].addrs[0]", "dns"),
        Wrong("peers:\n  - {id: \(Sample.plain), name: -x}", line: 2, "peers[0].name", "does not begin with -"),
        Wrong("peers:\n  - {id: \(Sample.plain), name: \"a b\"}", line: 2, "peers[0].name", "\"a b\""),
        Wrong("peers:\n  - {id: \(Sample.plain), name: any}", line: 2, "peers[0].name", "meaning of its own"),
        Wrong("peers:\n  - {id: \(Sample.plain), name: box}", line: 2, "peers[0].name", "meaning of its own"),
        Wrong("peers:\n  - {id: \(Sample.plain), name: mesh}", line: 2, "peers[0].name", "meaning of its own"),
        Wrong("networks:\n  lan: \"::1/128\"", line: 2, "networks.lan", "loopback"),
        Wrong("networks:\n  lan: [\"::/96\"]", line: 2, "networks.lan[0]", "loopback"),
        Wrong("networks:\n  lan: [\"::ffff:0:0/96\"]", line: 2, "networks.lan[0]", "IPv4-mapped"),
        Wrong("networks:\n  lan: [fd00::/8]", line: 2, "networks.lan[0]", "fd00::/8", "not portal.prefix itself"),
        Wrong(
            "networks:\n  far: {via: \(Sample.plain), prefixes: [fdaa::/16]}\nportal: {prefix: \"fdaa::/16\"}", line: 2,
            "networks.far.prefixes[0]", "not portal.prefix itself"),
        Wrong(
            "peers:\n  - {id: \(Sample.plain), name: \(Sample.plain)}", line: 2, "peers[0].name", "this is an address"),
        Wrong("peers:\n  - {id: \(Sample.plain), adrs: []}", line: 2, "peers[0]", "did you mean \"addrs\""),
        Wrong(
            "peers:\n  - id: \(Sample.plain)\n    addrs: [\"udp://h:1\",\n      \"h:2\"]", line: 4, "peers[0].addrs[1]",
            "did you mean \"udp://h:2\""),
        Wrong(
            "peers:\n  - id: \(Sample.plain)\n    addrs: [\"udp://h:0\"]", line: 3, "peers[0].addrs[0]",
            "udp://host:port"),
        Wrong("peers:\n  - id: \(Sample.plain)\n    addrs: [\"udp://1.2.3:1\"]", line: 3, "peers[0].addrs[0]"),
        Wrong("peers:\n  - id: \(Sample.plain)\n    addrs: [\"udp://2001:db8::1:1\"]", line: 3, "peers[0].addrs[0]"),
        Wrong("peers:\n  - id: \(Sample.plain)\n    addrs: \"udp://h:1\"", line: 3, "peers[0].addrs", "a list"),
        Wrong(
            "peers:\n  - id: \(Sample.plain)\n  - id: \(Sample.plain)", line: 3, "peers[1].id",
            "the address of peers[0]"),
        Wrong(
            "peers:\n  - {id: \(Sample.plain), name: a}\n  - {id: \(Sample.dashed), name: a}", line: 3, "peers[1].name",
            "the name of peers[0]"),
        Wrong("accept: all", line: 1, "accept", "\"peers\" or \"any\""),
        Wrong("crypto: {min_suite: 3}", line: 1, "crypto.min_suite", "the number 3", "from 1 to 2"),
        Wrong(
            "crypto:\n  min_suite: 2\n  ciphers: [chacha20-poly1305]", line: 2, "crypto.min_suite", "the number 2",
            "aes-256-gcm among crypto.ciphers"),
        Wrong("crypto: {min_suite: \"1\"}", line: 1, "crypto.min_suite", "whole number"),
        Wrong("crypto:\n  ciphers: []", line: 2, "crypto.ciphers", "at least one cipher"),
        Wrong("crypto:\n  ciphers: [aes-256-cgm]", line: 2, "crypto.ciphers[0]", "did you mean \"aes-256-gcm\""),
        Wrong("crypto: {ciphers: [aes-256-gcm, aes-256-gcm]}", line: 1, "crypto.ciphers[1]", "once"),
        Wrong("crypto:\n  backends: []", line: 2, "crypto.backends", "at least one backend"),
        Wrong("crypto: {backends: [open-ssl]}", line: 1, "crypto.backends[0]", "did you mean \"openssl\""),
        Wrong("crypto: {backends: [openssl, openssl]}", line: 1, "crypto.backends[1]", "once"),
        Wrong("crypto: {rekey_after: 1}", line: 1, "crypto.rekey_after", "the number 1", "from 2 to 120"),
        Wrong("crypto: {rekey_after: 5s}", line: 1, "crypto.rekey_after", "whole number"),
        Wrong("crypto: no", line: 1, "crypto", "a mapping"),
        Wrong("portal: {enabled: yes}", line: 1, "portal.enabled", "did you mean \"true\""),
        Wrong("portal: {enabled: \"true\"}", line: 1, "portal.enabled", "true or false"),
        Wrong("portal:\n  interface: abcdefghijklmnop", line: 2, "portal.interface", "this one has 16"),
        Wrong("portal: {interface: a/b}", line: 1, "portal.interface", "\"/\""),
        Wrong("portal: {interface: \"mesh%d\"}", line: 1, "portal.interface", "\"%\""),
        Wrong("portal: {interface: lo}", line: 1, "portal.interface", "meaning of its own"),
        Wrong("portal: {prefix: \"fd00::1/8\"}", line: 1, "portal.prefix", "did you mean \"fd00::/8\""),
        Wrong("portal: {prefix: \"fd00::/65\"}", line: 1, "portal.prefix", "1 to 64"),
        Wrong("portal: {prefix: \"::/0\"}", line: 1, "portal.prefix", "1 to 64"),
        Wrong("portal: {prefix: \"ff00::/8\"}", line: 1, "portal.prefix", "multicast"),
        Wrong("portal: {prefix: 10.0.0.0/8}", line: 1, "portal.prefix", "IPv6 prefix"),
        Wrong("portal: {guard: alway}", line: 1, "portal.guard", "did you mean \"always\""),
        Wrong("portal: {except: [\"fd12::1/48\"]}", line: 1, "portal.except[0]", "did you mean \"fd12::/48\""),
        Wrong("portal: {except: [fd00::/8]}", line: 1, "portal.except[0]", "a longer part of portal.prefix, fd00::/8"),
        Wrong("portal: {except: [2001:db8::/32]}", line: 1, "portal.except[0]", "a longer part of portal.prefix"),
        Wrong(
            "portal: {except: [fd12::/16], prefix: \"fd13::/16\"}", line: 1, "portal.except[0]",
            "part of portal.prefix, fd13::/16"),
        Wrong("portal: {except: [fd12::/16, fd12:1::/32]}", line: 1, "portal.except[1]", "overlaps fd12::/16"),
        Wrong(
            "portal: {except: [fd12:1::/32]}\nnetworks: {lan: {via: \(Sample.plain), prefixes: [fd12::/16]}}", line: 1,
            "portal.except[0]", "overlaps fd12::/16"),
        Wrong("portal: {mtu: 1279}", line: 1, "portal.mtu", "the number 1279", "1280"),
        Wrong("portal: {mtu: 65536}", line: 1, "portal.mtu", "65535"),
        Wrong("portal: {mtu: 0x600}", line: 1, "portal.mtu", "whole number"),
        Wrong("portal: {persistent: 1}", line: 1, "portal.persistent", "true or false"),
        Wrong("portal: {table: 0}", line: 1, "portal.table", "from 1"),
        Wrong("portal: {metric: -5}", line: 1, "portal.metric", "the number -5"),
        Wrong("portal: {metric: 4294967293}", line: 1, "portal.metric", "from 1 to 4294967292"),
        Wrong("portal: {table: 4294967296}", line: 1, "portal.table", "from 1 to 4294967295"),
        Wrong(
            "api_endpoint: tcp://127.0.0.1:2560\napi: {listen: \"tcp://127.0.0.1:2560\"}", line: 1, "api_endpoint",
            "another port than that of api.listen"),
        Wrong("portal: {allow: [nobody]}", line: 1, "portal.allow[0]", "\"nobody\""),
        Wrong(
            "portal: {allow: offce}\npeers: [{id: \(Sample.plain), name: office}]", line: 1, "portal.allow",
            "did you mean \"office\""),
        Wrong("portal: {allow: {}}", line: 1, "portal.allow", "any, peers, or a list"),
        Wrong("portal: {mtuu: 1}", line: 1, "portal", "did you mean \"mtu\""),
        Wrong("log: loud", line: 1, "log", "\"trace\"", "\"critical\""),
        Wrong("log: {level: notce}", line: 1, "log.level", "did you mean \"notice\""),
        Wrong("log: {format: xml}", line: 1, "log.format", "\"text\" or \"json\""),
        Wrong("nodes: [{}]", line: 1, "nodes[0]", "the key private_key_path"),
        Wrong(
            "nodes: [{private_key_path: a}, {private_key_path: ./a}]", line: 1, "nodes[1].private_key_path",
            "second time"),
        Wrong("log: notice\nprivate-key-path: x", line: 2, "", "unknown key", "did you mean \"private_key_path\""),
        Wrong("zzz: 1", line: 1, "", "the unknown key \"zzz\"", "one of the keys private_key_path"),
        Wrong("- a", line: 1, "", "a list", "a mapping of keys"),
        Wrong("just words", line: 1, "", "\"just words\""),
        Wrong("a: [", line: 2, "", "valid YAML"),
        Wrong("peers: []\n\tx: 1", line: 2, "", "valid YAML"),
        Wrong(
            "accept: any\nlog: info\naccept: peers", line: 3, "", "\"accept\" twice", "first in line 1",
            "move what this one has"),
        Wrong("portal:\n  mtu: 1280\n\n  # words\n  mtu: 1281", line: 5, "", "\"mtu\" twice", "first in line 2"),
        Wrong("peers: *nobody", line: 1, "", "undefined alias"),
    ]

    @Test(arguments: wrong)
    func eachFieldWrong(_ wrong: Wrong) throws {
        let problems = problems(wrong.yaml)
        #expect(problems.count == 1, "\(problems)")
        let problem = try #require(problems.first)
        #expect(problem.line == wrong.line)
        #expect(problem.column >= 1)
        #expect(problem.keyPath == wrong.keyPath)
        for words in wrong.says { #expect(problem.description.contains(words), "\(problem)") }
        #expect(problem.description.hasPrefix("c.yaml:\(wrong.line):"))
    }

    @Test func allThatIsWrongIsToldInTheFilesOrder() {
        let problems = problems(
            """
            portal:
              allow: [nobody]
              mtu: 1
            lgo: info
            peers:
              - id: short
                addrs: [5]
            accept: everybody
            """)
        #expect(problems.map(\.line) == [2, 3, 4, 6, 7, 8])
        #expect(
            problems.map(\.keyPath) == [
                "portal.allow[0]", "portal.mtu", "", "peers[0].id", "peers[0].addrs[0]", "accept",
            ])
    }

    @Test func aFloodOfMistakesIsCutShort() {
        let yaml = "peers:\n" + String(repeating: "  - id: x\n", count: 500)
        #expect(problems(yaml).count == ProblemList.limit)
    }

    @Test func filesThatCannotBeRead() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: ConfigurationError.unreadable(FileError("read", directory.file("none"), code: 2))) {
            try Configuration.load(directory.file("none"))
        }
        #expect(throws: ConfigurationError.self) { try Configuration.load(directory.path) }
        let binary = try directory.write("binary", [0xff, 0xfe, 0x00, 0xd8])
        #expect(throws: ConfigurationError.self) { try Configuration.load(binary) }
        let large = try directory.write("large", [UInt8](repeating: UInt8(ascii: "#"), count: (1 << 20) + 1))
        #expect { try Configuration.load(large) } throws: { "\($0)".contains("File too large") }
    }

    @Test func randomTextNeverDoesMoreThanFail() {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &generator)
        var state = SplitMix(seed: seed)
        let pieces = [
            "peers", "portal", "allow", "id", "firewall", "rules", "from", "networks", "groups", "tests", ":", " ",
            "\n", "  ", "- ", "[", "]", "{", "}", "&a ", "*a", "\"", "'",
            "|", ">",
            "<<", "? ", "!!int ", "1", "true", "\u{0}", "\u{85}", "é", "#", ",", Sample.plain,
        ]
        for round in 0..<3000 {
            let text = (0..<Int.random(in: 1...24, using: &state)).map { _ in pieces.randomElement(using: &state) ?? ""
            }.joined()
            do throws(ConfigurationError) {
                _ = try Configuration.parse(text, file: "c.yaml")
            } catch {
                guard case .invalid(let problems) = error, !problems.isEmpty else {
                    Issue.record("seed \(seed) round \(round): \(text)")
                    return
                }
            }
        }
    }
}
