import Foundation
import Testing

extension KernelTests {
    /// What a reload refuses, and what it leaves to a restart.
    @Suite struct Reloads {
        private static func report(_ box: Box) async throws -> [String: Any] {
            let shown = try await box.command("status", "--json")
            let object = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
            return try #require(object as? [String: Any], "\(shown)")
        }

        @Test(.timeLimit(.minutes(1)))
        func statusSaysWhatWaitsForARestart() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start()
                #expect(try await Self.report(box)["needs_restart"] as? [String] == [])
                box.configuration.portalSettings = ["mtu: 1400"]
                box.configuration.more = "threads: 2\n"
                try box.writeConfiguration()
                // Written and not read yet.
                let unread = try await box.command("status")
                #expect(unread.output.contains("\nunread     the configuration's file has changed"), "\(unread)")
                #expect(try await Self.report(box)["configuration_unread"] as? Bool == true)
                let reloaded = try await box.command("reload")
                #expect(
                    reloaded.succeeded && reloaded.output.contains("NEEDS A RESTART: threads, portal.mtu"),
                    "\(reloaded)")
                let shown = try await box.command("status")
                #expect(shown.output.contains("waiting    threads, portal.mtu: "), "\(shown)")
                #expect(try await Self.report(box)["needs_restart"] as? [String] == ["threads", "portal.mtu"])
                #expect(try await Self.report(box)["configuration_unread"] as? Bool == false)
                // A change that was taken back waits no longer.
                box.configuration.portalSettings = []
                try box.writeConfiguration()
                #expect(try await box.command("reload").output.contains("NEEDS A RESTART: threads\n"))
                #expect(try await Self.report(box)["needs_restart"] as? [String] == ["threads"])
                await box.stop()
                try await box.start()
                #expect(try await Self.report(box)["needs_restart"] as? [String] == [])
            }
        }

        /// An interface that somebody else has is refused before the restart that would end without a portal.
        @Test(.timeLimit(.minutes(1)))
        func anInterfaceOfSomebodyElseIsRefused() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await bed.wire(in: box, "lan")
                try await box.start()
                let config = try String(contentsOfFile: box.configPath, encoding: .utf8)
                try config.replacing("interface: \(Box.interface)", with: "interface: lan")
                    .write(toFile: box.configPath, atomically: true, encoding: .utf8)
                for words in [["reload"], ["check", box.configPath], ["firewall", "check", box.configPath]] {
                    let refused = try await box.run(
                        words: ["env", "INET256_API=\(box.configuration.api)", try Requirements.binary()] + words)
                    #expect(!refused.succeeded && refused.errors.contains("lan is a veth interface"), "\(refused)")
                }
                try config.write(toFile: box.configPath, atomically: true, encoding: .utf8)
                #expect(try await box.command("reload").succeeded)
                #expect(try await box.command("check", box.configPath).succeeded)
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func whatTheNextStartWouldRefuseIsRefused() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start()
                let before = try await box.kernelState()
                for (more, word) in [
                    ("networks: {lan: \"fd00::/8\"}\n", "config.yaml:"),
                    ("crypto: {min_suite: 2, ciphers: [chacha20-poly1305]}\n", "config.yaml:"),
                    ("nodes: [{private_key_path: missing.inet256}]\n", "missing.inet256"),
                    ("firewall: {include: [missing.nft]}\n", "missing.nft"),
                    ("firewall: {tests: [{from: any, to: ssh, expect: allow}]}\n", "firewall.tests[0]"),
                ] {
                    box.configuration.more = more
                    try box.writeConfiguration()
                    for words in [["reload"], ["check", box.configPath], ["firewall", "check", box.configPath]] {
                        let outcome = try await box.run(
                            words: ["env", "INET256_API=\(box.configuration.api)", try Requirements.binary()] + words)
                        #expect(!outcome.succeeded && outcome.errors.contains(word), "\(outcome)")
                    }
                    #expect(try await Self.report(box)["needs_restart"] as? [String] == [])
                }
                #expect(try await box.kernelChanges(since: before) == [])
                // And it is so: the start refuses the last of them.
                await box.stop()
                let refused = try await box.startInVain()
                #expect(refused.status == 2 && refused.said.contains("firewall.tests[0]"), "\(refused)")
            }
        }
    }
}
