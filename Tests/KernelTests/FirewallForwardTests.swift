import Foundation
import Testing

extension KernelTests {
    /// Networks behind a box: what is forwarded to them and from them.
    @Suite struct FirewallForwarding {
        private static let policy = """
            networks: {lan: ["fdaa:1::/64"], yard: ["fdaa:2::/64"]}
            firewall:
              rules:
                - {allow: [tcp/8080, icmpv6/echo-request], from: [alice], to: lan}
                - {reject: tcp/8081, from: any, to: lan}
                - {allow: tcp/8082, from: any}
              outbound:
                rules: [{reject: tcp/25, to: any}]
              nat: [{masquerade: yard}]

            """

        @Test(.timeLimit(.minutes(1)))
        func networksBehindTheBoxHaveRulesOfTheirOwn() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice", "bob"], firewall: Self.policy)
                let (server, alice, bob) = (star.server, star.guests[0], star.guests[1])
                for guest in star.guests {
                    guest.configuration.more += "networks: {there: {via: server, prefixes: [\"fdaa:1::/64\"]}}\n"
                }
                // Hosts without a daemon, one in each network.
                let host = try await bed.box("host")
                let gardener = try await bed.box("gardener")
                for (box, network) in [(host, "fdaa:1::"), (gardener, "fdaa:2::")] {
                    try await bed.wire(box, "\(network)2/64", server, "\(network)1/64")
                    try await bed.ip("-n", box.namespace, "-6", "route", "add", "default", "via", "\(network)1")
                }
                let forwarding = try await server.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
                try #require(forwarding.succeeded, "\(forwarding)")
                // For others the kernel asks for neighbours from its link-local address alone, which takes a second to settle.
                for network in ["fdaa:1::", "fdaa:2::"] {
                    try await eventually("the host in \(network) is known") { try await server.reaches("\(network)2") }
                }
                try await star.start()
                _ = try await host.listen(["tcp/8080", "tcp/8081", "tcp/8082", "tcp/8083"])
                _ = try await server.listen(["tcp/8080", "tcp/8082"])
                let ports = ["tcp/8080", "tcp/8081", "tcp/8082", "tcp/8083"]

                // A rule for the network is none for the box, and the other way round.
                let inside = try await alice.ask("fdaa:1::2", ports)
                #expect(inside == ["answered", "ECONNREFUSED", "silent", "silent"])
                #expect(try await bob.ask("fdaa:1::2", ports) == ["silent", "ECONNREFUSED", "silent", "silent"])
                #expect(try await alice.ask(server, ["tcp/8080", "tcp/8082"]) == ["silent", "answered"])
                #expect(try await alice.reaches("fdaa:1::2"))
                // alice to lan: 8080 and a ping; both: 8081; alice to the box: 8082; the rest: two, three and one.
                #expect(try await server.shownFirewall().inbound.packets == [2, 2, 1, 6])

                // From the networks into the mesh, with the host's own address and with the box's.
                let listener = try await alice.listen(["tcp/25", "udp/8500"])
                #expect(try await host.ask(alice, ["tcp/25", "udp/8500"]) == ["ECONNREFUSED", "answered"])
                #expect(try await gardener.ask(alice, ["tcp/25", "udp/8500"]) == ["ECONNREFUSED", "answered"])
                #expect(listener.count("tcp/25") == 0)
                #expect(
                    listener.lines.dropFirst() == [
                        "udp/8500 received fdaa:1::2 question", "udp/8500 received \(server.ip6) question",
                    ])
                // A router tells of its multicast groups as well, which are among the rest.
                let outbound = try await server.shownFirewall().outbound
                #expect(outbound.packets[0] == 2 && outbound.packets[1] >= 2, "\(outbound)")
            }
        }
    }
}
