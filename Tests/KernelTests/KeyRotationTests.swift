import Foundation
import Testing

extension KernelTests {
    /// A box moves to a new key: it is there under both addresses, its peers follow, and what was open goes on.
    @Suite struct KeyRotation {
        private struct Rotated: Decodable {
            let address: String
            let ip6: String
            let former: String
            let daemon: String

            enum CodingKeys: String, CodingKey {
                case address, daemon
                case ip6 = "ip6_addr"
                case former = "former_address"
            }
        }

        /// Alice, who will have another key, and bob, whose rules know her by her name.
        private static func with(
            bob more: String = "", threads: Int = 1, allowed: String = "peers",
            _ body: (_ alice: Box, _ bob: Box, _ bed: Testbed) async throws -> Void
        ) async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "10.57.1.1/24", bob, "10.57.1.2/24")
                alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["10.57.1.2:25632"])]
                bob.configuration.peers = [.init(name: "alice", id: alice.address, endpoints: ["10.57.1.1:25632"])]
                alice.configuration.allowed = ["any"]
                bob.configuration.allowed = [allowed]
                bob.configuration.more =
                    """
                    groups: {admins: ["\(alice.address)"]}
                    firewall:
                      rules:
                        - allow: tcp/7001  # hers alone
                          from: alice
                        - allow: icmpv6
                          from: any
                    \(more)

                    """
                for box in [alice, bob] { box.configuration.more += "threads: \(threads)\n" }
                try await alice.start()
                try await bob.start()
                try await eventually("alice reaches bob") { try await alice.reaches(bob.ip6) }
                try await body(alice, bob, bed)
            }
        }

        private static func key(_ box: Box, _ words: String...) async throws -> Outcome {
            try await box.run(words: [try Requirements.binary(), "key"] + words + ["--config", box.configPath])
        }

        private static func rotate(_ alice: Box, _ words: String...) async throws -> Rotated {
            let outcome = try await alice.run(
                words: [try Requirements.binary(), "key", "rotate", "--json"] + words + ["--config", alice.configPath])
            try #require(outcome.succeeded, "\(outcome)")
            return try JSONDecoder().decode(Rotated.self, from: Data(outcome.output.utf8))
        }

        private static func text(_ box: Box) throws -> String {
            try String(contentsOfFile: box.configPath, encoding: .utf8)
        }

        private static func shown(_ box: Box) async throws -> String {
            try await box.run("ip", "-6", "-o", "address", "show", "dev", Box.interface).output
        }

        /// Waits until bob's file has the new address.
        private static func followed(_ bob: Box, _ rotated: Rotated) async throws {
            try await eventually(within: .seconds(30), "bob has the new address") {
                try text(bob).contains(rotated.address)
            }
        }

        @Test(.timeLimit(.minutes(3)), arguments: [1, 2])
        func peersFollowAndWhatIsOpenGoesOn(threads: Int) async throws {
            try await Self.with(threads: threads) { alice, bob, bed in
                _ = try await alice.listen(["tcp/7002"])
                _ = try await bob.listen(["tcp/7001"])
                let stream = try await alice.stream(to: bob, port: 7001)
                let pings = try Pings(in: bed, from: bob.namespace, to: alice.ip6)
                _ = try await pings.firstAnswer(after: 0)
                let before = try Self.text(bob)
                let dry = try await Self.key(alice, "rotate", "--dry-run")
                #expect(dry.succeeded && dry.output.contains("+former_key:"), "\(dry)")
                #expect(try !Self.text(alice).contains("former_key"))
                let rotated = try await Self.rotate(alice)
                #expect(rotated.daemon == "restarted" && rotated.former == alice.address)
                try await Self.followed(bob, rotated)
                // Nothing but the address is another: name, comments, rules and groups are as they were.
                #expect(try Self.text(bob) == before.replacing(alice.address, with: rotated.address))
                try await eventually("alice knows that bob has it") {
                    try await Self.key(alice, "show").output.contains("bob: has the new address")
                }
                // The interface has both, and begins from the new one.
                let shown = try await Self.shown(alice)
                #expect(shown.contains(rotated.ip6) && shown.contains(alice.ip6), "\(shown)")
                let route = try await alice.run("ip", "-6", "route", "get", bob.ip6).output
                #expect(route.contains("src \(rotated.ip6)"), "\(route)")
                for ip6 in [rotated.ip6, alice.ip6] {
                    try await eventually("bob reaches \(ip6)") { try await bob.reaches(ip6) }
                }
                try await eventually("alice reaches bob") { try await alice.reaches(bob.ip6) }
                // What was open to the old address goes on, and bob's rule about alice holds for the new one.
                let sent = stream.sent
                try await eventually(within: .seconds(30), "the stream goes on") { stream.sent > sent + 500_000 }
                _ = try await pings.firstAnswer(after: Pings.now)
                await pings.stop()
                let second = try await alice.stream(to: bob, port: 7001)
                try await eventually(within: .seconds(30), "another begins") { second.sent > 100_000 }
                // One link, of the new address.
                let peers = try await bob.command("peers").output
                #expect(peers.contains("alice") && peers.contains(rotated.address), "\(peers)")
                #expect(!peers.contains("refused"), "\(peers)")
                #expect(try await alice.command("status").output.contains("former     \(alice.address)"))
                // A second change at once is refused, and says what to do.
                let again = try await Self.key(alice, "rotate")
                #expect(!again.succeeded && again.said.contains("key forget"), "\(again)")
                let check = try await alice.run(words: [try Requirements.binary(), "check", alice.configPath])
                #expect(check.succeeded, "\(check)")
            }
        }

        /// A daemon that dies and comes back is still both; when the time of the former key is over, or ended, it is one.
        @Test(.timeLimit(.minutes(3)))
        func theFormerOneEnds() async throws {
            try await Self.with { alice, bob, _ in
                let rotated = try await Self.rotate(alice)
                try await Self.followed(bob, rotated)
                await alice.kill()
                try await alice.start(withItsFile: true)
                try await eventually(within: .seconds(30), "both answer") {
                    guard try await bob.reaches(alice.ip6) else { return false }
                    return try await bob.reaches(rotated.ip6)
                }
                let told = try await Self.key(alice, "show").output
                #expect(told.contains("bob: has the new address"), "it is kept: \(told)")
                let ended = try await Self.key(alice, "forget")
                #expect(ended.succeeded && ended.said.contains("is kept in"), "\(ended)")
                try await eventually("the address is gone") { try await !Self.shown(alice).contains(alice.ip6) }
                #expect(try await !bob.reaches(alice.ip6))
                try await eventually("the new one answers") { try await bob.reaches(rotated.ip6) }
                #expect(try !Self.text(alice).contains("former_key"))
                #expect(try await Self.key(alice, "show").output.contains("former") == false)
                let files = try FileManager.default.contentsOfDirectory(atPath: alice.directory)
                #expect(files.contains { $0.hasPrefix("private_key.inet256.former.") }, "\(files)")
                // By time alone.
                let second = try await Self.rotate(alice, "--keep", "8s")
                try await eventually("both are there") { try await Self.shown(alice).contains(second.ip6) }
                try await eventually(within: .seconds(40), "the former one has ended by itself") {
                    try await !Self.shown(alice).contains(rotated.ip6)
                }
                try await Self.followed(bob, second)
                try await eventually("bob reaches the last one") { try await bob.reaches(second.ip6) }
            }
        }

        /// Whoever wants to be asked is, and sees no difference until it says yes; whoever refuses goes on with the old address.
        @Test(.timeLimit(.minutes(3)), arguments: ["ask", "refuse"])
        func nobodyIsChangedAgainstItsWill(policy: String) async throws {
            try await Self.with(bob: "key_changes: \(policy)", allowed: "any") { alice, bob, _ in
                let before = try Self.text(bob)
                let rotated = try await Self.rotate(alice)
                let word = policy == "ask" ? "somebody there has to accept it" : "does not want new keys"
                try await eventually(within: .seconds(30), "alice knows") {
                    try await Self.key(alice, "show").output.contains(word)
                }
                // The link stands by the old address, and both are reached.
                try await eventually(within: .seconds(30), "both answer") {
                    guard try await bob.reaches(alice.ip6) else { return false }
                    return try await bob.reaches(rotated.ip6)
                }
                let peers = try await bob.command("peers").output
                #expect(peers.contains(alice.address) && !peers.contains("refused"), "\(peers)")
                #expect(try Self.text(bob) == before)
                let accepted = try await bob.run(words: [
                    try Requirements.binary(), "peer", "accept", "alice", "--config", bob.configPath,
                ])
                guard policy == "ask" else {
                    #expect(!accepted.succeeded && accepted.said.contains("no peer alice"), "\(accepted)")
                    return
                }
                let status = try await bob.command("status").output
                #expect(accepted.succeeded, "\(accepted) \(status)")
                #expect(try Self.text(bob) == before.replacing(alice.address, with: rotated.address))
                try await eventually(within: .seconds(30), "the link is of the new one") {
                    try await bob.command("peers").output.contains(rotated.address)
                }
                try await eventually(within: .seconds(30), "and works") { try await bob.reaches(rotated.ip6) }
            }
        }

        /// What is behind a peer stays behind it, both ways, though the peer is another one by its key.
        @Test(.timeLimit(.minutes(2)))
        func networksBehindAPeerGoWithIt() async throws {
            try await Self.with(bob: "networks: {lan: {via: alice, prefixes: [\"fdaa:1::/64\"]}}") { alice, bob, _ in
                #expect(try await alice.run("ip", "address", "add", "fdaa:1::1/64", "dev", "lo").succeeded)
                await alice.stop()
                alice.configuration.more += "networks: {lan: {prefixes: [\"fdaa:1::/64\"]}}\n"
                try await alice.start()
                func fromTheNetwork() async throws -> Bool {
                    try await alice.run("ping", "-6", "-n", "-c", "1", "-W", "1", "-I", "fdaa:1::1", bob.ip6).succeeded
                }
                try await eventually("bob reaches it") { try await bob.reaches("fdaa:1::1") }
                try await eventually("it reaches bob") { try await fromTheNetwork() }
                let rotated = try await Self.rotate(alice)
                try await Self.followed(bob, rotated)
                try await eventually(within: .seconds(30), "bob reaches it again") {
                    try await bob.reaches("fdaa:1::1")
                }
                try await eventually("it reaches bob again") { try await fromTheNetwork() }
                #expect(try await !bob.command("status").output.contains("waiting"))
            }
        }

        /// It stops in between, wherever that is: the key that is there is one of the two, and running it again ends it.
        @Test(.timeLimit(.minutes(2)))
        func whatIsInterruptedGoesOn() async throws {
            try await Self.with { alice, bob, _ in
                let key = alice.directory + "/private_key.inet256"
                // As if it had died after the copy: the same key twice.
                try FileManager.default.copyItem(atPath: key, toPath: key + ".former")
                // And after the configuration was written.
                let text = try Self.text(alice)
                try (text + "former_key: {path: ./private_key.inet256.former, until: 2099-01-01T00:00:00Z}\n")
                    .write(toFile: alice.configPath, atomically: true, encoding: .utf8)
                await alice.kill()
                try await alice.start(withItsFile: true)
                try await eventually("the same key twice is one key") { try await alice.reaches(bob.ip6) }
                let rotated = try await Self.rotate(alice)
                #expect(rotated.former == alice.address)
                try await Self.followed(bob, rotated)
                try await eventually("both answer") {
                    guard try await bob.reaches(alice.ip6) else { return false }
                    return try await bob.reaches(rotated.ip6)
                }
                // A former key that is lost costs the former address alone.
                await alice.kill()
                try FileManager.default.removeItem(atPath: key + ".former")
                try alice.launch(withItsFile: true)
                try await eventually(within: .seconds(30), "it is up") { try await bob.reaches(rotated.ip6) }
                let status = try await alice.command("status").output
                #expect(status.contains("former_key.path"), "\(status)")
                try await eventually("it has one address") { try await !Self.shown(alice).contains(alice.ip6) }
            }
        }
    }
}
