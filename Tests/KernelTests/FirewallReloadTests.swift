import Foundation
import Testing

extension KernelTests {
    /// The policy changes while the daemon runs.
    @Suite struct FirewallReloads {
        private static func policy(_ rules: String, members: String = "[alice]", more: String = "") -> String {
            "groups: {office: \(members)}\nfirewall: {rules: [\(rules)]\(more)}\n"
        }

        private static let rules = "{allow: tcp/7001, from: [office]}, {deny: udp/7002}"

        /// The table without what changes by itself.
        private static func table(_ server: Box) async throws -> String {
            try await server.nft("-a", "-s", "list", "table", "inet", "inet256vpn")
        }

        @Test(.timeLimit(.minutes(1)))
        func aReloadIsTakenOverWholeOrNotAtAll() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice", "bob"], firewall: Self.policy(Self.rules))
                let (server, alice, bob) = (star.server, star.guests[0], star.guests[1])
                try await star.start()
                let listener = try await server.listen(["tcp/7001", "udp/7002", "udp/7003"])
                let stream = try await alice.stream(to: server, port: 7001)
                let asked = try await alice.ask(server, ["tcp/7001", "udp/7002", "udp/7003"])
                #expect(asked == ["answered", "silent", "silent"])
                #expect(try await server.shownFirewall().inbound.packets == [2, 1, 1])
                let table = try await Self.table(server)

                // Refused, with the reason: a test that fails, text that is no YAML, a name that nobody has, raw text that
                // nft does not understand.
                try "nonsense\n".write(toFile: server.directory + "/raw.nft", atomically: true, encoding: .utf8)
                let failing = ", tests: [{from: bob, to: tcp/7001, expect: allow}]"
                for (broken, reason) in [
                    (Self.policy("{allow: udp/7003}", more: failing), "firewall.tests[0] fails"),
                    ("firewall: {rules: [\n", "config.yaml"),
                    (Self.policy("{allow: udp/7003, from: [alcie]}"), "alcie"),
                    (Self.policy("{allow: udp/7003}", more: ", include: [raw.nft]"), "raw.nft"),
                ] {
                    let refusals = server.refusedReloads.count
                    server.configuration.more = broken
                    try server.reload()
                    try await eventually("the reload is refused") { server.refusedReloads.count > refusals }
                    #expect(server.refusedReloads.last?.contains(reason) == true, "\(server.refusedReloads)")
                    let told = try await server.command("reload")
                    #expect(told.status == 2 && told.errors.contains(reason), "\(told)")
                    #expect(try await Self.table(server) == table)
                }
                #expect(try await alice.ask(server, ["udp/7003"]) == ["silent"])

                // Taken over: rules come and move, the counters of those that stay are kept.
                try await server.reload(
                    firewall: Self.policy("{allow: udp/7003}, {deny: udp/7002}, {allow: tcp/7001, from: [office]}"))
                #expect(try await server.shownFirewall().inbound.packets == [0, 1, 2, 2])
                #expect(try await alice.ask(server, ["udp/7002", "udp/7003"]) == ["silent", "answered"])
                #expect(try await server.shownFirewall().inbound.packets == [1, 2, 2, 2])
                try await Self.carries(stream)

