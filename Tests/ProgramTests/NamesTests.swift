import AdminProtocol
import DNS
import INET256
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// What nodes are called: on the command line, in the zone of a configuration, in `status`.
@Suite struct NamesTests {
    private static func configuration(_ more: String = "") throws -> Configuration {
        let yaml = "peers: [{id: \(Sample.plain), name: Office}, {id: \(Sample.dashed)}]\n" + more
        return try Configuration.parse(yaml, file: "/etc/c.yaml")
    }

    private static func report() throws -> StatusReport {
        var report = StatusReport(
            version: "1", pid: 1, uptimeSeconds: 1, mainAddr: Sample.doubleDashed, network: NetworkStatus(name: "x"),
            portal: PortalStatus(enabled: true))
        report.peers = [PeerStatus(id: Sample.plain, name: "Office", configured: true, state: .up)]
        report.dns = NamesStatus(enabled: true, zone: "lab.example")
        return report
    }

    @Test func commandsTakeNames() throws {
        let names = NodeNames(try Self.report())
        let office = try Sample.address(Sample.plain)
        for text in [
            "Office", "office", "office.lab.example", "OFFICE.Lab.Example.", office.label,
            office.label + ".lab.example",
        ] {
            #expect(names.address(text) == office, "\(text)")
        }
        let own = try Sample.address(Sample.doubleDashed)
        #expect(names.address("this") == own && names.address("this.lab.example") == own)
        for text in ["office.mesh.internal", "offices", "lab.example", ""] {
            #expect(names.address(text) == nil, "\(text)")
        }
        #expect("\(names.complaint("offic.lab.example"))".contains("did you mean \"Office\""))
        // As the firewall's questions word it.
        let words = NodeNames(try Self.configuration())
        #expect(words.word("office.mesh.internal") == "Office" && words.word(office.label) == Sample.plain)
        #expect(words.word("crew") == "crew" && words.word("fd00::/8") == "fd00::/8")
    }

    @Test func aZoneComesOfAConfiguration() throws {
        let yaml = """
            groups: {crew: [Office, "fd00::1", "fdaa::/64", inner], inner: [\(Sample.dashed)]}
            portal: {except: [fd12::/16]}
            dns: {allow: [peers], search: false}
            """
        let configuration = try Self.configuration(yaml)
        let own = try Sample.address(Sample.doubleDashed)
        let map = try IPv6Map(prefix: configuration.portal.prefix)
        let zone = try #require(Zone(configuration, map: map, own: own, nodes: []))
        // The box, Office, two groups.
        #expect(zone.nameCount == 4 && zone.faults.isEmpty, "\(zone.faults)")
        let askers = Askers(configuration, map: map, own: own)
        #expect(askers.nodes.count == 2 && !askers.everybody)
    }

    @Test func statusSaysWhatToTellOthers() {
        var dns = NamesStatus(enabled: true, zone: "mesh.internal")
        dns.listen = [
            NamesPlaceStatus(listen: "127.0.0.1:25653", endpoint: "127.0.0.1:25653"),
            NamesPlaceStatus(listen: "portal", endpoint: "[fd00::1]:53"),
        ]
        let text = NamesText.rows(dns).map { $0.text }.joined(separator: "\n")
        #expect(text.contains("dnsmasq: server=/mesh.internal/fd00::1#53;"), "\(text)")
        #expect(text.contains("stub-addr: fd00::1@53"), "\(text)")
        dns.listen[1].trouble = "cannot bind"
        let other = NamesText.rows(dns).map { $0.text }.joined(separator: "\n")
        #expect(other.contains("server=/mesh.internal/127.0.0.1#25653") && !other.contains("fd00::1"), "\(other)")
        dns.resolved = "told"
        #expect(NamesText.rows(dns).count == 1)
        dns.listen = []
        #expect(NamesText.rows(dns)[0].text.contains("NOT ANSWERED"))
        dns.enabled = false
        #expect(NamesText.rows(dns)[0].text == "off")
    }

    /// /proc/1/net/if_inet6 as the kernel writes it (if6_seq_show).
    @Test func thisNetworkIsKnownByItsAddress() throws {
        let line = "fd0026b55f2b6ff3b47caf9c9b5244a5 0a 08 00 80  inet256\n"
        let address = try #require(IPv6Address("fd00:26b5:5f2b:6ff3:b47c:af9c:9b52:44a5"))
        #expect(SameNetwork.says(line, address, 10))
        #expect(!SameNetwork.says(line, address, 16) && !SameNetwork.says(line, .loopback, 10))
        for bent in ["", "fd00 0a", "x" + line.dropFirst(), String(line.prefix(32))] {
            #expect(!SameNetwork.says(bent, address, 10))
        }
    }
}
