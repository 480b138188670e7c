import Foundation
import Testing

extension KernelTests {
    /// Which way the box's own datagrams take: by their mark, by the one interface, and without IPv6.
    @Suite struct Underlay {
        /// Everything that bears no mark goes into the portal of alice, her datagrams to bob among it.
        private func swallow(_ alice: Box, _ bed: Testbed) async throws {
            let rules = [
                ["-6", "route", "add", "default", "dev", Box.interface, "table", "77"],
                ["-6", "rule", "add", "pref", "100", "not", "fwmark", "0x7", "lookup", "77"],
            ]
            for words in rules { try await bed.succeed(["ip"] + words, in: alice.namespace) }
        }

        @Test(.timeLimit(.minutes(1)))
        func aMarkKeepsTheUnderlayOutOfThePortal() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: .ip6)
                boxes.alice.configuration.transportSettings = ["fwmark: 0x7"]
                try await boxes.start()
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.1)
                _ = try await pings.firstAnswer(after: 0)
                try await swallow(boxes.alice, bed)
                let moment = Pings.now
                _ = try await pings.firstAnswer(after: moment + 5)
                #expect(pings.unanswered.isEmpty)
                // A restart finds the way as well, with all of it in place.
                await boxes.alice.stop()
                try await boxes.alice.start()
                try await bed.succeed(
                    ["ip", "-6", "route", "replace", "default", "dev", Box.interface, "table", "77"],
                    in: boxes.alice.namespace)
                try await eventually("alice reaches bob") { try await boxes.alice.reaches(boxes.bob.ip6) }
                #expect(try await boxes.alice.command("status").output.contains("1 of 1 up"))
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func withoutAMarkItIsSwallowed() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: .ip6)
                try await boxes.start()
                try await swallow(boxes.alice, bed)
                try await eventually("it is said that the way leads into the portal") {
                    try await boxes.alice.command("peers", "--json").output.contains("in-portal")
                }
            }
        }

        /// Two wires to bob; alice is bound to the first, and calls an address that the second leads to as well.
        @Test(.timeLimit(.minutes(2)))
        func anInterfaceIsTheOnlyOne() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                func wire(_ link: String, _ number: Int) async throws {
                    try await bed.wire(
                        alice.namespace, link, "10.62.\(number).1/24", bob.namespace, "to-\(link)",
                        "10.62.\(number).2/24")
                }
                try await wire("other0", 2)
                bob.configuration.peers = [.init(name: "alice", id: alice.address)]
                alice.configuration.peers = [
                    .init(name: "bob", id: bob.address, endpoints: ["10.62.1.2:25632", "10.62.2.2:25632"])
                ]
                alice.configuration.allowed = [bob.address]
                bob.configuration.allowed = [alice.address]
                alice.configuration.transportSettings = ["interface: way0"]
                func datagrams() async throws -> String {
                    try await bob.run("nft", "list", "counter", "inet", "count", "other").output
                }
                let rules = """
                    table inet count {
                        counter other {}
                        chain in { type filter hook input priority 0; iifname "to-other0" udp dport 25632 counter name other; }
                    }
                    """
                try await bed.succeed(["nft", rules], in: bob.namespace)

                // The interface is not there yet.
                try await bob.start()
                try await alice.start()
                #expect(try await alice.command("status").output.contains("there is no interface way0"))
                for round in 1...2 {
                    try await wire("way0", 1)
                    try await eventually("alice reaches bob, \(round)") { try await alice.reaches(bob.ip6) }
                    try await bed.ip("-n", alice.namespace, "link", "del", "way0")
                    try await eventually("the link is down") { try await !alice.reaches(bob.ip6) }
                }
                let strayed = try await datagrams()
                #expect(strayed.contains("packets 0 "), "\(strayed)")
            }
        }

        /// IPv6 is switched off on the machine: the default transport is IPv4 then, and asks nobody.
        @Test(.timeLimit(.minutes(1)))
        func withoutIPv6TheDefaultTransportServes() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                for box in [boxes.alice, boxes.bob] {
                    try await bed.succeed(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"], in: box.namespace)
                    box.configuration.portal = false
                    try await box.start()
                }
                try await eventually("they are linked") {
                    try await boxes.alice.command("status").output.contains("1 of 1 up")
                }
            }
        }
    }
}
