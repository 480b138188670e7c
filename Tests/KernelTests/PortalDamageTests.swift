import Foundation
import Portal
import Testing

extension KernelTests {
    /// What others do to the portal's interface, address and routes is put back, said once, and never hidden.
    @Suite struct PortalDamage {
        /// Something done to a box's portal, as a shell script, and a word of how the log calls it.
        struct Deed: CustomTestStringConvertible {
            let script: String
            let word: String
            var testDescription: String { script }

            init(_ script: String, _ word: String) {
                self.script = script
                self.word = word
            }
        }

        private static let port = Box.interface

        static let deeds = [
            Deed("ip link set \(port) down; ip link set \(port) up", "address"),
            Deed("ip link set \(port) down", "is down"),
            Deed("ip -6 address flush dev \(port)", "address"),
            Deed("ip -6 route delete fd00::/8 dev \(port)", "route fd00::/8"),
            Deed("ip -6 route flush dev \(port); ip -6 address flush dev \(port)", "route fd00::/8"),
            Deed("ip -6 route flush proto 156", "route unreachable fd00::/8"),
            Deed("sysctl -qw net.ipv6.conf.\(port).disable_ipv6=1", "IPv6 is switched off"),
            Deed(
                "sysctl -qw net.ipv6.conf.\(port).disable_ipv6=1; sysctl -qw net.ipv6.conf.\(port).disable_ipv6=0",
                "address"),
            Deed("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=0", "address"),
            Deed("ip link set \(port) mtu 1300", "MTU"),
            // Takes IPv6 from the interface altogether, and what comes back has a link-local address.
            Deed("ip link set \(port) mtu 1000", "MTU"),
            Deed("ip link set \(port) mtu 1000; ip link set \(port) mtu 1300", "link-local"),
            Deed("sysctl -qw net.ipv6.conf.\(port).mtu=1280; ip link set \(port) alias touched", "IPv6 MTU"),
            Deed("ip link set \(port) alias mine", "alias"),
            Deed("ip link set \(port) txqueuelen 10", "queue length"),
            Deed(
                "ip link set \(port) addrgenmode eui64; ip link set \(port) down; ip link set \(port) up", "link-local"),
            Deed("ip link set \(port) name fled", "is called fled"),
            Deed(
                "ip link set \(port) name fled; ip link set fled down; ip -6 address flush dev fled", "is called fled"),
            Deed("ip -6 route add unreachable fd00::/8 metric 10", "goes another way"),
            Deed("ip -6 route replace fd00::/8 dev lo metric 1024", "goes another way"),
            Deed(
                "a=$(ip -6 -o address show dev \(port) scope global | sed -E 's/.*inet6 ([^ ]+).*/\\1/'); "
                    + "ip -6 address change $a dev \(port) preferred_lft 0 valid_lft 1000", "address"),
        ]

