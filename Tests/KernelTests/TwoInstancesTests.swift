import Foundation
import Testing

extension KernelTests {
    /// Two daemons on one machine, each with an interface, a prefix, a port, a socket and a table of its own.
    @Suite struct TwoInstances {
        /// The second daemon of a box.
        private struct Second {
            let config: String
            let address: String
            let ip6: String

            init(on box: Box, _ bed: Testbed) async throws {
                let directory = box.directory + "/second"
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                let binary = try Requirements.binary()
                let made = try await bed.run([
                    "sh", "-c", "umask 077; exec \"$0\" keygen > \"$1\"/key", binary, directory,
                ])
                try #require(made.succeeded, "\(made)")
                func told(_ words: String...) async throws -> String {
                    let outcome = try await bed.run([binary] + words + ["--private-key", directory + "/key"])
                    try #require(outcome.succeeded, "\(outcome)")
                    return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
                }
                address = try await told("addr")
                ip6 = try await told("ip6-addr", "--prefix", "fc00::/8")
                config = directory + "/config.yaml"
            }

            func write(peer: Second, at host: String, table: String = "inet256second") throws {
                let directory = (config as NSString).deletingLastPathComponent
                try """
                private_key_path: ./key
                api_endpoint: "unix://\(directory)/api.sock"
                transports: [{udp: "0.0.0.0:25633"}]
                portal: {interface: inet256b, prefix: "fc00::/8"}
                firewall: {table: \(table)}
                peers: [{id: "\(peer.address)", name: other, addrs: ["udp://\(host):25633"]}]

                """.write(toFile: config, atomically: true, encoding: .utf8)
            }

            func start(on box: Box) throws -> RunningCommand {
                try box.start(Requirements.binary(), "up", "--config", config)
            }

            func status(on box: Box) async throws -> String {
                try await box.run(Requirements.binary(), "status", "--config", config).output
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func liveBesideEachOther() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                let (here, there) = (try await Second(on: alice, bed), try await Second(on: bob, bed))
                try await boxes.start()

                // With the first one's table it is refused, in words, and the first one goes on.
                try here.write(peer: there, at: "10.56.3.2", table: "inet256vpn")
                let refused = await (try here.start(on: alice)).finish(within: .seconds(15))
                #expect(!refused.succeeded && "\(refused)".contains("table"), "\(refused)")

                try here.write(peer: there, at: "10.56.3.2")
                try there.write(peer: here, at: "10.56.3.1")
                let second = try here.start(on: alice)
                _ = try there.start(on: bob)
                try await eventually(within: .seconds(30), "the second ones reach each other") {
                    try await alice.reaches(there.ip6)
                }
                #expect(try await alice.reaches(bob.ip6))
                let status = try await here.status(on: alice)
                #expect(status.contains("(table inet inet256second"), "\(status)")
                #expect(try await alice.command("status").output.contains("(table inet inet256vpn"))
                let tables = try await alice.run("nft", "list", "tables").output
                #expect(tables.contains("inet inet256vpn") && tables.contains("inet inet256second"), "\(tables)")

                // The end of one is none of the other's.
                second.signal(SIGTERM)
                let ended = await second.finish(within: .seconds(10))
                #expect(ended.succeeded, "\(ended)")
                #expect(try await alice.reaches(bob.ip6))
                #expect(try await !alice.run("nft", "list", "tables").output.contains("inet256second"))
                let again = try here.start(on: alice)
                try await eventually(within: .seconds(30), "the second one is back") {
                    try await alice.reaches(there.ip6)
                }
                // And the other way about: the first one starts again beside a living second one.
                await alice.stop()
                #expect(try await alice.reaches(there.ip6))
                try await alice.start()
                try await eventually(within: .seconds(30), "the first one is back") { try await alice.reaches(bob.ip6) }
                #expect(try await alice.reaches(there.ip6) && again.isRunning, "\(again.said)")
            }
        }
    }
}
