import Foundation
import Testing

extension KernelTests {
    /// Packets as no ordinary program sends them.
    @Suite struct FirewallHeaders {
        /// Those that a box takes: each reaches a port that is allowed.
        private static let forms = [
            "plain", "hop-by-hop", "destination", "both", "long", "routing", "atomic", "fragments", "reversed",
            "options-in-fragments", "options-before-fragments",
        ]
        /// The first fragment lacks what rules look at. The kernel drops it, whatever the rules (RFC 8200 section 4.5).
        private static let incomplete = ["late-header", "late-flags"]

        @Test(.timeLimit(.minutes(1)))
        func extensionHeadersDoNotGetPastARule() async throws {
            try await Testbed.with { bed in
                let policy = "firewall: {rules: [{allow: [tcp/7001, udp/7001], from: [alice]}]}\n"
                let star = try await Star(in: bed, guests: ["alice"], firewall: policy)
                let (server, alice) = (star.server, star.guests[0])
                try await star.start()
                let listener = try await server.listen(["tcp/7001", "tcp/7002", "udp/7001", "udp/7002"])
                // A header of UDP is whole in 8 bytes, so that "late-flags" is a good form of it.
                let udp = Self.forms + ["late-flags"]
                let tcp = Self.forms

                // Denied first, allowed last: when the last has arrived the others had their time.
                let all = Self.forms + Self.incomplete
                let denied = try await alice.send(
                    all.map { $0 + ":udp/7002" } + all.map { $0 + ":tcp/7002" }, to: server)
                #expect(denied == [])
                let answered = try await alice.send(
                    tcp.map { $0 + ":tcp/7001" } + udp.map { $0 + ":udp/7001" }, to: server)
                #expect(answered == Set(tcp.map { $0 + ":tcp/7001=open" }))
                try await eventually("every form reaches the port that is allowed") {
                    listener.texts("udp/7001") == Set(udp)
                }
                #expect(listener.texts("udp/7002") == [] && listener.count("tcp/7002") == 0, "\(listener.lines)")

                let shown = try await server.shownFirewall()
                #expect(shown.inbound.packets == [udp.count + tcp.count, udp.count + tcp.count])
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aSpoofedSourceNeverReachesTheRules() async throws {
            try await Testbed.with { bed in
                let policy = "firewall: {rules: [{allow: udp/7001, from: [bob]}]}\n"
                let star = try await Star(in: bed, guests: ["alice", "bob"], firewall: policy)
                let (server, alice, bob) = (star.server, star.guests[0], star.guests[1])
                try await star.start()
                let listener = try await server.listen(["udp/7001", "udp/7002"])
                let spoofed = ["plain:udp/7001", "hop-by-hop:udp/7001", "plain:udp/7002"]

                // Alice's own portal does not carry what claims to be bob's.
                _ = try await alice.send(spoofed, to: server, from: bob.ip6, seconds: 0)
                try await eventually("alice's portal has dropped it") {
                    try await alice.portalDrops()["source not ours"] == spoofed.count
                }
                // Where her box is made to, since it takes bob for a network behind it, the server's does not.
                await alice.stop()
                alice.configuration.more += "networks: {prey: [\"\(bob.ip6)/128\"]}\n"
                try await alice.start()
                try await star.linked(alice)
                _ = try await alice.send(spoofed, to: server, from: bob.ip6, seconds: 0)
                try await eventually("the server's portal has dropped it") {
                    try await server.portalDrops()["source not the sender's"] == spoofed.count
                }
                let shown = try await server.shownFirewall()
                #expect(shown.inbound.packets == [0, 0] && shown.counters.values.allSatisfy { $0.packets == 0 })

                // The same packets from bob himself.
                _ = try await bob.send(spoofed, to: server, seconds: 0)
                try await eventually("bob's arrive") {
                    listener.texts("udp/7001") == ["plain", "hop-by-hop"]
                }
                #expect(try await server.shownFirewall().inbound.packets == [2, 1])
                #expect(listener.lines.allSatisfy { !$0.contains("received") || $0.contains(bob.ip6) })
                #expect(listener.count("udp/7001") == 2 && listener.count("udp/7002") == 0)
            }
        }
    }
}
