import DNS
import TestSupport
import Testing

@testable import Settings

/// What the configuration says about names.
@Suite struct DNSConfigurationTests {
    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/c.yaml")
    }

    @Test func namesAreServedWhereThereIsAPortal() throws {
        let standard = try Self.parse("{}")
        #expect(standard.servesNames && standard.dns.zone.description == "mesh.internal")
        #expect(standard.dns.listen.map(\.description) == ["portal", "127.0.0.1:25653"])
        #expect(standard.dns.allow == .only([], peers: false))
        for yaml in ["portal: {enabled: false}", "dns: {enabled: false}", "dns: {listen: []}"] {
            #expect(try !Self.parse(yaml).servesNames)
        }
    }

    /// Names of peers and groups may stand further down.
    @Test func servicesHaveHosts() throws {
        let yaml = """
            dns: {services: [{name: _ssh._tcp, port: 22, host: g}, {name: _x._udp, port: 1, host: office}]}
            groups: {g: [office]}
            peers: [{id: \(Sample.plain), name: office}]
            """
        #expect(try Self.parse(yaml).dns.services.map(\.host) == ["g", "office"])
    }

    @Test(arguments: [
        ("dns: {zone: internal}", "dns.zone"), ("dns: {zone: \"a..b\"}", "dns.zone"), ("dns: {zone: ~}", "dns.zone"),
        ("dns: {zone: d.f.ip6.arpa}", "dns.zone"),
        ("dns: {zone: \(String(repeating: "abcdefgh.", count: 9)).b}", "dns.zone"),
        ("dns: {listen: portal}", "dns.listen"), ("dns: {listen: [\"192.0.2.1:53\"]}", "dns.listen[0]"),
        ("dns: {listen: [\"0.0.0.0:53\"]}", "dns.listen[0]"), ("dns: {listen: [\"[::]:53\"]}", "dns.listen[0]"),
        ("dns: {listen: [\"portal:0\"]}", "dns.listen[0]"), ("dns: {listen: [\"portal:053\"]}", "dns.listen[0]"),
        ("dns: {listen: [portal, portal]}", "dns.listen[1]"), ("dns: {allow: [nobody]}", "dns.allow[0]"),
        ("dns: {own_names: laptop}", "dns.own_names"), ("dns: {own_names: [Laptop]}", "dns.own_names[0]"),
        ("dns: {own_names: [a, \"b c\"]}", "dns.own_names[1]"), ("dns: {own_names: [a, a]}", "dns.own_names[1]"),
        ("dns: {own_names: [a, b, c, d, e, f, g, h, i]}", "dns.own_names"),
        ("dns: {services: [{name: ssh, port: 22}]}", "dns.services[0].name"),
        ("dns: {services: [{name: _ssh._tcp, port: 0}]}", "dns.services[0].port"),
        ("dns: {services: [{name: _ssh._tcp}]}", "dns.services[0]"),
        ("dns: {services: [{name: _ssh._tcp, port: 1, host: nobody}]}", "dns.services[0].host"),
    ]) func whatIsWrongIsNamed(_ yaml: String, _ keyPath: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
        guard case .invalid(let problems) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problems.map(\.keyPath) == [keyPath])
    }

    @Test func namesChangeWithAReload() throws {
        let yaml =
            "dns: {enabled: false, zone: lab.internal, listen: [portal], search: false, resolved: false, allow: peers, own_names: [a]}"
        let change = ConfigurationChange(from: try Self.parse("{}"), to: try Self.parse(yaml))
        #expect(change.applied == ["dns.zone", "dns.search", "dns.resolved", "dns.allow", "dns.own_names"])
        #expect(change.needsRestart == ["dns.enabled", "dns.listen"])
    }
}
