import INET256
import Testing

@testable import inet256vpn

/// What the configuration says about applications' nodes.
@Suite struct APIConfigurationTests {
    @Test func everyKeyIsRead() throws {
        let yaml = """
            api:
              allow: [peers, \(Sample.dashed), barn]
              limits: {nodes: 3, connections: 20, client_connections: 10}
            peers: [{id: \(Sample.plain), name: barn}]
            """
        let configuration = try Configuration.parse(yaml, file: "/etc/c.yaml")
        let barn = try #require(Address(Sample.plain))
        let other = try #require(Address(Sample.dashed))
        #expect(configuration.api.allow == .only([barn, other], peers: true))
        #expect(configuration.api.nodes == 3)
        #expect(configuration.api.connections == 20 && configuration.api.clientConnections == 10)
        let shown = try EffectiveConfiguration(configuration).yaml()
        #expect(try Configuration.parse(shown, file: "/etc/c.yaml").api == configuration.api)
    }

    @Test func whoIsAllowedChangesWithAReload() throws {
        let old = try Configuration.parse("{}", file: "/etc/c.yaml")
        let yaml = "api: {allow: peers, limits: {nodes: 1, connections: 2, client_connections: 1}}"
        let change = ConfigurationChange(from: old, to: try Configuration.parse(yaml, file: "/etc/c.yaml"))
        #expect(change.applied == ["api.allow", "api.limits.nodes"])
        #expect(change.needsRestart == ["api.limits.connections", "api.limits.client_connections"])
    }

    @Test(arguments: [
        ("api: {allow: [nobody]}", "api.allow[0]"), ("api: {alow: any}", "api"), ("api: 7", "api"),
        ("api: {limits: {nodes: -1}}", "api.limits.nodes"), ("api: {limits: {nodes: many}}", "api.limits.nodes"),
        ("api: {limits: {connections: 65537}}", "api.limits.connections"), ("api: {limits: []}", "api.limits"),
        ("api: {listen: \"tcp://192.0.2.1:80\"}", "api.listen"), ("api: {listen: \"unix:///x\"}", "api.listen"),
    ]) func whatIsWrongIsNamed(_ yaml: String, _ keyPath: String) {
        let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(yaml, file: "/etc/c.yaml") }
        guard case .invalid(let problems) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problems.map(\.keyPath) == [keyPath])
    }
}
