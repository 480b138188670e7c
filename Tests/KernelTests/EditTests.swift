import Foundation
import Testing

extension KernelTests {
    /// Commands that change the configuration of a running daemon.
    @Suite struct Edits {
        private static func edit(_ box: Box, _ words: String...) async throws -> Outcome {
            try await box.run(words: [try Requirements.binary()] + words + ["--config", box.configPath])
        }

        private static func text(of box: Box) throws -> String {
            try String(contentsOfFile: box.configPath, encoding: .utf8)
        }

        private static func state(of box: Box) throws -> [String] {
            let found = try FileManager.default.attributesOfItem(atPath: box.configPath)
            return [FileAttributeKey.systemFileNumber, .modificationDate, .posixPermissions, .ownerAccountID].map {
                "\(String(describing: found[$0]))"
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aPeerIsAddedAndReached() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let bob = try await bed.box("bob")
                let (here, there) = ("192.0.2.1", "192.0.2.2")
                try await bed.wire(alice, here + "/24", bob, there + "/24")
                for box in [alice, bob] { box.configuration.allowed = ["any"] }
                alice.configuration.more = "# ours\nfirewall: {rules: [{allow: icmpv6}]}  # pings\n"
                try await alice.start()
                try await bob.start()
                let dry = try await Self.edit(
                    alice, "peer", "add", bob.address, "--name", "bob", "--endpoint", "udp://\(there):25632",
                    "--dry-run")
                #expect(dry.succeeded && dry.output.contains("+    name: bob"), "\(dry)")
                #expect(try !Self.text(of: alice).contains("bob"))
                let added = try await Self.edit(
                    alice, "peer", "add", bob.address, "--name", "bob", "--endpoint", "udp://\(there):25632", "--group",
                    "friends")
                #expect(added.succeeded && added.output.contains("peers added: bob"), "\(added)")
                let answered = try await Self.edit(
                    bob, "peer", "add", alice.address, "--endpoint", "udp://\(here):25632")
                #expect(answered.succeeded, "\(answered)")
                try await eventually("bob is reached") { try await alice.reaches(bob.ip6) }
                let allowed = try await Self.edit(alice, "firewall", "allow", "ssh", "--from", "friends", "--json")
                let json = try JSONSerialization.jsonObject(with: Data(allowed.output.utf8)) as? [String: Any]
                #expect(json?["daemon"] as? String == "reloaded", "\(allowed)")
                #expect(json?["done"] as? [String] == ["rule 1: allow ssh from friends"], "\(allowed)")
                let shown = try await alice.command("firewall", "show")
                #expect(shown.output.contains("allow ssh from friends"), "\(shown)")
                #expect(
                    try Self.text(of: alice).contains(
                        "\n# ours\nfirewall: {rules: [{allow: icmpv6}, {allow: ssh, from: friends}]}  # pings\n"))
                let renamed = try await Self.edit(alice, "peer", "rename", "bob", "robert")
                #expect(renamed.succeeded, "\(renamed)")
                #expect(try await alice.command("peers").output.contains("robert"))
                // The link stood all the while.
                let removed = try await Self.edit(alice, "peer", "remove", "robert")
                #expect(
                    removed.status == 2 && removed.errors.contains("robert is still named in groups.friends[0]"),
                    "\(removed)")
                #expect(try await alice.command("status").output.contains("\nunread") == false)
            }
        }

        /// What the daemon alone refuses: a file that the one who edits may read, and the daemon may not any more.
        @Test(.timeLimit(.minutes(1)))
        func whatTheDaemonRefusesIsPutBack() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let rules = alice.directory + "/more.nft"
                try "ip6 dscp ef udp dport 5004 accept\n".write(toFile: rules, atomically: true, encoding: .utf8)
                alice.configuration.more = "firewall: {include: [more.nft]}\n"
                try await alice.start()
                let other = try await bed.box("bob")
                #expect(chmod(rules, 0) == 0)
                let before = (try Self.text(of: alice), try Self.state(of: alice))
                let refused = try await Self.edit(alice, "peer", "add", other.address)
                #expect(refused.status == 2, "\(refused)")
                #expect(
                    refused.errors.contains("the daemon refuses the change, and \(alice.configPath) is as it was"),
                    "\(refused)")
                #expect(refused.errors.contains("more.nft"), "\(refused)")
                #expect(try Self.text(of: alice) == before.0)
                #expect(try Self.state(of: alice) == before.1)
                #expect(try await alice.command("status").output.contains("\nunread") == false)
                let names = try FileManager.default.contentsOfDirectory(atPath: alice.directory)
                #expect(!names.contains { $0.hasSuffix(".old") || $0.hasSuffix(".new") }, "\(names)")
                #expect(chmod(rules, 0o644) == 0)
                let added = try await Self.edit(alice, "peer", "add", other.address)
                #expect(added.succeeded && added.output.contains("peers added"), "\(added)")
            }
        }

        /// Ten at once: each has its turn, and the daemon has them all.
        @Test(.timeLimit(.minutes(2)))
        func editsAtOnceAreAllThere() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await alice.start()
                let binary = try Requirements.binary()
                let started = try (0..<10).map { number in
                    try alice.start(
                        words: [
                            binary, "group", "add", "g\(number)", "fd1\(number)::/16", "--config", alice.configPath,
                        ])
                }
                for one in started {
                    let outcome = await one.finish()
                    #expect(outcome.succeeded, "\(outcome)")
                }
                let shown = try await alice.command("check", alice.configPath)
                for number in 0..<10 { #expect(shown.output.contains("g\(number):"), "\(shown)") }
                #expect(try await alice.command("status").output.contains("\nunread") == false)
            }
        }

        /// Who may read the file and not write it sees the difference, and is told what is missing.
        @Test(.timeLimit(.minutes(1)))
        func whoMayNotWriteIsToldSo() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try alice.writeConfiguration()
                let before = try Self.state(of: alice)
                func asNobody(_ words: String...) async throws -> Outcome {
                    try await alice.run(
                        words: [
                            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", try Requirements.binary(),
                        ]
                            + words + ["--config", alice.configPath])
                }
                let dry = try await asNobody("group", "add", "g", "fd11::/16", "--dry-run")
                #expect(dry.succeeded && dry.output.contains("+groups:"), "\(dry)")
                #expect(dry.errors.contains("the private key was not looked at"), "\(dry)")
                let refused = try await asNobody("group", "add", "g", "fd11::/16")
                #expect(
                    refused.status == 77 && refused.errors.contains("cannot write \(alice.configPath)")
                        && refused.errors.contains("sudo"), "\(refused)")
                #expect(try Self.state(of: alice) == before)
            }
        }

        /// The daemon that answers is another one's.
        @Test(.timeLimit(.minutes(1)))
        func anotherFilesDaemonIsNotAsked() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await alice.start()
                let copy = alice.directory + "/copy.yaml"
                try FileManager.default.copyItem(atPath: alice.configPath, toPath: copy)
                let added = try await alice.run(
                    words: [try Requirements.binary(), "group", "add", "g", "fd11::/16", "--config", copy])
                #expect(
                    added.succeeded && added.output.contains("not reloaded: the daemon that answers runs with"),
                    "\(added)")
            }
        }
    }
}
