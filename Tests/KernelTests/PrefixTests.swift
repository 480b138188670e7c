import Foundation
import Testing

extension KernelTests {
    /// The portal's prefix and the machine's own networks: what is kept, warned of and refused.
    @Suite struct Prefix {
        /// A network behind the default router, and hosts in it.
        private static let site = "fd12:3456:789a::/48"
        private static let server = "fd12:3456:789a:7::1"
        private static let nameserver = "fd13::53"

        /// alice with two routers, of which the first is her default one, and both lead to the site.
        private struct Place {
            let alice: Box
            let routers: [Stranger]

            init(in bed: Testbed, settings: [String]) async throws {
                alice = try await bed.box("alice")
                alice.configuration.portalSettings = settings
                var routers: [Stranger] = []
                for number in 1...2 {
                    let router = try await Stranger(in: bed, beside: alice, number: number)
                    for host in [Prefix.server, Prefix.nameserver] { try await router.own(host, in: bed) }
                    routers.append(router)
                }
                self.routers = routers
                try await Guard.makeDefault(routers[0], of: alice, in: bed)
            }

            /// The device by which the kernel would send, or what it says instead.
            func way(to target: String) async throws -> String {
                let shown = try await alice.run("ip", "-6", "route", "get", target)
                let words = shown.said.split(whereSeparator: \.isWhitespace)
                guard shown.succeeded, let at = words.firstIndex(of: "dev"), at + 1 < words.count else {
                    return "unreachable"
                }
                return String(words[at + 1])
            }

            func eventuallyGoes(to target: String, by device: String) async throws {
                try await eventually("\(target) goes by \(device)") { try await way(to: target) == device }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func anExceptionKeepsItsWayAndFollowsTheDefaultRoute() async throws {
            try await Testbed.with { bed in
                let place = try await Place(in: bed, settings: ["except: [\"\(Self.site)\"]"])
                let alice = place.alice
                #expect(try await alice.reaches(Self.server))
                let before = try await alice.kernelState()
                let pings = try Pings(in: bed, from: alice.namespace, to: Self.server, interval: 0.05)
                _ = try await pings.firstAnswer(after: 0)
                try await alice.start()
                #expect(try await alice.reaches(Self.server))
                #expect(try await place.way(to: "fd12:3456:789b::1") == Box.interface)
                let status = try await alice.command("status")
                #expect(
                    status.output.contains("\(Self.site)  via 2001:db8:1::fe dev up1  (portal.except)"), "\(status)")

                // The default route moves, goes, and comes again.
                try await Guard.makeDefault(place.routers[1], of: alice, in: bed)
                try await place.eventuallyGoes(to: Self.server, by: "up2")
                try await bed.ip("-n", alice.namespace, "-6", "route", "del", "default")
                try await place.eventuallyGoes(to: Self.server, by: "unreachable")
                try await eventually("status says so") {
                    try await alice.command("status").output.contains("no default route")
                }
                try await Guard.makeDefault(place.routers[0], of: alice, in: bed)
                try await place.eventuallyGoes(to: Self.server, by: "up1")
                // Somebody takes the route away.
                try await bed.ip("-n", alice.namespace, "-6", "route", "del", Self.site, "proto", "156")
                try await place.eventuallyGoes(to: Self.server, by: "up1")

                // Whatever ends the daemon: beside the guard it goes on.
                _ = try await pings.firstAnswer(after: Pings.now)
                await alice.stop()
                #expect(try await place.way(to: Self.server) == "up1")
                #expect(try await place.way(to: "fd99::1") == "unreachable")
                try await alice.start()
                await alice.kill()
                #expect(try await place.way(to: Self.server) == "up1")
                try await alice.start()

                // A reload takes it away and brings it.
                alice.configuration.portalSettings = ["guard: running"]
                try alice.reload()
                try await place.eventuallyGoes(to: Self.server, by: Box.interface)
                alice.configuration.portalSettings = ["except: [\"\(Self.site)\"]", "guard: running"]
                try alice.reload()
                try await place.eventuallyGoes(to: Self.server, by: "up1")
                await alice.stop()
                // The mode waited for a restart.
                let shown = try await alice.command("guard")
                #expect(shown.output.contains("except") && shown.output.contains("hold"), "\(shown)")
                try await alice.start()
                await alice.stop()
                await pings.stop()
                #expect(try await alice.kernelChanges(since: before) == [])
            }
        }

