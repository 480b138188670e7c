import Foundation
import Testing

extension KernelTests {
    /// `invite` here, `join` there: both ends have each other, once, whatever comes in between.
    @Suite struct Invitations {
        /// Two boxes on a wire that know nothing of each other.
        private static func with(
            _ body: (_ alice: Box, _ bob: Box, _ bed: Testbed) async throws -> Void
        ) async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "10.56.3.1/24", bob, "10.56.3.2/24")
                for box in [alice, bob] {
                    box.configuration.allowed = ["peers"]
                    try await box.start()
                }
                try await eventually("alice knows where she is") {
                    try await alice.command("netcheck", "--json").output.contains("10.56.3.1:25632")
                }
                try await body(alice, bob, bed)
            }
        }

        private static func line(_ box: Box, _ options: String...) async throws -> String {
            let words = ["invite", "--config", box.configPath] + options
            let made = try await box.run(words: [try Requirements.binary()] + words)
            try #require(made.succeeded, "\(made)")
            return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private static func join(_ box: Box, _ line: String, _ options: String...) async throws -> Outcome {
            try await box.run(
                words: [try Requirements.binary(), "join", line, "--config", box.configPath] + options,
                within: .seconds(90))
        }

        private static func joining(_ box: Box, _ line: String, _ options: String...) throws -> RunningCommand {
            try box.start(
                words: [try Requirements.binary(), "join", line, "--config", box.configPath] + options)
        }

        private static func text(_ box: Box) throws -> String {
            try String(contentsOfFile: box.configPath, encoding: .utf8)
        }

        /// How often a box's address stands in another's file.
        private static func mentions(of box: Box, in other: Box) throws -> Int {
            try text(other).components(separatedBy: box.address).count - 1
        }

        @Test(.timeLimit(.minutes(2)))
        func oneLineLinksTwoBoxes() async throws {
            try await Self.with { alice, bob, _ in
                let line = try await Self.line(alice, "--name", "bob", "--groups", "admins", "friends")
                let joined = try await Self.join(bob, line, "--name", "office")
                #expect(joined.succeeded, "\(joined)")
                #expect(joined.output.contains("joined office, where this box is called bob"), "\(joined)")
                #expect(joined.output.contains("link up"), "\(joined)")
                #expect(try await alice.reaches(bob.ip6))
                #expect(try await bob.reaches(alice.ip6))
                let (hers, his) = (try Self.text(alice), try Self.text(bob))
                #expect(hers.contains("name: bob") && hers.contains("admins: [bob]") && hers.contains("friends: [bob]"))
                #expect(his.contains("name: office") && his.contains("udp://10.56.3.1:25632"))
                // The secret is nowhere but in the line.
                let secret = String(line.dropFirst("inet256:".count))
                for text in [hers, his, alice.log, bob.log] { #expect(!text.contains(secret)) }
                let list = try await alice.command("invite", "list")
                #expect(list.output.contains("used") && list.output.contains("1 of 1"), "\(list)")
                // Once more on the same machine: as it was. On another: no.
                #expect(try await Self.join(bob, line).succeeded)
                #expect(try Self.mentions(of: bob, in: alice) == 1 && Self.mentions(of: alice, in: bob) == 1)
            }
        }

        /// Used, revoked, expired, of another box, mistyped: each says so, and leaves both files as they were.
        @Test(.timeLimit(.minutes(3)))
        func everyRefusalHasItsWords() async throws {
            try await Self.with { alice, bob, bed in
                let carol = try await bed.box("carol")
                try await bed.wire(alice, "10.56.4.1/24", carol, "10.56.4.2/24")
                try await carol.start()
                let before = try Self.text(bob)
                let line = try await Self.line(alice, "--name", "carol")
                #expect(try await Self.join(carol, line).succeeded)
                func refused(_ line: String, _ words: String, by box: Box? = nil) async throws {
                    let outcome = try await Self.join(box ?? bob, line)
                    #expect(!outcome.succeeded && outcome.said.contains(words), "\(outcome)")
                }
                try await refused(line, "has been used by somebody else")
                let short = try await Self.line(alice, "--expires", "1s")
                try await eventually("its time is over") {
                    try await alice.command("invite", "list").output.contains("expired")
                }
                try await refused(short, "has expired")
                let revoked = try await Self.line(alice)
                let list = try await alice.command("invite", "list", "--json").output
                let decoded = try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any]
                let entries = decoded?["invitations"] as? [[String: Any]] ?? []
                let id = try #require(entries.first { $0["state"] as? String == "open" }?["id"] as? String)
                #expect(try await alice.command("invite", "revoke", id).succeeded)
                let twice = try await alice.command("invite", "revoke", id)
                #expect(!twice.succeeded && twice.said.contains("no open invitation"), "\(twice)")
                try await refused(revoked, "taken back")
                try await refused(String(line.dropLast(3)), "missing or was mistyped")
                try await refused(line, "this box made that invitation", by: alice)
                #expect(try Self.text(bob) == before)
                #expect(try Self.mentions(of: bob, in: alice) == 0)
                // Who was taken out again stays out.
                #expect(
                    try await alice.run(words: [
                        try Requirements.binary(), "peer", "remove", "carol", "--config", alice.configPath,
                    ]).succeeded)
                try await refused(line, "taken back", by: carol)
                #expect(try Self.mentions(of: carol, in: alice) == 0)
            }
        }

        /// One use, two boxes at the same moment: one of them is in, and the other is nowhere.
        @Test(.timeLimit(.minutes(2)))
        func twoAtOnceAreOne() async throws {
            try await Self.with { alice, bob, bed in
                let carol = try await bed.box("carol")
                try await bed.wire(alice, "10.56.4.1/24", carol, "10.56.4.2/24")
                try await carol.start()
                let line = try await Self.line(alice)
                let (first, second) = (try Self.joining(bob, line), try Self.joining(carol, line))
                let outcomes = [
                    await first.finish(within: .seconds(60)), await second.finish(within: .seconds(60)),
                ]
                #expect(outcomes.count { $0.succeeded } == 1, "\(outcomes)")
                let counts = [try Self.mentions(of: bob, in: alice), try Self.mentions(of: carol, in: alice)]
                #expect(counts.sorted() == [0, 1])
                #expect(try Self.mentions(of: alice, in: bob) == counts[0])
                #expect(try Self.mentions(of: alice, in: carol) == counts[1])
            }
        }

        /// The inviter starts again in between, cannot write, or its answer is lost: the same line ends what was begun.
        @Test(.timeLimit(.minutes(3)))
        func whatIsInterruptedIsEndedByTheSameLine() async throws {
            try await Self.with { alice, bob, bed in
                let line = try await Self.line(alice, "--name", "bob", "--expires", "10m")
                let untouched = try Self.text(bob)
                let hers = try Self.text(alice)
                // The inviter's file does not take it: nothing is half done.
                try "\(hers)firewall: [\n".write(toFile: alice.configPath, atomically: true, encoding: .utf8)
                let failed = try await Self.join(bob, line)
                #expect(!failed.succeeded && failed.said.contains("could not write it"), "\(failed)")
                #expect(try Self.text(bob) == untouched)
                try hers.write(toFile: alice.configPath, atomically: true, encoding: .utf8)
                // It dies and comes back.
                await alice.kill()
                let waiting = try Self.joining(bob, line, "--name", "office")
                try await eventually("it calls") { waiting.said.contains("calling office") }
                try await alice.start(withItsFile: true)
                let late = await waiting.finish(within: .seconds(60))
                #expect(late.succeeded, "\(late)")
                // The invited has lost what it wrote: as if it had died before.
                try untouched.write(toFile: bob.configPath, atomically: true, encoding: .utf8)
                bob.daemon?.signal(SIGHUP)
                let again = try await Self.join(bob, line, "--name", "office")
                #expect(again.succeeded && again.output.contains("link up"), "\(again)")
                #expect(try Self.mentions(of: bob, in: alice) == 1 && Self.mentions(of: alice, in: bob) == 1)
            }
        }

        /// Those whom the inviter introduces are added when that is wanted, and never by themselves.
        @Test(.timeLimit(.minutes(2)))
        func introductionsAreAskedFor() async throws {
            try await Self.with { alice, bob, bed in
                let carol = try await bed.box("carol")
                let dave = try await bed.box("dave")
                try await bed.wire(alice, "10.56.5.1/24", dave, "10.56.5.2/24")
                try await dave.start()
                let added = try await alice.run(words: [
                    try Requirements.binary(), "peer", "add", carol.address, "--name", "carol", "--endpoint",
                    "udp://192.0.2.7:25632", "--config", alice.configPath,
                ])
                #expect(added.succeeded, "\(added)")
                let line = try await Self.line(alice, "--introduce", "--uses", "2")
                let plain = try await Self.join(bob, line)
                #expect(plain.succeeded && plain.said.contains("not added"), "\(plain)")
                #expect(try Self.mentions(of: carol, in: bob) == 0)
                let wanted = try await Self.join(dave, line, "--introduce")
                #expect(wanted.succeeded && wanted.output.contains("also peers now: carol"), "\(wanted)")
                let his = try Self.text(dave)
                #expect(his.contains(carol.address) && his.contains("udp://192.0.2.7:25632"), "\(his)")
            }
        }

        /// What the daemon leaves to be written down by root is written down once; what is bent is said and goes, and keeps nothing from the
        /// rest. A link leads nowhere.
        @Test(.timeLimit(.minutes(2)))
        func whatIsLeftIsWrittenDownOnce() async throws {
            try await Self.with { alice, bob, bed in
                let folder = alice.directory + "/joined"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                func leave(_ name: String, _ text: String) throws {
                    try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
                }
                func apply() async throws -> Outcome {
                    try await alice.run(words: [
                        try Requirements.binary(), "invite", "apply", "--from", folder, "--config", alice.configPath,
                    ])
                }
                try leave("a.json", "nonsense")
                try FileManager.default.createSymbolicLink(
                    atPath: folder + "/b.json", withDestinationPath: alice.directory + "/private_key.inet256")
                try leave("c.json", #"{"address": "\#(bob.address)", "name": "bob", "groups": ["admins"]}"#)
                try leave("d.json", "{}")
                try leave("e.txt", "is not ours")
                let first = try await apply()
                #expect(!first.succeeded && first.output.contains("bob is a peer now"), "\(first)")
                for name in ["a.json", "b.json", "d.json"] { #expect(first.said.contains(name), "\(first)") }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["e.txt"])
                #expect(try Self.mentions(of: bob, in: alice) == 1)
                #expect(try Self.text(alice).contains("admins: [bob]"))
                let key = try FileManager.default.attributesOfItem(atPath: alice.directory + "/private_key.inet256")
                #expect(key[.size] as? Int == 81)
                // Once more, and then with another key.
                try leave("c.json", #"{"address": "\#(bob.address)", "name": "bob", "groups": ["admins"]}"#)
                #expect(try await apply().succeeded)
                #expect(try Self.mentions(of: bob, in: alice) == 1)
                let other = try await Box("other", namespace: "none", in: bed).address
                try leave("f.json", #"{"address": "\#(other)", "groups": [], "former": "\#(bob.address)"}"#)
                let renewed = try await apply()
                #expect(renewed.succeeded, "\(renewed)")
                let text = try Self.text(alice)
                #expect(text.contains(other) && !text.contains(bob.address) && text.contains("admins: [bob]"))
            }
        }
    }
}
