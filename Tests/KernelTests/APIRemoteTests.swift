import Foundation
import INET256
import INET256Client
import Testing

extension KernelTests {
    /// What a daemon shows to other machines, and what it tells of its wires and applications.
    @Suite struct APIRemote {
        /// TCP beyond loopback needs a permission of its own; with it applications elsewhere are served, and everybody is
        /// warned.
        @Test(.timeLimit(.minutes(2)))
        func otherMachinesAreServedWherePermitted() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "10.56.5.1/24", bob, "10.56.5.2/24")
                let api = "tcp://10.56.5.1:2560"
                alice.configuration = Configuration(api: api, interface: Box.interface)
                alice.configuration.portal = false
                alice.configuration.more = ""
                let refused = try await alice.startInVain()
                #expect(refused.status == 2, "\(refused)")
                #expect("\(refused)".contains("allow_remote: true"), "\(refused)")

                alice.configuration.more = "api: {allow_remote: true, listen: \"tcp://10.56.5.1:2561\"}\n"
                try await alice.start()
                let binary = try Requirements.binary()
                let status = try await bob.run(words: ["env", "INET256_API=\(api)", binary, "status"])
                let check = try await alice.command("check", alice.configPath)
                for text in [alice.log, "\(status)", "\(check)"] {
                    #expect(text.contains("api_endpoint \(api) is open to other machines"), "\(text)")
                    #expect(text.contains("api.listen tcp://10.56.5.1:2561 is open to other machines"), "\(text)")
                }
                let script = Requirements.root + "/Tests/KernelTests/api_conformance.py"
                let nodes = try await bob.run(words: ["python3", script, api, api])
                #expect(nodes.succeeded && nodes.output.contains("all passed"), "\(nodes)")
                // The further listener answers questions, and opens no nodes.
                let metrics = try await bob.metrics(at: "10.56.5.1:2561")
                #expect(metrics.contains("inet256_application_messages_total{direction=\"in\"}"), "\(metrics)")
                let other = try await bob.run(words: [
                    "python3", script, "tcp://10.56.5.1:2561", "tcp://10.56.5.1:2561",
                ])
                #expect(!other.succeeded, "\(other)")
            }
        }

        /// A wire that drops: the side that misses datagrams says how many, the other does not.
        @Test(.timeLimit(.minutes(2)))
        func lossOfAPeerIsCountedWhereItIsMissed() async throws {
            try await APIConformance.with(2) { daemons in
                let (alice, bob) = (daemons.boxes[0], daemons.boxes[1])
                let nodes = try await daemons.nodes(2)
                try await nodes[0].send([0], to: nodes[1].localAddress)
                _ = try await nodes[1].receive()
                let before = try await bob.lost("alice")
                for rule in [
                    "add table ip wire", "add chain ip wire in { type filter hook input priority 0; }",
                    "add rule ip wire in udp dport 25632 numgen random mod 4 0 drop",
                ] {
                    let outcome = try await bob.run(words: ["nft", rule])
                    try #require(outcome.succeeded, "\(outcome)")
                }
                for _ in 0..<300 {
                    for number: UInt8 in 0..<5 { try await nodes[0].send([number], to: nodes[1].localAddress) }
                    try await Task.sleep(for: .milliseconds(2))
                }
                let healed = try await bob.run("nft", "delete", "table", "ip", "wire")
                #expect(healed.succeeded, "\(healed)")
                try await nodes[0].send([1], to: nodes[1].localAddress)
                try await eventually(within: .seconds(30), "the loss is counted") {
                    try await bob.lost("alice") > before + 20
                }
                // Probes of the path's size that did not fit.
                #expect(try await alice.lost("bob") < 20)
            }
        }
    }
}

extension Box {
    /// `GET /metrics` of a TCP listener, asked from within this box.
    fileprivate func metrics(at host: String) async throws -> String {
        let program =
            "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=5).read().decode())"
        let outcome = try await run(words: ["python3", "-c", program, "http://\(host)/metrics"])
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output
    }

    /// Datagrams of a peer that this box misses.
    fileprivate func lost(_ peer: String) async throws -> Int {
        struct Peer: Decodable {
            let name: String?
            let lostPackets: Int?

            enum CodingKeys: String, CodingKey {
                case name
                case lostPackets = "lost_packets"
            }
        }
        let outcome = try await command("peers", "--json")
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        let peers = try JSONDecoder().decode([Peer].self, from: Data(outcome.output.utf8))
        return try #require(peers.first { $0.name == peer }?.lostPackets, "\(outcome)")
    }
}
