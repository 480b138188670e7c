import Foundation
import Testing

extension KernelTests {
    /// Where peers are said to be: names, good and bad ones, and addresses that cannot be a peer's.
    @Suite struct PeerNames {
        /// Lays files over those of /etc in a box's namespace (ip-netns(8)) as long as the body runs.
        private func with(
            _ box: Box, files: [String: String], _ body: (_ folder: String) async throws -> Void
        ) async throws {
            let folder = "/etc/netns/\(box.namespace)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            for (name, text) in files {
                try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
            }
            try await body(folder)
        }

        private func peers(of box: Box) async throws -> [[String: Any]] {
            let json = try await box.command("peers", "--json")
            return try #require(
                JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]], "\(json)")
        }

        private func peer(_ name: String, of box: Box) async throws -> [String: Any] {
            try #require(try await peers(of: box).first { $0["name"] as? String == name })
        }

        /// Alice and bob on a wire, and a nameserver that is there and never answers.
        private func place(_ bed: Testbed) async throws -> (alice: Box, bob: Box) {
            let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
            try await bed.wire(alice, "10.58.1.1/24", bob, "10.58.1.2/24")
            bob.configuration.peers = [.init(name: "alice", id: alice.address)]
            // What bob's kernel gets for port 53 it drops: no refusal comes back.
            let made = try await bob.run(
                "nft",
                "add table inet mute; add chain inet mute in { type filter hook input priority 0; }; "
                    + "add rule inet mute in udp dport 53 drop; add rule inet mute in tcp dport 53 drop")
            try #require(made.succeeded, "\(made)")
            return (alice, bob)
        }

        private func stranger(_ bed: Testbed, _ name: String) async throws -> String {
            try await Box(name, namespace: "none", in: bed).address
        }

        /// Three names that nobody answers about keep nobody waiting: not a literal of another peer, nor one of the same.
        @Test(.timeLimit(.minutes(2)))
        func deadNamesKeepNobodyWaiting() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = try await place(bed)
                let files = [
                    "resolv.conf": "nameserver 10.58.1.2\noptions timeout:30\n", "hosts": "127.0.0.1 localhost\n",
                ]
                try await with(alice, files: files) { _ in
                    for number in 1...3 {
                        alice.configuration.peers.append(
                            .init(
                                name: "dead\(number)", id: try await stranger(bed, "dead\(number)"),
                                endpoints: ["dead\(number).mesh.test:25632"]))
                    }
                    alice.configuration.peers.append(
                        .init(
                            name: "bob", id: bob.address,
                            endpoints: ["dead4.mesh.test:25632", "10.58.1.2:25632"]))
                    try await bob.start()
                    try await alice.start()
                    let began = ContinuousClock.now
                    try await eventually("bob is up") { try await peer("bob", of: alice)["state"] as? String == "up" }
                    // Measured: under a second. With the names before it: half a minute for each.
                    #expect(ContinuousClock.now - began < .seconds(4))
                    try await eventually("the names are waited for") {
                        let words = try await peers(of: alice).compactMap { $0["reason"] as? String }
                        return words.count { $0 == "name-pending" } == 3
                    }
                    let shown = try await alice.command("peers")
                    #expect(shown.output.contains("no answer about this name for"), "\(shown)")
                }
            }
        }

        /// A name that is known later is found by the next look, and at once when the network changes.
        @Test(.timeLimit(.minutes(2)))
        func aNameThatComesLater() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = try await place(bed)
                // Nobody at all is asked: each look fails at once.
                let files = ["resolv.conf": "nameserver 127.0.0.1\n", "hosts": "127.0.0.1 localhost\n"]
                try await with(alice, files: files) { folder in
                    alice.configuration.peers = [
                        .init(name: "bob", id: bob.address, endpoints: ["bob.mesh.test:25632"])
                    ]
                    try await bob.start()
                    try await alice.start()
                    try await eventually("the failure is said") {
                        try await peer("bob", of: alice)["reason"] as? String == "name-unresolved"
                    }
                    // By now it waits for 16 s and more between two looks.
                    try await Task.sleep(for: .seconds(16))
                    let known = "127.0.0.1 localhost\n10.58.1.2 bob.mesh.test\n"
                    try known.write(toFile: folder + "/hosts", atomically: false, encoding: .utf8)
                    try await bed.ip("-n", alice.namespace, "address", "add", "10.59.0.1/32", "dev", "lo")
                    let changed = ContinuousClock.now
                    try await eventually("bob is up") { try await peer("bob", of: alice)["state"] as? String == "up" }
                    #expect(ContinuousClock.now - changed < .seconds(4))
                    #expect(try await peer("bob", of: alice)["reason"] == nil)
                }
            }
        }

        /// A nameserver that is reached through the portal alone is named, with what to do.
        @Test(.timeLimit(.minutes(1)))
        func aNameserverInThePortal() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = try await place(bed)
                let files = ["resolv.conf": "nameserver fd77::53\noptions timeout:1 attempts:1\n"]
                try await with(alice, files: files) { _ in
                    alice.configuration.peers = [
                        .init(name: "bob", id: bob.address, endpoints: ["bob.mesh.test:25632"])
                    ]
                    try await alice.start()
                    try await eventually("the nameserver is named") {
                        let detail = try await peer("bob", of: alice)["detail"] as? String ?? ""
                        return detail.contains("nameserver fd77::53") && detail.contains("routed into the portal")
                    }
                }
            }
        }

        /// What cannot be a peer's address has a word of its own, and `check` knows it before.
        @Test(.timeLimit(.minutes(1)))
        func addressesThatCannotBe() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await bed.ip("-n", alice.namespace, "address", "add", "10.58.9.1/32", "dev", "lo")
                let cases = [
                    ("zero", "0.0.0.0:25632", "unspecified-address", true),
                    ("many", "224.0.0.1:25632", "multicast", true),
                    ("many6", "[ff02::1]:25632", "multicast", true),
                    ("all", "255.255.255.255:25632", "broadcast", true),
                    ("self", "127.0.0.1:25632", "own-endpoint", true),
                    ("own", "10.58.9.1:25632", "own-endpoint", false),
                    ("six", "[2001:db8::9]:25632", "no-transport", true),
                    ("nowhere", "198.51.100.9:25632", "no-route", false),
                ]
                for (name, endpoint, _, _) in cases {
                    alice.configuration.peers.append(
                        .init(name: name, id: try await stranger(bed, name), endpoints: [endpoint]))
                }
                alice.configuration.transport = "0.0.0.0"
                try alice.writeConfiguration()
                let checked = try await alice.command("check", alice.configPath)
                #expect(checked.succeeded, "\(checked)")
                for (name, _, _, isSeen) in cases {
                    #expect(checked.errors.contains("(\(name))") == isSeen, "\(name): \(checked)")
                }
                try await alice.start()
                for (name, endpoint, word, _) in cases {
                    try await eventually("\(name) is \(word)") {
                        try await peer(name, of: alice)["reason"] as? String == word
                    }
                    let host = endpoint.dropLast(6)
                    #expect((try await peer(name, of: alice)["detail"] as? String ?? "").contains(host), "\(name)")
                    #expect(alice.log.contains(word), "\(name) is not in the log")
                }
            }
        }

        /// A rule of this machine that drops what goes out, and a route that is mended.
        @Test(.timeLimit(.minutes(2)))
        func whatTheKernelSays() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = try await place(bed)
                alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["10.58.1.2:25632"])]
                try await bob.start()
                try await alice.start()
                func state() async throws -> String? { try await peer("bob", of: alice)["state"] as? String }
                func word() async throws -> String? { try await peer("bob", of: alice)["reason"] as? String }
                try await eventually("the link is up") { try await state() == "up" }
                let rule =
                    "table inet shut { chain out { type filter hook output priority 0; udp dport 25632 drop; }; };"
                let dropped = try await alice.run("nft", rule)
                try #require(dropped.succeeded, "\(dropped)")
                try await eventually("the rule is blamed") { try await word() == "denied" }
                _ = try await alice.run("nft", "delete table inet shut")
                try await eventually("the link is up again") { try await state() == "up" }

                try await bed.ip("-n", alice.namespace, "route", "add", "unreachable", "10.58.1.2/32")
                try await eventually("the route is blamed") { try await word() == "no-route" }
                try await Task.sleep(for: .seconds(8))
                try await bed.ip("-n", alice.namespace, "route", "del", "unreachable", "10.58.1.2/32")
                let mended = ContinuousClock.now
                try await eventually("the link is back") { try await state() == "up" }
                #expect(ContinuousClock.now - mended < .seconds(3))
                let lines = alice.log.split(separator: "\n").filter { $0.contains("no-route") }
                #expect(lines.count == 1, "\(lines)")
            }
        }
    }
}