                try await membersAreElements(server, alice, bob)
                // Alice is not in the group any more; what she had begun goes on.
                try await Self.carries(stream)
                let sent = try await stream.stop()
                try await eventually("all of the stream has arrived") {
                    listener.ended("tcp/7001").contains("carried \(sent)")
                }
                try await offAndOn(server, alice)
            }
        }

        private static func carries(_ stream: Stream) async throws {
            let before = stream.sent
            try await eventually("the stream goes on") { stream.sent > before + 100_000 }
        }

        /// A change of members touches the elements alone: rules, sets and counters keep their handles.
        private func membersAreElements(_ server: Box, _ alice: Box, _ bob: Box) async throws {
            func frame() async throws -> String {
                try await Self.table(server).replacing(#/elements = \{[^}]*\}\n/#, with: "")
            }
            #expect(try await bob.ask(server, ["tcp/7001"]) == ["silent"])
            let before = try await frame()
            #expect(before.contains("set group_office"))
            let rules = server.configuration.more
            for (members, answers) in [("[alice, bob]", ["answered", "answered"]), ("[bob]", ["silent", "answered"])] {
                try await server.reload(firewall: rules.replacing(/\{office: .*\}\n/, with: "{office: \(members)}\n"))
                var asked: [String] = []
                for guest in [alice, bob] { asked += try await guest.ask(server, ["tcp/7001"]) }
                #expect(asked == answers)
                #expect(try await frame() == before)
            }
        }

        private func offAndOn(_ server: Box, _ alice: Box) async throws {
            let rules = Self.policy("{allow: udp/7003}")
            try await server.reload(firewall: rules.replacing("rules:", with: "enabled: false, rules:"))
            let off = try await server.command("status")
            #expect(off.output.contains("NOT ENFORCED") && off.output.contains("firewall.enabled is false"), "\(off)")
            #expect(try await !server.shownFirewall().enforced)
            #expect(try await server.nft("list", "tables") == "")
            #expect(try await alice.ask(server, ["udp/7002", "udp/7003"]) == ["answered", "answered"])
            try await server.reload(firewall: rules)
            let on = try await server.command("status")
            #expect(on.output.contains("enforced: 1 rule") && !on.output.contains("NOT ENFORCED"), "\(on)")
            #expect(try await alice.ask(server, ["udp/7002", "udp/7003"]) == ["silent", "answered"])
        }

        /// No moment without rules, and none in which a connection is lost.
        @Test(.timeLimit(.minutes(2)))
        func aHundredReloadsUnderTraffic() async throws {
            try await Testbed.with { bed in
                // Rules around those that count, so that every reload replaces, adds and removes some.
                func policy(_ number: Int) -> String {
                    let others = (0..<20).map { "{allow: tcp/\(10000 + number % 3 * 7 + $0), from: [office]}" }
                    let own = "{allow: tcp/7001, from: [alice]}, {allow: tcp/7003}"
                    let before = others.prefix(number % 20).joined(separator: ", ")
                    return Self.policy([before, own, others[19]].filter { !$0.isEmpty }.joined(separator: ", "))
                }
                let star = try await Star(in: bed, guests: ["alice"], firewall: policy(0))
                let (server, alice) = (star.server, star.guests[0])
                try await star.start()
                let listener = try await server.listen(["tcp/7001", "tcp/7002", "tcp/7003"])
                let stream = try await alice.stream(to: server, port: 7001)
                let prober = try alice.flood(server, ports: ["7002", "7003"])
                try await eventually("the prober is on its way") { prober["7003"].opened > 10 }
                for number in 1...100 { try await server.reload(firewall: policy(number)) }
                try await Self.carries(stream)
                let tried = prober["7003"].opened
                try await eventually("the prober goes on") { prober["7003"].opened > tried + 10 }
                await prober.stop()
                let (denied, open) = (prober["7002"], prober["7003"])
                #expect(denied.opened == 0 && denied.reset == 0 && denied.tries > 100, "\(denied)")
                #expect(open.opened > 100, "\(open)")
                #expect(listener.count("tcp/7002") == 0)
                let sent = try await stream.stop()
                try await eventually("all of the stream has arrived") {
                    listener.ended("tcp/7001") == ["carried \(sent)"]
                }
                let shown = try await server.shownFirewall()
                let rule = try #require(shown.inbound.rules.first { $0.rule.contains("tcp/7001") })
                #expect(rule.count.packets == 1)
                print(
                    "100 reloads: \(sent) bytes, \(denied.tries) tries of the denied port, \(open.opened) of the open one"
                )
            }
        }
    }
}
