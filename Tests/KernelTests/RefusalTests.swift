import Foundation
import Testing

extension KernelTests {
    /// What `up` does not do, and how it says so.
    @Suite struct Refusals {
        /// Starts alice's daemon in a prepared box; it must end with an error that holds all of `words`, and must leave
        /// the box as it was, but for what is `expected` in it.
        private func refuses(
            _ words: [String], status: Set<Int32> = [1, 2], leaving expected: [String] = [],
            through wrapper: [String] = [],
            prepare: (Testbed, Box) async throws -> Void
        ) async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await prepare(bed, alice)
                let before = try await alice.kernelState()
                let outcome = try await alice.startInVain(through: wrapper)
                #expect(status.contains(outcome.status), "\(outcome)")
                for word in words { #expect(outcome.said.contains(word), "\(outcome)") }
                let left = try await alice.kernelChanges(since: before)
                #expect(left == expected)
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func anInterfaceOfSomebodyElse() async throws {
            try await refuses([Box.interface]) { bed, alice in
                try await bed.wire(in: alice, Box.interface)
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aPrefixThatAnotherRouteHas() async throws {
            try await refuses(["fd00::/8"]) { bed, alice in
                try await bed.wire(in: alice, "lan")
                try await bed.ip("-n", alice.namespace, "-6", "route", "add", "fd00::/8", "dev", "lan")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aPortInUse() async throws {
            // What fails behind the guard leaves it: the prefix is shut while nobody serves it.
            try await refuses(["25632"], leaving: [Box.guardLine]) { _, alice in
                _ = try alice.start("socat", "-u", "UDP6-RECV:25632", "STDOUT")
                try await eventually("the port is taken") {
                    try await alice.run("ss", "-l", "-u", "-n", "-H").output.contains("25632")
                }
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func runningWithoutTheCapability() async throws {
            // Root without it, and anybody without it.
            let wrappers = [
                (["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"], "0"),
                (["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], "65534"),
            ]
            for (wrapper, user) in wrappers {
                try await refuses(["CAP_NET_ADMIN"], status: [77], through: wrapper) { bed, alice in
                    _ = try await bed.run(["chown", "-R", "\(user):\(user)", alice.directory])
                }
            }
        }

        /// Root does not run with a key that somebody else can read and exchange whenever he likes.
        @Test(.timeLimit(.minutes(1)))
        func aKeyOfAnotherUser() async throws {
            try await refuses(["private_key.inet256", "belongs to nobody", "chown"], status: [2]) { bed, alice in
                let key = alice.directory + "/private_key.inet256"
                _ = try await bed.run(["chown", "65534:65534", key])
            }
        }

        /// More specific routes of others are theirs and win: a warning, no refusal.
        @Test(.timeLimit(.minutes(1)))
        func aMoreSpecificRouteIsAWarningOnly() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try await bed.wire(in: alice, "lan")
                try await bed.ip("-n", alice.namespace, "-6", "route", "add", "fd77::/16", "dev", "lan")
                try await alice.start()
                #expect(alice.log.contains("fd77::/16"))
                let way = try await bed.ip("-n", alice.namespace, "-6", "route", "get", "fd77::1")
                #expect(way.contains("dev lan"))
            }
        }

        /// Whoever is at the endpoint has another key than it was said to have: as when bob made himself a new one. The
        /// call to the old address stays unanswered, but bob calls too, and status says who that is.
        @Test(.timeLimit(.minutes(2)))
        func aPeerWithTheWrongKeyIsRefusedAndNamed() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let former = try await bed.box("former")
                boxes.alice.configuration.peers = [
                    .init(name: "mallory", id: former.address, endpoints: ["10.56.3.2:25632"])
                ]
                boxes.alice.configuration.allowed = ["peers"]
                for box in [boxes.alice, boxes.bob] { try await box.start() }
                try await eventually(within: .seconds(30), "status names the peer that is not who it should be") {
                    let shown = try await boxes.alice.command("status")
                    return shown.output.split(separator: "\n").contains {
                        $0.contains("mallory") && $0.contains("refused") && $0.contains(boxes.bob.address)
                    }
                }
                #expect(try await !boxes.alice.reaches(former.ip6))
                #expect(try await !boxes.bob.reaches(boxes.alice.ip6))
            }
        }

        /// The tunnel's own datagrams would run into the tunnel.
        @Test(.timeLimit(.minutes(2)))
        func anEndpointInsideThePortalIsRefused() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let inside = "[fd99::1]:25632"
                boxes.alice.configuration.peers[0].endpoints.insert(inside, at: 0)
                try await boxes.start()
                try await eventually(within: .seconds(30), "the endpoint inside the portal is named") {
                    let status = try await boxes.alice.command("status", "--json")
                    return boxes.alice.log.contains("fd99::1") || status.output.contains("fd99::1")
                }
                #expect(try await boxes.alice.reaches(boxes.bob.ip6))
            }
        }
    }
}
