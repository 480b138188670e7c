import Foundation
import Testing

extension KernelTests {
    /// Boxes that stop, start, die and move.
    @Suite struct Changes {
        /// The product promises 3 seconds from the start of the peer's daemon.
        @Test(.timeLimit(.minutes(2)))
        func aPeerThatRestartsIsReachedAgainSoon() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                try await boxes.start()
                for restarted in [boxes.bob, boxes.relay] {
                    let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6)
                    _ = try await pings.firstAnswer(after: 0)
                    await restarted.stop()
                    let started = Pings.now
                    try restarted.launch()
                    let seconds = try await pings.firstAnswer(after: started)
                    #expect(seconds < 3 * Requirements.slack, "\(restarted.name) restarted")
                    print("reached again \(seconds) s after the restart of \(restarted.name)")
                    await pings.stop()
                }
            }
        }

        /// The product promises 2 seconds from the change of the address: whether it is the one who moved that sends, or
        /// the other end, who knows only the old place.
        @Test(.timeLimit(.minutes(2)))
        func aPeerThatMovesIsReachedAgainSoon() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                try await boxes.start()
                let link = boxes.alice.link(to: boxes.relay)
                var place = ThreeBoxes.aliceAddress
                for (sender, target, next) in [
                    (boxes.alice, boxes.bob, "10.56.1.77"), (boxes.relay, boxes.alice, "10.56.1.78"),
                ] {
                    let pings = try Pings(in: bed, from: sender.namespace, to: target.ip6)
                    _ = try await pings.firstAnswer(after: 0)
                    let moved = Pings.now
                    try await bed.ip("-n", boxes.alice.namespace, "address", "del", "\(place)/24", "dev", link)
                    try await bed.ip("-n", boxes.alice.namespace, "address", "add", "\(next)/24", "dev", link)
                    place = next
                    let seconds = try await pings.firstAnswer(after: moved)
                    #expect(seconds < 2 * Requirements.slack, "\(sender.name) sends")
                    print("reached again \(seconds) s after moving, \(sender.name) sending")
                    await pings.stop()
                }
                let peers = try await boxes.relay.command("peers")
                #expect(peers.output.contains(place), "\(peers)")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func stoppingRemovesEverythingButTheGuard() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let before = try await boxes.alice.kernelState()
                try await boxes.start()
                #expect(try await !boxes.alice.kernelChanges(since: before).isEmpty)
                let socket = boxes.alice.directory + "/api.sock"
                #expect(FileManager.default.fileExists(atPath: socket))
                let outcome = try #require(await boxes.alice.stop())
                #expect(outcome.status == 0, "\(outcome)")
                let left = try await boxes.alice.kernelChanges(since: before)
                #expect(left == [Box.guardLine])
                #expect(!FileManager.default.fileExists(atPath: socket))
            }
        }

        /// Until the portal is up, packets for the prefix are refused and go nowhere else.
        @Test(.timeLimit(.minutes(2)))
        func thePrefixIsUnreachableBeforeThePortalIsUp() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let monitor = try boxes.alice.start("ip", "-6", "monitor", "route")
                // The monitor listens once it reports a route that we make for that purpose.
                try await eventually("the monitor listens") {
                    _ = try await boxes.alice.run("ip", "-6", "route", "replace", "unreachable", "2001:db8::/32")
                    return monitor.said.contains("2001:db8::/32")
                }
                try await boxes.alice.start()
                let events = monitor.said.split(separator: "\n").filter { $0.contains("fd00::/8") }
                #expect(events.first?.contains("unreachable") == true, "\(monitor.said)")
                #expect(events.contains { $0.contains("dev \(Box.interface)") }, "\(monitor.said)")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func aKilledDaemonStartsAgainAndLeavesNothingStale() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await bed.ip(
                    "-n", boxes.alice.namespace, "-6", "route", "add", "default", "dev",
                    boxes.alice.link(to: boxes.bob))
                let before = try await boxes.alice.kernelState()
                try await boxes.start()
                let running = try await boxes.alice.kernelState()
                let pings = try Pings(in: bed, from: boxes.bob.namespace, to: boxes.alice.ip6)
                _ = try await pings.firstAnswer(after: 0)
                await boxes.alice.kill()
                // While nobody serves the prefix it must not leak to the default route.
                let way = try await boxes.alice.run("ip", "-6", "route", "get", boxes.bob.ip6)
                #expect(!way.said.contains("dev " + boxes.alice.link(to: boxes.bob)), "\(way)")
                let started = Pings.now
                try await boxes.alice.start()
                let seconds = try await pings.firstAnswer(after: started)
                #expect(seconds < 3 * Requirements.slack)
                print("reached again \(seconds) s after the start that followed SIGKILL")
                await pings.stop()
                #expect(try await boxes.alice.reaches(boxes.bob.ip6))
                let changed = try await boxes.alice.kernelChanges(since: running)
                #expect(changed == [])
                await boxes.alice.stop()
                let left = try await boxes.alice.kernelChanges(since: before)
                #expect(left == [Box.guardLine])
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func reloadingAddsAndRemovesPeersAndKeepsTheOthers() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                let both = boxes.relay.configuration.peers
                boxes.relay.configuration.peers = [both[0]]
                // Who is not a peer any more may not reach the portal either.
                boxes.relay.configuration.allowed = ["peers"]
                for box in [boxes.relay, boxes.alice, boxes.bob] { try await box.start() }
                try await eventually(within: .seconds(30), "alice reaches relay") {
                    try await boxes.alice.reaches(boxes.relay.ip6)
                }
                #expect(try await !boxes.bob.reaches(boxes.relay.ip6))

                // The session between alice and relay lives through all of this: not one echo is lost.
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.relay.ip6, interval: 0.05)
                _ = try await pings.firstAnswer(after: 0)
                boxes.relay.configuration.peers = both
                try boxes.relay.reload()
                try await eventually(within: .seconds(30), "bob is let in") {
                    try await boxes.bob.reaches(boxes.relay.ip6)
                }
                boxes.relay.configuration.peers = [both[0]]
                try boxes.relay.reload()
                try await eventually(within: .seconds(30), "bob is turned out") {
                    try await !boxes.bob.reaches(boxes.relay.ip6)
                }
                _ = try await pings.firstAnswer(after: Pings.now)
                await pings.stop()
                #expect(pings.unanswered.isEmpty)
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func aBrokenConfigurationIsNotTakenOver() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                try "peers: [{nmae: bob}]\n".write(
                    toFile: boxes.alice.configPath, atomically: true, encoding: .utf8)
                boxes.alice.daemon?.signal(SIGHUP)
                try await eventually("the log names the mistake") { boxes.alice.log.contains("nmae") }
                #expect(try await boxes.alice.reaches(boxes.bob.ip6))
            }
        }
    }
}
