import Foundation
import Testing

extension KernelTests {
    /// What is meant for the mesh never follows the default route to a stranger, however the daemon ends.
    @Suite struct Guard {
        /// Somewhere in the mesh's prefix.
        private static let somebody = "fd99::1"

        /// Stops, restarts, deaths, starts that fail or are cut short: not one packet gets to the default router.
        @Test(.timeLimit(.minutes(3)), arguments: [false, true])
        func nothingLeaksWhateverEndsTheDaemon(persistent: Bool) async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                if persistent { alice.configuration.portalSettings = ["persistent: true"] }
                let stranger = try await Stranger(in: bed, beside: alice)
                try await Self.makeDefault(stranger, of: alice, in: bed)
                try await alice.start()
                let sending = try Sending(in: alice, to: Self.somebody)
                try await sending.goOn()

                for _ in 0..<3 {
                    #expect(try #require(await alice.stop()).status == 0)
                    try await sending.goOn()
                    try await alice.start()
                    try await sending.goOn()
                }
                await alice.kill()
                try await sending.goOn()
                try await alice.start()
                alice.daemon?.signal(SIGQUIT)
                #expect(try #require(await alice.ended()).status == 0)
                try await sending.goOn()
                // Early, at different moments: before the guard, behind it, before the portal, behind it.
                for milliseconds in [0, 10, 20, 40, 80, 160, 320, 640] {
                    try alice.launch()
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    await alice.stop()
                    try await sending.goOn(20)
                }
                // A start that fails.
                let taken = try alice.start("socat", "-u", "UDP6-RECV:25632", "STDOUT")
                try await eventually("the port is taken") {
                    try await alice.run("ss", "-l", "-u", "-n", "-H").output.contains("25632")
                }
                #expect(try await alice.startInVain().said.contains("25632"))
                try await sending.goOn()
                taken.signal(SIGTERM)
                _ = await taken.finish()
                try await alice.start()
                await alice.stop()
                try await sending.goOn()
                #expect(stranger.heard == [], "of \(sending.counts.tries)")
                #expect(sending.counts.refused > 500)

