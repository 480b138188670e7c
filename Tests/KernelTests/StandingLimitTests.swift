import Foundation
import Testing

extension KernelTests {
    /// What one node may use of what is let through by itself.
    @Suite struct StandingLimits {
        /// A node that begins pings as fast as it can uses up its own part and nobody else's.
        @Test(.timeLimit(.minutes(2)))
        func oneNodesPingsDoNotSilenceTheOthers() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["bob", "carol"], firewall: "firewall: {default: deny}\n")
                try await star.start()
                let (server, bob, carol) = (star.server, star.guests[0], star.guests[1])
                let flood = try carol.start(
                    "python3", "-I", "-S", "-c", PingFlood.program, server.ip6, "400", "8")
                try await eventually("carol's pings are over her limit") {
                    try await server.shownFirewall().counters["icmpv6_over_limit"]?.packets ?? 0 > 200
                }
                for _ in 0..<10 { #expect(try await bob.reaches(server.ip6)) }
                #expect(flood.isRunning, "all the while")
                let ended = await flood.finish(within: .seconds(20))
                #expect(ended.succeeded, "\(ended)")
                let counters = try await server.shownFirewall().counters
                let (passed, dropped) = (counters["echo"]?.packets ?? 0, counters["icmpv6_over_limit"]?.packets ?? 0)
                print("of carol's 3,200 pings \(passed) passed and \(dropped) were over her limit")
                #expect(dropped > 1000)
                // 100 at once and 50 a second, and some of bob's; where the machine is slow it takes longer.
                #expect(passed < 1500)
                // What was met stands in the table, is bounded, and takes no reload's time.
                let met = try await server.nft("list", "set", "inet", "inet256vpn", "mesh_pings_in_met")
                #expect(met.contains(bob.ip6) && met.contains(carol.ip6) && met.contains("size 4096"), "\(met)")
                try await server.reload(firewall: "firewall: {default: deny, rules: [{allow: ssh}]}\n")
                #expect(try await bob.reaches(server.ip6))
            }
        }

        /// Pings into the mesh are what any other traffic of our own is: the rules decide, and no limit stands in the way.
        @Test(.timeLimit(.minutes(1)))
        func ownPingsAreNothingSpecial() async throws {
            try await Testbed.with { bed in
                func policy(_ outbound: String) -> String { "firewall: {outbound: {\(outbound)}}\n" }
                let star = try await Star(in: bed, guests: ["bob"], firewall: policy("default: allow"))
                try await star.start()
                let (server, bob) = (star.server, star.guests[0])
                // A refused one would end it with EPERM.
                let flood = try await server.run("python3", "-I", "-S", "-c", PingFlood.program, bob.ip6, "400", "2")
                #expect(flood.succeeded, "\(flood)")
                #expect(try await server.reaches(bob.ip6))
                for fallback in ["deny", "reject"] {
                    try await server.reload(firewall: policy("default: \(fallback)"))
                    #expect(try await !server.reaches(bob.ip6))
                    #expect(try await bob.reaches(server.ip6), "answers go out")
                }
                let rule = "{allow: icmpv6/echo-request, to: bob}"
                try await server.reload(firewall: policy("default: deny, rules: [\(rule)]"))
                #expect(try await server.reaches(bob.ip6))
            }
        }
    }
}

/// Begins pings, each one a run of its own, so that conntrack takes each for new.
private enum PingFlood {
    static let program = """
        import socket, struct, sys, time
        target, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        s.connect((target, 0))
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            s.send(struct.pack(">BBHHH", 128, 0, 0, number & 0xffff, 1) + bytes(8))
            ahead = began + number / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        """
}
