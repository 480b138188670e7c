import API
import INET256
import TestSupport
import Testing

@testable import Settings

/// What the configuration says about applications' nodes.
@Suite struct APIConfigurationTests {
    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/c.yaml")
    }

    @Test func everyKeyIsRead() throws {
        let yaml = """
            api:
              allow: [peers, \(Sample.dashed), barn]
              listen: tcp://192.0.2.1:9
              allow_remote: true
              limits:
                nodes: 3
                client_nodes: 2
                connections: 20
                client_connections: 10
                requests: 9
                client_requests: 8
                connection_requests: 7
                queue: 1GiB
                client_queue: 5 MiB
                connection_queue: 1048577
            peers: [{id: \(Sample.plain), name: barn}]
            """
        let configuration = try Self.parse(yaml)
        let barn = try #require(Address(Sample.plain))
        let other = try #require(Address(Sample.dashed))
        let api = configuration.api
        #expect(api.allow == .only([barn, other], peers: true))
        #expect(api.allowRemote && api.listen?.description == "tcp://192.0.2.1:9")
        #expect(api.limits.nodes == 3)
        let limits = APILimits(api.limits)
        #expect(limits.nodesPerClient == 2)
        #expect(limits.nodeConnections == 20 && limits.nodeConnectionsPerClient == 10)
        #expect(limits.nodeRequestsInAll == 9 && limits.nodeRequestsPerClient == 8 && limits.nodeRequests == 7)
        #expect(limits.nodeBytesQueuedInAll == 1 << 30 && limits.nodeBytesQueuedPerClient == 5 << 20)
        #expect(limits.nodeBytesQueued == (1 << 20) + 1)
        // Each of them is something else than the default: nothing is left out when it is shown.
        let keys = APILimitsConfiguration.table.settings
        let standard = Configuration(directory: "/etc")
        #expect(keys.count == 10 && keys.allSatisfy { !$0.isSame(configuration, standard) })
        let shown = try EffectiveConfiguration(configuration).yaml()
        #expect(try Self.parse(shown).api == api, "\(shown)")
    }

    @Test func theDefaultsAreThoseOfTheServer() throws {
        let (standard, limits) = (APILimits(), APILimits(APILimitsConfiguration()))
        #expect("\(standard)" == "\(limits)")
        let shown = try Self.parse(Configuration.commentedDefault)
        #expect(shown.api == APIConfiguration())
        for setting in APILimitsConfiguration.table.settings {
            #expect(Configuration.commentedDefault.contains("\n    \(setting.key): "), "\(setting.path)")
        }
    }

    @Test func whoIsAllowedChangesWithAReload() throws {
        let old = try Self.parse("{}")
        let yaml = """
            api:
              allow: peers
              allow_remote: true
              limits: {nodes: 1, connections: 2, client_connections: 1, connection_queue: 2 MiB, requests: 1}
            """
        let change = ConfigurationChange(from: old, to: try Self.parse(yaml))
        #expect(change.applied == ["api.allow", "api.limits.nodes"])
        #expect(
            change.needsRestart == [
                "api.allow_remote", "api.limits.connections", "api.limits.client_connections", "api.limits.requests",
                "api.limits.connection_queue",
            ])
    }

    @Test(arguments: [
        ("api: {allow: [nobody]}", "api.allow[0]"), ("api: {alow: any}", "api"), ("api: 7", "api"),
        ("api: {limits: {nodes: -1}}", "api.limits.nodes"), ("api: {limits: {nodes: many}}", "api.limits.nodes"),
        ("api: {limits: {connections: 65537}}", "api.limits.connections"), ("api: {limits: []}", "api.limits"),
        ("api: {limits: {client_requests: 4 MiB}}", "api.limits.client_requests"),
        ("api: {limits: {queue: 4 MB}}", "api.limits.queue"), ("api: {limits: {queue: 1048575}}", "api.limits.queue"),
        ("api: {limits: {queue: 17 GiB}}", "api.limits.queue"), ("api: {limits: {queue: ~}}", "api.limits.queue"),
        ("api: {limits: {queues: 4 MiB}}", "api.limits"), ("api: {allow_remote: yes}", "api.allow_remote"),
        ("api: {listen: \"tcp://192.0.2.1:80\"}", "api.listen"), ("api: {listen: \"unix:///x\"}", "api.listen"),
    ]) func whatIsWrongIsNamed(_ yaml: String, _ keyPath: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
        guard case .invalid(let problems) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problems.map(\.keyPath) == [keyPath])
    }

    @Test(
        arguments: [
            ("4 MiB", 4 << 20), ("4MiB", 4 << 20), ("1 GiB", 1 << 30), ("3 KiB", 3072), ("7 B", 7), ("7", 7), ("0", 0),
            ("", nil), ("MiB", nil), ("4 MB", nil), ("4mib", nil), ("-1", nil), ("+1", nil), ("1.5 MiB", nil),
            ("01", nil),
            ("1 ", nil), (" 1", nil), ("9223372036854775807 KiB", nil), ("9223372036854775808", nil), ("٤ MiB", nil),
        ] as [(String, Int?)])
    func numbersOfBytes(_ text: String, _ count: Int?) {
        #expect(ByteCount.parse(text) == count)
        if let count { #expect(ByteCount.parse(ByteCount.text(count)) == count) }
    }

    // MARK: Other machines

    @Test(arguments: ["api_endpoint: tcp://0.0.0.0:2560", "api_endpoint: \"tcp://[2001:db8::1]:2560\""])
    func otherMachinesStayOutUnlessAllowed(_ endpoint: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse(endpoint) }
        #expect("\(String(describing: error))".contains("allow_remote: true"))
        #expect("\(String(describing: error))".contains("private keys cross the wire in clear text"))
        #expect(throws: ConfigurationError.self) { try Self.parse(endpoint + "\napi: {allow_remote: false}") }
        // In any order.
        for yaml in [endpoint + "\napi: {allow_remote: true}", "api: {allow_remote: true}\n" + endpoint] {
            let configuration = try Self.parse(yaml + "\naccept: any")
            #expect(configuration.apiEndpoint.isRemote)
            let warnings = configuration.warnings(own: [])
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("private keys cross the wire in clear text") == true)
            #expect(try Self.parse(try EffectiveConfiguration(configuration).yaml()) == configuration)
        }
    }

    @Test func theListenerIsToBeAllowedAsWell() throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse("api: {listen: \"tcp://0.0.0.0:9\"}") }
        #expect("\(String(describing: error))".contains("allow_remote: true"))
        let yaml = "accept: any\napi: {listen: \"tcp://0.0.0.0:9\", allow_remote: true}"
        let configuration = try Self.parse(yaml)
        #expect(configuration.api.listen?.isRemote == true && !configuration.apiEndpoint.isRemote)
        let warnings = configuration.warnings(own: [])
        #expect(warnings.count == 1 && warnings.first?.contains("status, peers and metrics") == true)
    }

    // MARK: The page

    @Test(arguments: [
        ("dashboard: {listen: \"tcp://0.0.0.0:2580\"}", "allow_remote: true in dashboard"),
        ("dashboard: {listen: \"unix:///x\"}", "tcp://127.0.0.1:2580"),
        ("dashboard: {listen: yes}", "tcp://127.0.0.1:2580"),
        ("dashboard: {listen: \"tcp://127.0.0.1:9\"}\napi: {listen: \"tcp://127.0.0.1:9\"}", "another port"),
        ("dashboard: {listen: \"tcp://127.0.0.1:9\"}\napi_endpoint: \"tcp://127.0.0.1:9\"", "another port"),
    ]) func whereThePageCannotBe(_ yaml: String, _ words: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
        #expect("\(String(describing: error))".contains(words), "\(String(describing: error))")
    }

    /// Whoever comes by the portal meets the firewall; elsewhere nobody is asked who he is.
    @Test(arguments: [
        ("tcp://127.0.0.1:2580", "", 0), ("tcp://[fd00::1]:2580", "", 0), ("tcp://0.0.0.0:2580", "", 1),
        ("tcp://192.0.2.1:2580", "", 1), ("tcp://[fd00::1]:2580", "firewall: {enabled: false}", 1),
        ("tcp://[fd00::1]:2580", "portal: {enabled: false}", 1),
    ]) func thePageBeyondTheMeshIsWarnedOf(_ listen: String, _ more: String, _ warnings: Int) throws {
        let yaml = "accept: any\ndashboard: {listen: \"\(listen)\", allow_remote: true}\n\(more)"
        let said = try Self.parse(yaml).warnings(own: []).filter { $0.contains("dashboard.listen") }
        #expect(said.count == warnings, "\(said)")
    }

    @Test func thePermissionAloneOpensNothing() throws {
        let configuration = try Self.parse("accept: any\napi: {allow_remote: true, listen: \"tcp://127.0.0.1:9\"}")
        #expect(configuration.warnings(own: []).isEmpty)
    }
}
