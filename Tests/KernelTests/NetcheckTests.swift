import Foundation
import Testing

extension KernelTests {
    /// `netcheck` against a daemon.
    @Suite struct Netcheck {
        private func verdicts(_ box: Box) async throws -> [String: String] {
            let findings = try #require(try await NetcheckJSON.report(of: box)["findings"] as? [[String: Any]])
            return Dictionary(
                findings.map { ($0["topic"] as? String ?? "", $0["verdict"] as? String ?? "") },
                uniquingKeysWith: { first, _ in first })
        }

        @Test(.timeLimit(.minutes(2)))
        func twoBoxes() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "203.0.113.1/24", bob, "203.0.113.2/24")
                try await bed.ip("-n", alice.namespace, "route", "add", "default", "via", "203.0.113.2")
                alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["203.0.113.2:25632"])]
                bob.configuration.peers = [.init(name: "alice", id: alice.address)]
                try await alice.start()
                try await eventually("alice knows her way") { try await verdicts(alice)["ipv4"] == "good" }
                var found = try await verdicts(alice)
                #expect(found["udp"] == "bad" && found["reach"] == "good" && found["port_mapping"] == "good")
                #expect(found["ipv6"] == "limited" && found["mtu"] == nil)
                try await bob.start()
                try await eventually("UDP works") { try await verdicts(alice)["udp"] == "good" }
                try await eventually("the size is known") { try await verdicts(alice)["mtu"] == "good" }
                found = try await verdicts(bob)
                // No way to the world, and nobody to ask for one.
                #expect(found["ipv4"] == "limited" && found["port_mapping"] == "unknown")
                let shown = try await alice.command("netcheck")
                #expect(shown.succeeded && shown.output.contains("+ UDP works, over IPv4"), "\(shown)")
                #expect(shown.output.contains("public: 203.0.113.1"), "\(shown)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func withoutADaemon() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let shown = try await alice.command("netcheck")
                #expect(!shown.succeeded && shown.errors.contains("inet256vpn"), "\(shown)")
            }
        }
    }
}
