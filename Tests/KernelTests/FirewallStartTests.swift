import Foundation
import Testing

extension KernelTests {
    /// Before the portal is up, when the daemon dies, and when the firewall cannot be loaded.
    @Suite struct FirewallStart {
        private static let policy = "firewall: {rules: [{allow: tcp/7002}]}\n"

        @Test(.timeLimit(.minutes(2)))
        func nothingListensToTheMeshDuringStart() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice"], firewall: Self.policy)
                let (server, alice) = (star.server, star.guests[0])
                let listener = try await server.listen(["tcp/7001", "tcp/7002"])
                try await alice.start()
                let flood = try alice.flood(server, ports: ["7001", "7002"])
                try await eventually("the flood is on its way") { flood["7001"].tries > 100 }
                for _ in 0..<5 {
                    let before = flood["7002"].opened
                    try server.launch()
                    try await eventually("the port that is open answers") { flood["7002"].opened > before + 50 }
                    await server.stop()
                }
                #expect(flood["7001"].opened == 0 && flood["7001"].reset == 0, "\(flood["7001"])")
                #expect(listener.count("tcp/7001") == 0 && listener.count("tcp/7002") > 250)

                // That the flood would have found an open door.
                server.configuration.more = "firewall: {enabled: false}\n"
                try server.launch()
                try await eventually("without the firewall the flood comes in") { flood["7001"].opened > 0 }
                try await eventually("and the listener sees it") { listener.count("tcp/7001") > 0 }
                await flood.stop()
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aKilledDaemonHasItsTableAgainBeforeTheLink() async throws {
            try await Testbed.with { bed in
                let server = try await bed.box("server")
                server.configuration.more = Self.policy
                for table in Self.tablesOfOthers { _ = try await server.nft(table) }
                let before = try await server.nft("-a", "list", "ruleset")
                let watch = try await server.watchOrder()

                try await server.start()
                let running = try await server.nft("list", "table", "inet", "inet256vpn")
                // What drops besides us is told of.
                let status = try await server.command("status")
                #expect(
                    status.output.split(separator: "\n").contains {
                        $0.contains("WARNING") && $0.contains("inet others")
                    }, "\(status)")
                await server.kill()
                // The table is the process's own: it went with it, as the link did, and nothing else.
                try await eventually("all of it is gone") { watch.said.contains("no link") }
                #expect(try await server.nft("-a", "list", "ruleset") == before)
                try await server.start()
                #expect(try await server.nft("list", "table", "inet", "inet256vpn") == running)
                #expect(try #require(await server.stop()).status == 0)
                #expect(try await server.nft("-a", "list", "ruleset") == before)

                try await eventually("all of it is gone") { watch.said.hasSuffix("no table\n") }
                // The kernel does not tell of a table that goes with its owner.
                #expect(
                    watch.said.split(separator: "\n") == [
                        "ready", "table", "link", "no link", "table", "link", "no link", "no table",
                    ])
            }
        }

        private static let tablesOfOthers = [
            "table inet others { set s { type inet_service; elements = { 1, 2 } }; "
                + "chain in { type filter hook input priority 10; policy accept; tcp dport @s counter drop; }; }",
            "table ip nat { chain post { type nat hook postrouting priority 100; masquerade; }; }",
        ]

        /// The kernel's refusal names the one who has the table; there is no link, and that one goes on.
        @Test(.timeLimit(.minutes(1)))
        func aTableOfAnotherDaemonKeepsTheBoxDown() async throws {
            try await Testbed.with { bed in
                let first = try await bed.box("first")
                first.configuration.more = Self.policy
                try await first.start()
                let rules = try await first.nft("-a", "list", "ruleset")
                let before = try await first.kernelState()
                let second = try await Box("second", namespace: first.namespace, in: bed)
                second.configuration = Configuration(api: second.configuration.api, interface: "second", port: 25633)
                // With the same prefix it would be refused for that.
                second.configuration.portalSettings = ["prefix: \"fc00::/8\"", "guard: running"]
                let outcome = try await second.startInVain()
                #expect(outcome.status == 1, "\(outcome)")
                let owner = try #require(first.daemon?.identifier)
                for word in ["cannot create table inet256vpn", "EPERM", "process \(owner)"] {
                    #expect(outcome.said.contains(word), "\(outcome)")
                }
                #expect(try await first.kernelChanges(since: before) == [])
                #expect(try await first.nft("-a", "list", "ruleset") == rules)
                #expect(!FileManager.default.fileExists(atPath: second.directory + "/api.sock"))
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func whatCannotBeLoadedKeepsTheBoxDown() async throws {
            try await Testbed.with { bed in
                let server = try await bed.box("server")
                let file = server.directory + "/raw.nft"
                let include = "firewall: {include: [raw.nft]}\n"
                let refused: [(configuration: String, text: String, status: Int32, word: String)] = [
                    // What is no rule, what the kernel refuses (a set that is not there), and no file.
                    (include, "this is no rule\n", 2, "raw.nft"),
                    (include, "tcp dport @nowhere accept\n", 2, "raw.nft"),
                    ("firewall: {include: [missing.nft]}\n", "", 1, "missing.nft"),
                    (
                        "firewall: {tests: [{from: \"fd12::/16\", to: ssh, expect: allow}]}\n", "", 2,
                        "firewall.tests[0] fails"
                    ),
                ]
                let before = try await server.kernelState()
                for (configuration, text, status, word) in refused {
                    try text.write(toFile: file, atomically: true, encoding: .utf8)
                    server.configuration.more = configuration
                    let outcome = try await server.startInVain()
                    #expect(outcome.status == status && outcome.said.contains(word), "\(outcome)")
                    #expect(try await server.kernelChanges(since: before) == [Box.guardLine])
                    #expect(try await server.nft("list", "ruleset") == "")
                }
            }
        }
    }
}
