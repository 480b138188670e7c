import Testing

@testable import Settings

@Suite struct ReachConfigurationTests {
    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/c.yaml")
    }

    @Test func whatIsAdvertised() throws {
        let yaml = #"advertise: ["udp://203.0.113.7:25632", "udp://vpn.example.org:1", "udp://[2001:db8::1]:2"]"#
        let configuration = try Self.parse(yaml + "\nport_mapping: off")
        #expect(
            configuration.reach.advertise.map(\.description) == [
                "udp://203.0.113.7:25632", "udp://vpn.example.org:1", "udp://[2001:db8::1]:2",
            ])
        #expect(configuration.reach.portMapping == .off)
        let none = try Self.parse("")
        #expect(none.reach == ReachConfiguration() && none.reach.portMapping == .auto)
        // Both at once, without a restart.
        let change = ConfigurationChange(from: none, to: configuration)
        #expect(change.applied == ["advertise", "port_mapping"] && change.needsRestart.isEmpty)
    }

    /// Others cannot use it, or there is too much of it.
    @Test(arguments: [
        "udp://0.0.0.0:1", "udp://127.0.0.1:1", "udp://[::1]:1", "udp://[fe80::1]:1", "udp://[fe80::1%eth0]:1",
        "udp://224.0.0.1:1", "udp://169.254.1.1:1", "203.0.113.7:1", "udp://203.0.113.7", "udp://203.0.113.7:0",
        #"udp://a:1", "udp://b:1", "udp://c:1", "udp://d:1", "udp://e:1"#, #"udp://a:1", "udp://a:1"#,
    ]) func whatCannotBe(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse("advertise: [\"\(text)\"]") }
        #expect("\(String(describing: error))".contains("advertise"))
    }

    /// A site without the internet has private addresses.
    @Test func privateOnesMayBe() throws {
        #expect(try Self.parse(#"advertise: ["udp://10.1.2.3:4"]"#).reach.advertise.count == 1)
    }
}
