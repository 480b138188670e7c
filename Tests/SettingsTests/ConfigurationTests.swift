import API
import AdminProtocol
import DNS
import INET256
import Logging
import Netlink
import Portal
import TestSupport
import Testing
import Wire

@testable import Settings

@Suite struct ConfigurationTests {
    static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/config.yaml")
    }

    @Test(arguments: ["", "# nothing but words\n", "---\n", "{}"])
    func nothingMeansDefaults(_ yaml: String) throws {
        let configuration = try Self.parse(yaml)
        #expect(configuration == Configuration(directory: "/etc/box"))
        #expect(configuration.privateKeyPath == "/etc/box/private_key.inet256")
        #expect(configuration.formerKey == nil && configuration.keyChanges == .accept)
        #expect(configuration.apiEndpoint == .unix(path: "/run/inet256vpn/api.sock"))
        #expect(configuration.network.rawValue == "beaconnet")
        #expect(configuration.transports.map(\.udp.description) == ["[::]:25632"])
        #expect(configuration.accept == .peers)
        #expect(configuration.portal.prefix.description == "fd00::/8")
        #expect(configuration.portal.allow == .any)
        #expect(configuration.portal.guarding == .always && configuration.portal.except.isEmpty)
        #expect(configuration.log.level == .notice)
    }

    @Test func theCommentedDefaultSaysTheDefaults() throws {
        #expect(try Self.parse(Configuration.commentedDefault) == Configuration(directory: "/etc/box"))
        // What is commented out must be right as well once somebody takes the # away.
        let uncommented = Configuration.commentedDefault.replacing(": []\n", with: ":\n").split(
            separator: "\n", omittingEmptySubsequences: false
        ).map { line in
            line.replacing(#/^( *)#(?! )/#) { "\($0.output.1)" }.replacing(#/^( *)#(?=  )/#) { "\($0.output.1)" }
        }
        .joined(separator: "\n")
        let configuration = try Self.parse(uncommented)
        #expect(configuration.formerKey?.path == "/etc/box/former_key.inet256")
        #expect(configuration.peers.map(\.name) == ["office"])
        #expect(configuration.peers.first?.endpoints.count == 2)
        #expect(configuration.portal.table == 254)
        #expect(configuration.portal.except.map(\.description) == ["fd12:3456:789a::/48"])
        #expect(configuration.networks.map(\.name) == ["lan", "barn"])
        #expect(configuration.groups.map(\.members.count) == [2, 4])
        #expect(configuration.firewall.inbound.rules.count == 2)
        #expect(configuration.firewall.outbound.rules.count == 1)
        #expect(configuration.firewall.nat.count == 2)
        #expect(configuration.firewall.include == ["/etc/inet256vpn/firewall.d/*.nft"])
        #expect(configuration.firewall.tests.count == 3)
        #expect(configuration.firewallWarnings(own: []).isEmpty)
        #expect(configuration.dns.services.count == 2 && configuration.dns.allow != DNSConfiguration().allow)
        #expect(configuration.nodes == [NodeConfiguration(privateKeyPath: "/etc/box/second.inet256")])
    }

    @Test func oneWordMakesABoxLook() throws {
        let plain = try Self.parse("discovery: [{local: {}}]")
        #expect(plain.discovery.local == LocalDiscoveryConfiguration() && plain.discovery.central.isEmpty)
        #expect(try Self.parse("discovery: [{local: }]") == plain)
        #expect(try Self.parse("").discovery == DiscoveryConfiguration())
        let open = try Self.parse("discovery: [{local: {autopeering: true}}]\naccept: any")
        #expect(open.discovery.local?.autopeering == true)
        // Who has the secret comes in.
        #expect(try Self.parse("discovery: [{local: {secret: of the house}}]").warnings(own: []).isEmpty)
        let servers = try Self.parse(
            "discovery: [{central: {endpoint: \"[2001:db8::1]:7\"}}, {central: {endpoint: \"h:7\", period: 90}}]")
        #expect(servers.discovery.central.map(\.endpoint) == ["[2001:db8::1]:7", "h:7"])
        #expect(servers.discovery.central.map(\.period) == [15, 90])
        #expect(try Self.parse("state_file: none").stateFile == StateFileChoice.none)
        #expect(try Self.parse("state_file: auto").stateFile == .auto)
    }

    static let everything = """
        private_key_path: /keys/a
        former_key: {path: ./old, until: 2026-12-29T10:00:00Z}
        api_endpoint: tcp://127.0.0.1:2560
        network: onehop
        transports: [{udp: "192.0.2.7:1", fwmark: 0x1f, interface: eth0}, {udp: "[2001:db8::1]:0", offload: off}]
        peers:
          - {id: \(Sample.dashed), name: office, addrs: ["udp://h.example.org:25632", "udp://[fe80::1%eth0]:7"]}
          - {id: \(Sample.plain)}
        accept: any
        key_changes: refuse
        discovery:
          - local: {interfaces: [eth0, wlan0], announce_period: 2m, secret: of the house, autopeering: true}
          - central: {endpoint: "discovery.example.org:25633", period: 30s, visibility: peers}
        serve: {discovery: true}
        state_file: ./places
        threads: 3
        scheduling: realtime
        crypto: {min_suite: 2, ciphers: [aes-256-gcm], backends: [openssl, libsodium], rekey_after: 5}
        portal:
          enabled: false
          interface: mesh0
          prefix: 0200::/7
          mtu: 9000
          persistent: true
          guard: running
          except: ["212:1::/32", "201:3456:789a::/48"]
          table: 100
          metric: 4096
          allow: [office, \(Sample.plain)]
        dns:
          enabled: false
          zone: Lab.Internal
          listen: ["portal:5353", "127.0.0.56:53", "[::1]:53"]
          search: false
          resolved: false
          allow: [peers, office]
          services: [{name: _ssh._tcp, port: 22}, {name: _http._TCP, port: 8080, host: office}]
        log: {level: debug, format: json}
        nodes: [{private_key_path: ./b}]
        """

    @Test func everyKeyIsRead() throws {
        let configuration = try Self.parse(Self.everything)
        let office = try Sample.address(Sample.dashed)
        let other = try Sample.address(Sample.plain)
        #expect(configuration.privateKeyPath == "/keys/a")
        #expect(configuration.formerKey == FormerKeyConfiguration(path: "/etc/box/old", until: 1_798_538_400))
        #expect(configuration.keyChanges == .refuse)
        #expect(configuration.apiEndpoint.description == "tcp://127.0.0.1:2560")
        #expect(configuration.network.rawValue == "onehop")
        #expect(configuration.transports.map(\.udp.description) == ["192.0.2.7:1", "[2001:db8::1]:0"])
        #expect(configuration.transports.map(\.offload) == [.auto, .off])
        #expect(configuration.transports.map(\.mark) == [0x1f, nil])
        #expect(configuration.transports.map(\.interface) == ["eth0", nil])
        #expect(configuration.peers.map(\.id) == [office, other])
        #expect(
            configuration.peers[0].endpoints.map(\.description) == [
                "udp://h.example.org:25632", "udp://[fe80::1%eth0]:7",
            ])
        #expect(configuration.accept == .any)
        #expect(
            configuration.discovery.local
                == LocalDiscoveryConfiguration(
                    interfaces: ["eth0", "wlan0"], announcePeriod: 120, secret: "of the house", autopeering: true))
        #expect(
            configuration.discovery.central == [
                CentralDiscoveryConfiguration(
                    host: "discovery.example.org", port: 25633, period: 30, visibility: .peers)
            ])
        #expect(configuration.serve.discovery && configuration.stateFile == .path("/etc/box/places"))
        #expect(configuration.threads == 3 && configuration.scheduling == .realtime)
        #expect(
            configuration.crypto
                == CryptoConfiguration(
                    minSuite: 2, ciphers: [.aes256GCM], backends: [.openSSL, .libsodium],
                    rekeyAfter: 5))
        #expect(!configuration.portal.enabled)
        #expect(configuration.portal.interface == "mesh0")
        #expect(configuration.portal.prefix.length == 7)
        #expect(configuration.portal.mtu == 9000)
        #expect(configuration.portal.persistent)
        #expect(configuration.portal.guarding == .running)
        #expect(configuration.portal.except.map(\.description) == ["201:3456:789a::/48", "212:1::/32"])
        #expect(configuration.portal.table == 100)
        #expect(configuration.portal.metric == 4096)
        #expect(configuration.portal.allow == .only([office, other], peers: false))
        #expect(!configuration.dns.enabled && !configuration.dns.search && !configuration.dns.tellsResolved)
        #expect(configuration.dns.zone.description == "lab.internal")
        #expect(configuration.dns.listen.map(\.description) == ["portal:5353", "127.0.0.56:53", "[::1]:53"])
        #expect(configuration.dns.allow == .only([office], peers: true))
        #expect(
            configuration.dns.services.map { "\($0.name) \($0.port) \($0.host)" } == [
                "_ssh._tcp 22 this", "_http._tcp 8080 office",
            ])
        #expect(configuration.log == LogConfiguration(level: .debug, format: .json))
        #expect(configuration.nodes.map(\.privateKeyPath) == ["/etc/box/b"])
    }

    @Test(arguments: ["", everything, "peers:\nnodes:\n", "portal: {allow: []}", "portal: {allow: [peers]}"])
    func theEffectiveFormMeansTheSame(_ yaml: String) throws {
        let configuration = try Self.parse(yaml)
        let effective = try EffectiveConfiguration(configuration).yaml()
        #expect(try Configuration.parse(effective, file: "/elsewhere/c.yaml") == configuration, "\(effective)")
    }

    @Test func namesOfAllowMayComeBeforeTheirPeers() throws {
        let configuration = try Self.parse("portal: {allow: office}\npeers: [{id: \(Sample.plain), name: office}]")
        let address = try Sample.address(Sample.plain)
        #expect(configuration.portal.allow.permits(address, peers: []))
        let other = try Sample.address(Sample.dashed)
        #expect(!configuration.portal.allow.permits(other, peers: configuration.peers))
        #expect(PortalAccess.only([], peers: true).permits(address, peers: configuration.peers))
    }

    @Test func pathsAreRelativeToTheFile() {
        #expect(FilePath.resolve("./a/b", in: "/etc/x") == "/etc/x/a/b")
        #expect(FilePath.resolve("a", in: "/") == "/a")
        #expect(FilePath.resolve("././/a", in: "/etc") == "/etc/a")
        #expect(FilePath.resolve("/a", in: "/etc") == "/a")
        #expect(FilePath.directory(of: "c.yaml") == ".")
        #expect(FilePath.directory(of: "/c.yaml") == "/")
        #expect(FilePath.absolute("c.yaml").hasPrefix("/"))
    }

    @Test func aReloadKnowsWhatChanged() throws {
        let old = try Self.parse(Self.everything)
        #expect(ConfigurationChange(from: old, to: old).isEmpty)
        let new = try Self.parse(
            """
            private_key_path: /keys/a
            peers:
              - {id: \(Sample.dashed), name: office, addrs: ["udp://h.example.org:1"]}
              - {id: \(Sample.doubleDashed), name: barn}
            log: {level: info, format: json}
            portal: {mtu: 1400, allow: any}
            """)
        let change = ConfigurationChange(from: old, to: new)
        #expect(change.peersAdded.map(\.label) == ["barn"])
        #expect(change.peersRemoved.map(\.label) == [Sample.plain])
        #expect(change.peersChanged.map(\.label) == ["office"])
        #expect(
            change.applied == [
                "former_key", "accept", "key_changes", "portal.allow", "portal.except", "dns.zone", "dns.search",
                "dns.resolved", "dns.allow",
                "dns.services", "log.level",
            ])
        #expect(
            change.needsRestart == [
                "api_endpoint", "network", "transports", "threads", "scheduling", "discovery", "serve.discovery",
                "state_file",
                "crypto.min_suite", "crypto.ciphers", "crypto.backends", "crypto.rekey_after", "portal.enabled",
                "portal.interface", "portal.prefix",
                "portal.mtu",
                "portal.persistent", "portal.guard",
                "portal.table",
                "portal.metric", "dns.enabled", "dns.listen", "nodes",
            ])
    }

    @Test func whatIsHardlyMeantIsWarnedAbout() throws {
        let own = try Sample.address(Sample.plain)
        let configuration = try Self.parse(
            "peers: [{id: \(Sample.plain)}]\nportal: {prefix: \"fd00:1::/32\", allow: peers}")
        let warnings = configuration.warnings(own: [own])
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("this box itself") == true)
        #expect(try Self.parse("").warnings(own: []).first?.contains("reaches nobody") == true)
    }
}