        @Test(.timeLimit(.minutes(4)))
        func whatOthersChangeIsPutBack() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                boxes.alice.configuration.portalSettings = ["mtu: 1400"]
                let before = try await boxes.alice.kernelState()
                try await boxes.start()
                let whole = try await boxes.alice.kernelState()
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.1)
                for deed in Self.deeds {
                    _ = try await pings.firstAnswer(after: Pings.now)
                    let logged = boxes.alice.restorations.count
                    let began = Pings.now
                    let done = try await boxes.alice.run("sh", "-c", deed.script)
                    #expect(done.errors == "", "\(deed.script): \(done)")
                    try await eventually(within: .seconds(10), "\(deed.script) is undone") {
                        try await boxes.alice.portalStatus().up
                    }
                    let mended = Pings.now - began
                    _ = try await pings.firstAnswer(after: Pings.now)
                    print("whole \(Int(mended * 1000)) ms after: \(deed.script)")
                    #expect(try await boxes.alice.reaches(boxes.bob.ip6), "\(deed.script)")
                    let said = boxes.alice.restorations.dropFirst(logged)
                    #expect((1...2).contains(said.count), "\(deed.script): \(said)")
                    #expect(said.contains { $0.contains(deed.word) }, "\(deed.script): \(said)")
                    // What is somebody else's stays, and is his to take away.
                    let route = try await boxes.alice.run("sh", "-c", "ip -6 route show fd00::/8")
                    if deed.word == "goes another way" {
                        let others = route.output.split(separator: "\n").filter { !$0.contains("proto 156") }
                        #expect(others.count == 1, "\(route)")
                        let status = try await boxes.alice.command("status")
                        #expect(status.output.contains("WARNING: somebody else's route"), "\(status)")
                        for route in ["unreachable fd00::/8 metric 10", "fd00::/8 dev lo metric 1024"] {
                            _ = try await boxes.alice.run("sh", "-c", "ip -6 route delete \(route)")
                        }
                    }
                    try await eventually(within: .seconds(10), "all is as it was after \(deed.script)") {
                        try await boxes.alice.kernelChanges(since: whole).isEmpty
                    }
                    // Another test than of a fight.
                    #expect(try await boxes.alice.command("reload").succeeded)
                }
                await pings.stop()
                #expect(try #require(await boxes.alice.stop()).status == 0)
                #expect(try await boxes.alice.kernelChanges(since: before) == [Box.guardLine])
            }
        }

        /// After three times in a minute it is said, and done seldom; a reload mends at once and says what.
        @Test(.timeLimit(.minutes(2)))
        func aFightIsSlowedDownAndSaid() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await alice.start()
                for round in 1...3 {
                    _ = try await alice.run("ip", "-6", "address", "flush", "dev", Box.interface)
                    try await eventually("round \(round) is mended") { alice.restorations.count == round }
                }
                try await eventually("the log says that it is a fight") {
                    alice.log.contains("somebody keeps changing the portal")
                }
                _ = try await alice.run("ip", "-6", "address", "flush", "dev", Box.interface)
                try await Task.sleep(for: .seconds(3))
                #expect(alice.restorations.count == 3)
                let status = try await alice.portalStatus()
                #expect(!status.up && status.damage == ["address \(alice.ip6) is missing"])
                let shown = try await alice.command("status").output
                #expect(shown.contains("DAMAGED (address \(alice.ip6) is missing)"), "\(shown)")
                #expect(shown.contains("WARNING: somebody keeps changing the portal (its address)"), "\(shown)")

                let reloaded = try await alice.command("reload")
                #expect(reloaded.output == "repaired: address \(alice.ip6) is missing\n", "\(reloaded)")
                #expect(try await alice.portalStatus().up)
                #expect(try await alice.command("reload").output == "nothing has changed\n")
            }
        }

        /// As under the systemd unit: what the daemon may not do it says, and the rest comes back with IPv6.
        @Test(.timeLimit(.minutes(1)))
        func withoutSysctlsIPv6IsAskedForAndComesBackWhole() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let hidden = "mount -t tmpfs none /proc/sys && exec \"$0\" \"$@\""
                try await alice.start(through: ["unshare", "--mount", "sh", "-c", hidden])
                let off = "net.ipv6.conf.\(Box.interface).disable_ipv6="
                #expect(try await alice.run("sysctl", "-qw", off + "1").succeeded)
                let advice = "sysctl -w \(off)0"
                try await eventually("the log says what to run") { alice.log.contains(advice) }
                // Often enough that it was tried several times.
                try await Task.sleep(for: .seconds(4))
                let status = try await alice.portalStatus()
                #expect(!status.up && status.damage.contains { $0.contains("IPv6 is switched off") }, "\(status)")
                let shown = try await alice.command("status").output
                let warnings = shown.split(separator: "\n").filter { $0.contains("WARNING") }
                #expect(warnings.contains { $0.contains(advice) }, "\(shown)")
                #expect(alice.log.split(separator: "\n").count { $0.contains(advice) } == 1)
                #expect(!alice.log.contains("somebody keeps changing"))

                #expect(try await alice.run("sysctl", "-qw", off + "0").succeeded)
                try await eventually(within: .seconds(5), "all is back") { try await alice.portalStatus().up }
                #expect(alice.restorations.count == 1, "\(alice.restorations)")
            }
        }

        /// The name is a stranger's meanwhile: nothing of his is touched, it is said, and the portal carries on.
        @Test(.timeLimit(.minutes(1)))
        func aStolenNameIsSaid() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                let alice = boxes.alice
                try await bed.wire(in: alice, "stranger")
                try await eventually("the stranger has the portal's name") {
                    _ = try await alice.run("ip", "link", "set", Box.interface, "name", "fled")
                    return try await alice.run("ip", "link", "set", "stranger", "name", Box.interface).succeeded
                }
                try await eventually("it is known") { try await !alice.portalStatus().up }
                let status = try await alice.portalStatus()
                #expect(status.interface == "fled" && status.configuredInterface == Box.interface)
                #expect(status.damage == ["\(Box.interface) is called fled, and another interface has its name"])
                #expect(try await alice.reaches(boxes.bob.ip6))
                #expect(try await alice.shownFirewall().enforced)
                // Moved away, it leaves the name to us.
                #expect(try await alice.run("ip", "link", "set", Box.interface, "name", "stranger").succeeded)
                try await eventually("the portal has its name again") { try await alice.portalStatus().up }
            }
        }

        /// Without its interface the daemon has nothing to do: it ends, says why, and systemd starts it again.
        @Test(
            .timeLimit(.minutes(1)),
            arguments: [["link", "delete", Box.interface], ["link", "set", Box.interface, "netns"]])
        func aLostInterfaceEndsTheDaemonWithAWord(_ words: [String]) async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let before = try await alice.kernelState()
                let elsewhere = try await bed.namespace("elsewhere")
                try await alice.start()
                let done = try await alice.run(words: ["ip"] + words + (words.last == "netns" ? [elsewhere] : []))
                #expect(done.succeeded, "\(done)")
                let outcome = try #require(await alice.daemon?.finish(within: .seconds(10)))
                #expect(outcome.status == 1 && outcome.said.contains("was deleted, or moved"), "\(outcome)")
                #expect(try await alice.kernelChanges(since: before) == [Box.guardLine])
                try await alice.start()
                #expect(try await alice.portalStatus().up)
            }
        }
    }
}

/// The part of `status --json` that is of interest here.
struct ShownPortal: Decodable {
    let up: Bool
    let damage: [String]
    let interface: String?
    let configuredInterface: String?

    enum CodingKeys: String, CodingKey {
        case up, damage, interface
        case configuredInterface = "configured_interface"
    }
}

extension Box {
    func portalStatus() async throws -> ShownPortal {
        struct Report: Decodable { let portal: ShownPortal }
        let shown = try await command("status", "--json")
        guard shown.succeeded else { throw CommandError.failed(shown) }
        return try JSONDecoder().decode(Report.self, from: Data(shown.output.utf8)).portal
    }

    /// What the log says of damage that was mended.
    var restorations: [String] {
        log.split(separator: "\n").map(String.init).filter { $0.contains("the portal: it is restored") }
    }
}