        /// The machine's own names and its gateways are not broken, and nobody has to know of that before.
        @Test(.timeLimit(.minutes(2)))
        func theNameserverIsKept() async throws {
            try await Testbed.with { bed in
                let place = try await Place(in: bed, settings: [])
                let alice = place.alice
                // ip-netns(8) lays the files of this folder over those of /etc.
                let folder = "/etc/netns/\(alice.namespace)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(atPath: folder) }
                let file = folder + "/resolv.conf"
                func write(_ text: String) throws { try text.write(toFile: file, atomically: false, encoding: .utf8) }
                try write("nameserver \(Self.nameserver)\n")
                let pings = try Pings(in: bed, from: alice.namespace, to: Self.nameserver, interval: 0.02)
                _ = try await pings.firstAnswer(after: 0)
                try await alice.start()
                #expect(try await place.way(to: Self.nameserver) == "up1")
                let status = try await alice.command("status")
                #expect(
                    status.output.contains(
                        "\(Self.nameserver)/128  via 2001:db8:1::fe dev up1  (the nameserver of /etc/resolv.conf)"),
                    "\(status)")
                await alice.stop()
                try await alice.start()
                await alice.kill()
                try await alice.start()
                // At no moment of all this it was cut off.
                _ = try await pings.firstAnswer(after: Pings.now)
                await pings.stop()
                #expect(pings.unanswered.isEmpty)

                // Another network's list, written some time after the network came.
                try write("nameserver fd14::53\n")
                try await place.eventuallyGoes(to: "fd14::53", by: "up1")
                try await place.eventuallyGoes(to: Self.nameserver, by: Box.interface)
                let json = try await alice.command("status", "--json")
                let report = try #require(
                    JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any], "\(json)")
                let portal = try #require(report["portal"] as? [String: Any])
                let kept = try #require(portal["exceptions"] as? [[String: Any]])
                #expect(
                    kept.map { $0["prefix"] as? String } == ["fd14::53/128"] && portal["guard"] as? String == "always")
            }
        }

        /// The default router's address in the prefix, reached on its link alone.
        @Test(.timeLimit(.minutes(1)))
        func theGatewayIsKept() async throws {
            try await Testbed.with { bed in
                let place = try await Place(in: bed, settings: [])
                let alice = place.alice
                try await place.routers[0].own("fd15::1", onTheWire: true, in: bed)
                try await bed.ip(
                    "-n", alice.namespace, "-6", "route", "replace", "default", "via", "fd15::1", "dev", "up1", "onlink"
                )
                #expect(try await !alice.reaches("fd15::2"))
                #expect(try await alice.reaches("fd15::1"))
                try await alice.start()
                #expect(try await place.way(to: "fd15::1") == "up1")
                #expect(try await alice.reaches("fd15::1"))
                #expect(alice.log.contains("the gateway of ::/0 via fd15::1"))
            }
        }

        /// What cannot be kept, and what the Internet uses, is refused; --force takes it all the same.
        @Test(.timeLimit(.minutes(2)))
        func aPrefixThatTakesAwayWhatIsNeededIsRefused() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let stranger = try await Stranger(in: bed, beside: alice)
                try await Guard.makeDefault(stranger, of: alice, in: bed)
                try await bed.wire(in: alice, "lan")
                try await bed.ip("-n", alice.namespace, "address", "add", "fd20:1::5/32", "dev", "lan", "nodad")
                let before = try await alice.kernelState()
                for (prefix, word) in [
                    ("2000::/3", "global unicast"), ("::/1", "global unicast"), ("8000::/1", "link-local"),
                    ("fd20:1:2::/48", "a part of the network on lan"),
                ] {
                    alice.configuration.portalSettings = ["prefix: \"\(prefix)\"", "guard: running"]
                    let refused = try await alice.startInVain()
                    #expect(refused.status == 2 && refused.errors.contains(word), "\(refused)")
                    #expect(refused.errors.contains("--force"), "\(refused)")
                    #expect(try await alice.kernelChanges(since: before) == [])
                    // The link's network is the machine's, and not the file's: what the file says is refused as the start does.
                    let checked = try await alice.command("check", alice.configPath)
                    #expect(checked.succeeded == prefix.hasPrefix("fd"), "\(checked)")
                    #expect(checked.errors.contains("portal.prefix \(prefix)") != checked.succeeded, "\(checked)")
                    let allowed = try await alice.command("check", "--force", alice.configPath)
                    #expect(allowed.succeeded, "\(allowed)")
                    let isWarned = allowed.errors.contains("warning: portal.prefix \(prefix)")
                    #expect(isWarned != prefix.hasPrefix("fd"), "\(allowed)")
                    let forced = try bed.start(
                        [try Requirements.binary(), "up", "--force", "--config", alice.configPath], in: alice.namespace)
                    try await eventually("it takes the prefix all the same") {
                        guard forced.isRunning else { throw NotThere(what: "the daemon: \(forced.said)") }
                        return try await alice.command("status").output.contains(word)
                    }
                    forced.signal(SIGTERM)
                    #expect(await forced.finish().status == 0)
                    #expect(try await alice.kernelChanges(since: before) == [])
                }
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func theMachinesOwnSiteIsWarnedOf() async throws {
            try await Testbed.with { bed in
                let place = try await Place(in: bed, settings: [])
                let alice = place.alice
                try await bed.wire(in: alice, "lan")
                try await bed.ip(
                    "-n", alice.namespace, "address", "add", "fd12:3456:789a::5/64", "dev", "lan", "nodad")
                try await alice.start()
                let status = try await alice.command("status")
                for words in ["lan has fd12:3456:789a::5/64", "portal.except: [fd12:3456:789a::/48]"] {
                    #expect(status.output.contains(words) && alice.log.contains(words), "\(status)")
                }
                alice.configuration.portalSettings = ["except: [\"\(Self.site)\"]"]
                try alice.reload()
                try await place.eventuallyGoes(to: Self.server, by: "up1")
                #expect(try await !alice.command("status").output.contains("WARNING: lan has"))
            }
        }
    }
}
