import Foundation
import Testing

extension KernelTests {
    /// `inet256vpn firewall ...`: what it says, as JSON too, and how it ends.
    @Suite struct FirewallCommands {
        private static let policy = """
            groups: {office: [alice]}
            firewall:
              rules: [{allow: ssh, from: [office], comment: the office}, {deny: tcp/8080}]
              tests: [{from: alice, to: ssh, expect: allow}, {from: "fd12::/16", to: ssh, expect: deny}]

            """

        /// A box with a file that is not run by anybody yet, and the kernel as it must stay.
        private func withFile(_ body: (Testbed, Box) async throws -> Void) async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice"], firewall: Self.policy)
                try star.server.writeConfiguration()
                try await body(bed, star.server)
            }
        }

        private static func json<T>(_ outcome: Outcome, as: T.Type) throws -> T {
            let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            return try #require(value as? T, "\(outcome)")
        }

        @Test(.timeLimit(.minutes(1)))
        func checkAsksTheKernelAndChangesNothing() async throws {
            try await withFile { bed, server in
                let good = try await server.command("firewall", "check", server.configPath)
                #expect(good.status == 0 && good.output.contains("2 rules, 1 group, 2 tests passed"), "\(good)")
                #expect(good.output.contains("the kernel accepts the table"))
                let shown = try await server.command("firewall", "check", "--json", server.configPath)
                let json = try Self.json(shown, as: [String: Any].self)
                #expect(shown.status == 0 && json["kernel"] as? String == "accepts", "\(shown)")
                #expect(json["rules"] as? Int == 2 && json["tests_passed"] as? Int == 2, "\(shown)")
                // Without the privilege the kernel is not asked, and that is said.
                let binary = try Requirements.binary()
                let humble = try await server.run(
                    "setpriv", "--bounding-set=-all", "--inh-caps=-all", binary, "firewall", "check", "--json",
                    server.configPath)
                #expect(try Self.json(humble, as: [String: Any].self)["kernel"] as? String == "not_asked", "\(humble)")
                #expect(humble.status == 0)

                for (wrong, word) in [
                    (
                        Self.policy.replacing("to: ssh, expect: deny", with: "to: ssh, expect: allow"),
                        "firewall.tests[1]"
                    ),
                    (Self.policy.replacing("tcp/8080", with: "tcp/99999"), "tcp/99999"),
                    (Self.policy.replacing("[alice]", with: "[office]"), "office"),
                ] {
                    server.configuration.more = wrong
                    try server.writeConfiguration()
                    let refused = try await server.command("firewall", "check", server.configPath)
                    #expect(refused.status == 2 && refused.errors.contains(word), "\(refused)")
                }
                server.configuration.more = Self.policy.replacing(
                    "{deny: tcp/8080}", with: "{deny: ssh, from: [alice]}")
                try server.writeConfiguration()
                let shadowed = try await server.command("firewall", "check", server.configPath)
                #expect(shadowed.status == 0 && shadowed.errors.contains("contradict"), "\(shadowed)")
                server.configuration.more = "firewall: {enabled: false}\n"
                try server.writeConfiguration()
                let off = try await server.command("firewall", "check", server.configPath)
                #expect(off.status == 0 && off.output.contains("NOT ENFORCED"), "\(off)")
                let missing = try await server.command("firewall", "check", server.directory + "/no.yaml")
                #expect(missing.status != 0 && missing.errors.contains("no.yaml"), "\(missing)")
                #expect(try await server.nft("list", "ruleset") == "")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func testSaysWhatWouldBecomeOfAConnection() async throws {
            try await withFile { _, server in
                func test(_ words: String...) async throws -> Outcome {
                    try await server.run(
                        words: [try Requirements.binary(), "firewall", "test", "--config", server.configPath] + words)
                }
                let allowed = try await test("--from", "alice", "--to", "tcp/22")
                #expect(allowed.status == 0 && allowed.output.contains("allow by rule 0"), "\(allowed)")
                let denied = try await test("--from", "fd12::1", "--to", "ssh")
                #expect(denied.status == 1 && denied.output.contains("deny by"), "\(denied)")
                let byRule = try await test("--from", "office", "--to", "tcp/8080", "--json")
                let answers = try Self.json(byRule, as: [[String: Any]].self)
                #expect(byRule.status == 1 && answers.count == 1, "\(byRule)")
                #expect(answers[0]["action"] as? String == "deny" && answers[0]["rule"] as? Int == 1, "\(byRule)")
                let out = try await test("--out", "--from", "alice", "--to", "tcp/25")
                #expect(out.status == 0 && out.output.contains("allow"), "\(out)")
                let unknown = try await test("--from", "alcie", "--to", "ssh")
                #expect(unknown.status == 2 && unknown.errors.contains("alice"), "\(unknown)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func diffExportAndShowAskTheDaemon() async throws {
            try await withFile { bed, server in
                // Nobody is there yet.
                for words in [["show"], ["diff", server.configPath], ["export", "--running"]] {
                    let none = try await server.run(
                        words: [try Requirements.binary(), "firewall"] + words + ["--config", server.configPath])
                    #expect(none.status == 3 && none.errors.contains("api.sock"), "\(none)")
                }
                try await server.start()
                try await diff(server)
                try await export(bed, server)
                let text = try await server.command("firewall", "show")
                #expect(text.status == 0, "\(text)")
                for word in [
                    "owned by the daemon", "allow ssh from office", "the office", "deny the rest", "office (1)",
                ] {
                    #expect(text.output.contains(word), "\(text)")
                }
                let shown = try await server.shownFirewall()
                #expect(shown.inbound.rules.map(\.rule) == ["allow ssh from office", "deny tcp/8080 from any"])
                #expect(shown.inbound.fallback == "deny" && shown.outbound.fallback == "allow")
            }
        }

        private func diff(_ server: Box) async throws {
            let same = try await server.command("firewall", "diff", server.configPath)
            #expect(same.status == 0 && same.output == "nothing would change\n", "\(same)")
            let other = server.directory + "/other.yaml"
            let text = server.configuration.text.replacing("{deny: tcp/8080}", with: "{reject: tcp/8081}")
            try text.write(toFile: other, atomically: true, encoding: .utf8)
            for base in [[], ["--base", server.configPath]] {
                let words = ["firewall", "diff"] + base
                let differs = try await server.run(
                    words: [try Requirements.binary()] + words
                        + (base.isEmpty ? ["--config", server.configPath] : []) + [other])
                let lines = differs.output.split(separator: "\n")
                #expect(differs.status == 1 && lines.count == 2, "\(differs)")
                #expect(lines.contains { $0.hasPrefix("- ") && $0.contains("deny tcp/8080") }, "\(differs)")
                #expect(lines.contains { $0.hasPrefix("+ ") && $0.contains("reject tcp/8081") }, "\(differs)")
            }
            let shown = try await server.command("firewall", "diff", "--json", other)
            let json = try Self.json(shown, as: [String: [String]].self)
            #expect(shown.status == 1 && json["added"]?.count == 1 && json["removed"]?.count == 1, "\(shown)")
            let missing = try await server.command("firewall", "diff", server.directory + "/no.yaml")
            #expect(missing.status != 0 && missing.errors.contains("no.yaml"), "\(missing)")
        }

        /// What it prints is what the kernel has: loaded elsewhere by nft it gives the same table.
        private func export(_ bed: Testbed, _ server: Box) async throws {
            let exported = try await server.command("firewall", "export", "--config", server.configPath)
            #expect(exported.status == 0)
            let running = try await server.command("firewall", "export", "--running")
            #expect(running.status == 0 && running.output == exported.output, "\(running)")
            let shown = try await server.command("firewall", "export", "--json", "--config", server.configPath)
            let json = try Self.json(shown, as: [String: String].self)
            #expect(json == ["table": "inet inet256vpn", "text": exported.output], "\(shown)")

            // Beside the daemon, whose table nobody else may touch or ask about.
            let own = server.directory + "/own.nft"
            for (options, passes) in [
                ([], false), (["--table", "trial"], true), (["--running", "--table", "trial"], true),
            ] {
                let words = ["firewall", "export", "--config", server.configPath] + options
                let text = try await server.run(words: [try Requirements.binary()] + words)
                #expect(text.succeeded, "\(text)")
                try text.output.write(toFile: own, atomically: true, encoding: .utf8)
                let checked = try await server.run("nft", "--check", "-f", own)
                #expect(checked.succeeded == passes, "\(options): \(checked)")
            }
            let wrong = try await server.command("firewall", "export", "--table", "a b")
            #expect(wrong.status == 2, "\(wrong)")

            let elsewhere = try await bed.namespace("elsewhere")
            let file = server.directory + "/exported.nft"
            try exported.output.write(toFile: file, atomically: true, encoding: .utf8)
            let loaded = try await bed.run(["nft", "-f", file], in: elsewhere)
            #expect(loaded.succeeded, "\(loaded)")
            let words = ["nft", "-s", "list", "table", "inet", "inet256vpn"]
            let there = try await bed.run(words, in: elsewhere)
            let here = try await server.run(words: words)
            // Only the owner is the daemon's, and that it goes by the interface's index.
            let owner = #/ # progname .*\n\tflags owner\n/#
            let named = here.output.replacing(owner, with: "").replacing(#/ ?([io]if) "inet256"/#) { match in
                match.output.0.replacing("if ", with: "ifname ")
            }
            #expect(there.output == named, "\(there)\(here)")
        }
    }
}
