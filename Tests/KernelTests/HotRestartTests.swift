import Foundation
import Testing

extension KernelTests {
    /// What a restart leaves open, the next run takes over: interface, sockets and firewall never go.
    @Suite struct HotRestart {
        /// Both ends begin again, under a stream: it goes on, and the kernel has lost nothing of ours meanwhile.
        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func nothingGoesWithSIGUSR2(threads: Int) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                for box in [boxes.alice, boxes.bob] { box.configuration.more += "threads: \(threads)\n" }
                let before = try await boxes.alice.kernelState()
                try await boxes.start()
                _ = try await boxes.bob.listen(["tcp/7001"])
                let stream = try await boxes.alice.stream(to: boxes.bob, port: 7001)
                let losses = try boxes.alice.start("ip", "-o", "monitor", "link", "address", "route")
                for box in [boxes.alice, boxes.bob] {
                    let (index, log) = (try await Self.index(box), box.log.count)
                    box.daemon?.signal(SIGUSR2)
                    try await eventually(within: .seconds(30), "the next run is up") {
                        String(box.log.dropFirst(log)).contains("taken over from the run before")
                    }
                    let said = String(box.log.dropFirst(log))
                    let queues = (0..<threads).map { "portal-\($0)" }
                    for kept in ["firewall", "udp-0-0"] + queues { #expect(said.contains(kept), "\(said)") }
                    #expect(try await Self.index(box) == index)
                    let sent = stream.sent
                    try await eventually(within: .seconds(30), "the stream goes on") { stream.sent > sent + 2_000_000 }
                }
                losses.signal(SIGTERM)
                _ = await losses.finish()
                let lost = losses.said.split(separator: "\n").filter {
                    $0.hasPrefix("Deleted") && $0.contains(Box.interface)
                }
                #expect(lost.isEmpty, "\(lost)")
                // The rules are in force: what is allowed passes, and the table is known as ours.
                let status = try await boxes.alice.command("status")
                #expect(status.output.contains("firewall   enforced") && status.output.contains("owned"), "\(status)")
                #expect(try await boxes.alice.reaches(boxes.bob.ip6))
                // And a stop is a stop.
                #expect(try #require(await boxes.alice.stop()).status == 0)
                #expect(try await boxes.alice.kernelChanges(since: before) == [Box.guardLine])
                #expect(try await !boxes.alice.run("nft", "list", "tables").output.contains("inet256vpn"))
            }
        }

        /// What a run has open and does not hand on is closed with it, whoever opened it: the hundredth restart has as many descriptors as the first.
        @Test(.timeLimit(.minutes(2)))
        func restartsDoNotGatherDescriptors() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                alice.configuration.portal = false
                try await alice.start()
                let daemon = try #require(alice.daemon)
                func restarted(_ times: Int) async throws -> Int {
                    for _ in 0..<times {
                        let log = alice.log.count
                        daemon.signal(SIGUSR2)
                        try await eventually("the next run is up") {
                            String(alice.log.dropFirst(log)).contains("taken over from the run before")
                        }
                    }
                    // Its threads have opened what they need.
                    try await eventually("it answers") { try await alice.command("status").succeeded }
                    return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.identifier)/fd").count
                }
                let first = try await restarted(1)
                let later = try await restarted(12)
                #expect(later < first + 12, "\(first) descriptors, \(later) twelve restarts later")
            }
        }

        /// A configuration that would not start keeps the run that there is.
        @Test(.timeLimit(.minutes(1)))
        func whatWouldNotStartIsRefused() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                let alice = boxes.alice
                try "portal: {interface: 7}\nnonsense: true\n"
                    .write(toFile: alice.configPath, atomically: true, encoding: .utf8)
                alice.daemon?.signal(SIGUSR2)
                try await eventually("it is refused") { alice.log.contains("SIGUSR2: not restarted") }
                #expect(alice.log.contains("nonsense"), "\(alice.log)")
                #expect(try await alice.reaches(boxes.bob.ip6))
                // Mended, it works.
                try alice.writeConfiguration()
                alice.daemon?.signal(SIGUSR2)
                try await eventually(within: .seconds(30), "the next run is up") {
                    alice.log.contains("taken over from the run before")
                }
                try await eventually(within: .seconds(30), "and reaches") { try await alice.reaches(boxes.bob.ip6) }
            }
        }

        /// What is configured otherwise by then is not taken over, and nothing of the old is left.
        @Test(.timeLimit(.minutes(2)))
        func whatChangedIsMadeAnew() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                let (alice, bob) = (boxes.alice, boxes.bob)
                alice.configuration.port = 25700
                alice.configuration.portalSettings = ["offload: off", "metric: 900"]
                alice.configuration.more =
                    "firewall: {table: other, rules: [{allow: any}]}\n"
                try alice.writeConfiguration()
                let index = try await Self.index(alice)
                alice.daemon?.signal(SIGUSR2)
                try await eventually(within: .seconds(30), "the next run reaches") {
                    guard alice.log.contains("it is made anew") else { return false }
                    return try await alice.reaches(bob.ip6)
                }
                #expect(try await Self.index(alice) != index)
                let tables = try await alice.run("nft", "list", "tables").output
                #expect(tables.contains("inet other") && !tables.contains("inet256vpn"), "\(tables)")
                let sockets = try await alice.run("ss", "-uln").output
                #expect(sockets.contains(":25700") && !sockets.contains(":25632"), "\(sockets)")
                let routes = try await alice.run("ip", "-6", "route", "show", "proto", "156").output
                #expect(routes.contains("metric 900") && !routes.contains("metric 1024"), "\(routes)")
            }
        }

        /// A service manager that keeps descriptors brings it through its own death.
        @Test(.timeLimit(.minutes(2)))
        func whatAManagerKeepsOutlivesSIGKILL() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                let before = try await alice.kernelState()
                let manager = Requirements.root + "/Tests/KernelTests/manager.py"
                try await alice.start(through: ["python3", manager])
                try await bob.start()
                try await eventually(within: .seconds(30), "alice reaches bob") { try await alice.reaches(bob.ip6) }
                _ = try await bob.listen(["tcp/7001"])
                let stream = try await alice.stream(to: bob, port: 7001)
                let index = try await Self.index(alice)
                for _ in 0..<3 {
                    let log = alice.log.count
                    alice.daemon?.signal(SIGUSR1)
                    try await eventually(within: .seconds(30), "it is back") {
                        String(alice.log.dropFirst(log)).contains("taken over from the run before")
                    }
                    let sent = stream.sent
                    try await eventually(within: .seconds(30), "the stream goes on") { stream.sent > sent + 1_000_000 }
                }
                #expect(alice.log.contains("started again with firewall portal-0 udp-0-0"), "\(alice.log)")
                #expect(try await Self.index(alice) == index)
                #expect(try #require(await alice.stop()).status == 0)
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                #expect(try await !alice.run("nft", "list", "tables").output.contains("inet256vpn"))
            }
        }

        private static func index(_ box: Box) async throws -> String {
            let shown = try await box.run("ip", "-o", "link", "show", "dev", Box.interface)
            return String(shown.output.prefix { $0 != ":" })
        }
    }
}