                // That the stranger would have heard it.
                let released = try await alice.command("guard", "release")
                #expect(released.succeeded && released.output.contains("removed unreachable fd00::/8"), "\(released)")
                try await eventually("without a guard it comes to the stranger") { stranger.heard.count > 10 }
                await sending.stop()
            }
        }

        /// Who answers there would be taken for the node: what an open connection still has to send is kept.
        @Test(.timeLimit(.minutes(2)))
        func anOpenConnectionStaysShutIn() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let stranger = try await Stranger(in: bed, beside: boxes.alice)
                try await Self.makeDefault(stranger, of: boxes.alice, in: bed)
                try await boxes.start()
                _ = try await boxes.bob.listen(["tcp/7001"])
                let stream = try await boxes.alice.stream(to: boxes.bob, port: 7001)
                try await eventually("the stream flows") { stream.sent > 1_000_000 }
                await boxes.alice.stop()
                // Several retransmissions (RFC 6298: they begin at 200 ms and double).
                try await Task.sleep(for: .seconds(3))
                #expect(stranger.heard == [])
                // With the guard gone they are on their way to the stranger.
                #expect(try await boxes.alice.command("guard", "release").succeeded)
                try await eventually("the stream's data come to the stranger") {
                    stranger.heard.contains { $0.contains(boxes.bob.ip6) }
                }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func runningIsOverWithTheDaemon() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                alice.configuration.portalSettings = ["guard: running"]
                let before = try await alice.kernelState()
                for signal in [SIGTERM, SIGINT, SIGQUIT] {
                    try await alice.start()
                    #expect(try await alice.kernelChanges(since: before).contains(Box.guardLine))
                    alice.daemon?.signal(signal)
                    #expect(try #require(await alice.ended()).status == 0)
                    #expect(try await alice.kernelChanges(since: before) == [])
                }
                // In the middle of the start, wherever that is.
                for milliseconds in [0, 10, 20, 40, 80, 160, 320] {
                    try alice.launch()
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    // In order, or by the signal before it had done anything.
                    let outcome = try #require(await alice.stop())
                    #expect([0, 128 + SIGTERM].contains(outcome.status), "\(outcome)")
                    #expect(try await alice.kernelChanges(since: before) == [], "after \(milliseconds) ms")
                }
                // At the moment the guard is there.
                let monitor = try alice.start("ip", "-6", "monitor", "route")
                try await eventually("the monitor listens") {
                    _ = try await alice.run("ip", "-6", "route", "replace", "unreachable", "2001:db8::/32")
                    return monitor.said.contains("2001:db8::/32")
                }
                _ = try await alice.run("ip", "-6", "route", "del", "unreachable", "2001:db8::/32")
                try alice.launch()
                try await eventually("the guard is laid") { monitor.said.contains("unreachable fd00::/8") }
                await alice.stop()
                #expect(try await alice.kernelChanges(since: before) == [])
                // A start that fails.
                let taken = try alice.start("socat", "-u", "UDP6-RECV:25632", "STDOUT")
                try await eventually("the port is taken") {
                    try await alice.run("ss", "-l", "-u", "-n", "-H").output.contains("25632")
                }
                #expect(try await alice.startInVain().status == 1)
                taken.signal(SIGTERM)
                _ = await taken.finish()
                #expect(try await alice.kernelChanges(since: before) == [])

                // After SIGKILL the unit gives it back, and nothing where the configuration says always.
                try await alice.start()
                await alice.kill()
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                alice.configuration.portalSettings = ["guard: always"]
                try alice.writeConfiguration()
                let kept = try await alice.command("guard", "release", "--unless-always", "--config", alice.configPath)
                #expect(kept.succeeded, "\(kept)")
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                try "portal: {guard: never}\n".write(toFile: alice.configPath, atomically: true, encoding: .utf8)
                let unsure = try await alice.command(
                    "guard", "release", "--unless-always", "--config", alice.configPath)
                #expect(!unsure.succeeded, "\(unsure)")
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                alice.configuration.portalSettings = ["guard: running"]
                try alice.writeConfiguration()
                let given = try await alice.command("guard", "release", "--unless-always", "--config", alice.configPath)
                #expect(given.succeeded, "\(given)")
                #expect(try await alice.kernelChanges(since: before) == [])
            }
        }

        /// The terminal that goes away, or a hasty reload, while it starts.
        @Test(.timeLimit(.minutes(1)))
        func aHangupDuringTheStartIsNoEnd() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let daemon = try alice.launch()
                try await eventually("the guard is laid") {
                    try await alice.run("ip", "-6", "route", "show", "proto", "156").output.contains("unreachable")
                }
                daemon.signal(SIGHUP)
                try await eventually("it has come up and read its configuration again") {
                    alice.log.contains("reloaded") && daemon.isRunning
                }
            }
        }

        /// What the former mode or prefix has left is not there any more once another is configured.
        @Test(.timeLimit(.minutes(2)))
        func theNextStartTakesOverOrCleans() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let before = try await alice.kernelState()
                try await alice.start()
                await alice.stop()
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                alice.configuration.portalSettings = ["guard: off"]
                try await alice.start()
                #expect(try await !alice.kernelChanges(since: before).contains(Box.guardLine))
                await alice.kill()
                #expect(try await alice.kernelChanges(since: before) == [])
                alice.configuration.portalSettings = []
                try await alice.start()
                await alice.stop()
                alice.configuration.portalSettings = ["guard: running"]
                try await alice.start()
                await alice.stop()
                #expect(try await alice.kernelChanges(since: before) == [])
                // Another prefix.
                alice.configuration.portalSettings = []
                try await alice.start()
                await alice.stop()
                alice.configuration.portalSettings = ["prefix: \"fc00::/8\""]
                let started = try alice.launch()
                try await eventually("alice is up") { try await alice.command("status").succeeded }
                #expect(started.said.contains("unreachable fd00::/8"))
                await alice.stop()
                #expect(
                    try await alice.kernelChanges(since: before)
                        == [Box.guardLine.replacing("fd00::/8", with: "fc00::/8")])
                // Without a portal nobody serves it: that is said.
                alice.configuration.portal = false
                try alice.launch()
                try await eventually("alice is up") { try await alice.command("status").succeeded }
                #expect(alice.log.contains("guard release"))
                await alice.stop()
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func theCommandShowsAndReleases() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                // Routes that look alike and are not ours.
                try await bed.ip("-n", alice.namespace, "-6", "route", "add", "unreachable", "fd77::/16", "metric", "9")
                try await bed.ip(
                    "-n", alice.namespace, "-6", "route", "add", "unreachable", "fd78::/16", "proto", "156", "metric",
                    "9")
                let before = try await alice.kernelState()
                #expect(try await alice.command("guard").output == "nothing is held\n")
                #expect(try await alice.command("guard", "release").output == "nothing is held\n")
                // A first start takes ours of before away; this one is not known as ours by its metric alone.
                try await alice.start()
                let running = try await alice.kernelState()
                let shown = try await alice.command("guard", "show", "--json")
                let entries = try #require(
                    JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [[String: Any]], "\(shown)")
                #expect(entries.count == 1 && entries[0]["served_by"] as? String == Box.interface)
                #expect(entries[0]["what"] as? String == "hold" && entries[0]["prefix"] as? String == "fd00::/8")
                // By the API, and where that is not found by the interface.
                for environment in [alice.configuration.api, "unix://\(alice.directory)/nobody.sock"] {
                    let refused = try await bed.run(
                        [try Requirements.binary(), "guard", "release"], in: alice.namespace,
                        environment: ["INET256_API": environment])
                    #expect(refused.status == 1 && refused.errors.contains("stop it first"), "\(refused)")
                }
                #expect(try await alice.kernelChanges(since: running) == [])
                await alice.stop()
                let text = try await alice.command("guard", "show")
                #expect(text.output.contains("nobody") && text.output.contains("fd00::/8"), "\(text)")
                let powerless = try await alice.run(
                    "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", try Requirements.binary(), "guard",
                    "release")
                #expect(powerless.status == 77, "\(powerless)")
                #expect(try await alice.command("guard", "release").succeeded)
                let left = try await alice.kernelChanges(since: before)
                #expect(left.allSatisfy { $0.hasPrefix("- unreachable fd78::/16") }, "\(left)")
            }
        }

        static func makeDefault(_ stranger: Stranger, of box: Box, in bed: Testbed) async throws {
            try await bed.ip(
                "-n", box.namespace, "-6", "route", "replace", "default", "via", stranger.address, "dev", stranger.wire)
        }
    }
}
