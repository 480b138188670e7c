import Foundation
import Testing

extension KernelTests {
    /// What others change about the machine while the daemon runs is said, by `status` at once and by the log soon.
    @Suite struct Warnings {
        @Test(.timeLimit(.minutes(2)))
        func whatComesAndGoesIsSaid() async throws {
            try await Testbed.with { bed in
                let star = try await Star(
                    in: bed, guests: [],
                    firewall: "networks: {lan: [\"fdaa:1::/64\"]}\nfirewall: {rules: [{allow: ssh}]}\n")
                let server = star.server
                func forwarding(_ value: Int) async throws {
                    let set = try await server.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=\(value)")
                    try #require(set.succeeded, "\(set)")
                }
                func warnings() async throws -> [String] {
                    let shown = try await server.command("status", "--json")
                    return try JSONDecoder().decode(Warned.self, from: Data(shown.output.utf8)).warnings
                }
                try await forwarding(1)
                try await server.start()
                #expect(try await !warnings().contains { $0.contains("decides about") || $0.contains("forwarding") })

                let file = server.directory + "/other.nft"
                try """
                table inet other {
                    chain out { type filter hook output priority 0; ip6 daddr ::2 drop; }
                }
                table netdev early {
                    chain in { type filter hook ingress device "\(Box.interface)" priority 0; policy accept; ip6 daddr ::2 drop; }
                }
                """.write(toFile: file, atomically: true, encoding: .utf8)
                _ = try await server.nft("-f", file)
                try await forwarding(0)
                let said = [
                    "inet other/out policy accept at output", "netdev early/in policy accept at ingress", "forwarding",
                ]
                let found = try await warnings()
                for words in said { #expect(found.contains { $0.contains(words) }, "\(words): \(found)") }
                let shown = try await server.command("firewall", "show")
                #expect(shown.output.contains("at ingress") && shown.output.contains("at output"), "\(shown)")
                try await eventually(within: .seconds(40), "the log says so") {
                    said.allSatisfy { words in
                        server.log.split(separator: "\n").contains { $0.contains(words) && $0.hasPrefix("warning") }
                    }
                }
                _ = try await server.nft("delete", "table", "inet", "other")
                _ = try await server.nft("delete", "table", "netdev", "early")
                try await forwarding(1)
                try await eventually(within: .seconds(40), "the log says that it is over") {
                    said.allSatisfy { words in
                        server.log.split(separator: "\n").contains { $0.contains(words) && $0.contains("no longer so") }
                    }
                }
                #expect(try await !warnings().contains { $0.contains("decides about") || $0.contains("forwarding") })
            }
        }
    }
}

private struct Warned: Decodable {
    let warnings: [String]
}
