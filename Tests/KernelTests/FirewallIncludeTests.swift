import Foundation
import Testing

extension KernelTests {
    /// Raw nft text, and others who meddle with the table.
    @Suite struct FirewallMeddling {
        @Test(.timeLimit(.minutes(1)))
        func rawTextIsInForceAndPutBack() async throws {
            try await Testbed.with { bed in
                let star = try await Star(
                    in: bed, guests: ["alice"],
                    firewall: "firewall: {include: [\"*.nft\"], rules: [{reject: tcp/7006}]}\n")
                let (server, alice) = (star.server, star.guests[0])
                try "tcp dport 7005 counter accept\ntcp dport 7006 ip6 saddr \(alice.ip6) accept\n".write(
                    toFile: server.directory + "/raw.nft", atomically: true, encoding: .utf8)
                try await star.start()
                _ = try await server.listen(["tcp/7005", "tcp/7006", "tcp/7007"])
                let services = ["tcp/7005", "tcp/7006", "tcp/7007"]
                let answers = ["answered", "answered", "silent"]
                #expect(try await alice.ask(server, services) == answers)
                let shown = try await server.shownFirewall()
                #expect(shown.enforced && !shown.owned && shown.includes == [server.directory + "/raw.nft"])
                #expect(shown.inbound.packets == [0, 1])

                let right = try await Self.table(server)
                #expect(right.contains("tcp dport 7005"))
                for (meddling, times) in [
                    (["flush", "table", "inet", "inet256vpn"], 1), (["delete", "table", "inet", "inet256vpn"], 2),
                    (["insert", "rule", "inet", "inet256vpn", "input", "accept"], 3),
                    (["flush", "chain", "inet", "inet256vpn", "mesh_include"], 4), (["flush", "ruleset"], 5),
                ] {
                    let done = try await server.run(words: ["nft"] + meddling)
                    try #require(done.succeeded, "\(done)")
                    let moment = ContinuousClock.now
                    try await eventually(within: .seconds(5), "\(meddling) is undone") {
                        try await Self.table(server) == right
                    }
                    #expect(ContinuousClock.now - moment < .seconds(1) * Requirements.slack, "\(meddling)")
                    try await eventually("the log says who did it") {
                        server.log.split(separator: "\n").count { $0.contains("nft (process ") } == times
                    }
                }
                #expect(try await alice.ask(server, services) == answers)

                // The raw text changes with a reload, and a broken one leaves the old one in force.
                let file = server.directory + "/raw.nft"
                try "tcp dport 7007 accept\n".write(toFile: file, atomically: true, encoding: .utf8)
                try await server.reload(firewall: server.configuration.more)
                #expect(try await alice.ask(server, services) == ["silent", "ECONNREFUSED", "answered"])
                let changed = try await Self.table(server)
                try "tcp dport @nowhere accept\n".write(toFile: file, atomically: true, encoding: .utf8)
                try server.reload()
                try await eventually("the reload is refused") { server.refusedReloads.count == 1 }
                #expect(try await Self.table(server) == changed)
                #expect(try await alice.ask(server, services) == ["silent", "ECONNREFUSED", "answered"])

                // Such a table outlives its daemon; the next one takes its place, and one that stops takes it away.
                try "tcp dport 7005 counter accept\n".write(toFile: file, atomically: true, encoding: .utf8)
                await server.kill()
                #expect(try await Self.table(server) == changed)
                try await server.start()
                #expect(try await server.nft("list", "tables") == "table inet inet256vpn\n")
                #expect(try await Self.table(server) != changed)
                await server.stop()
                #expect(try await server.nft("list", "tables") == "")
            }
        }

        /// Without raw text the kernel keeps others out.
        @Test(.timeLimit(.minutes(1)))
        func anOwnedTableRefusesOthers() async throws {
            try await Testbed.with { bed in
                let server = try await bed.box("server")
                try await server.start()
                let right = try await Self.table(server)
                #expect(right.contains("flags owner"))
                for meddling in ["flush table", "delete table", "insert rule"] {
                    let rest = meddling == "insert rule" ? ["input", "accept"] : []
                    let words = meddling.split(separator: " ").map(String.init) + ["inet", "inet256vpn"] + rest
                    let refused = try await server.run(words: ["nft"] + words)
                    #expect(!refused.succeeded && refused.errors.contains("Operation not permitted"), "\(refused)")
                }
                _ = try await server.nft("flush", "ruleset")
                #expect(try await Self.table(server) == right)
            }
        }

        /// The table without handles and numbers; nothing when there is none. Where the interface is gone nft shows its index.
        private static func table(_ server: Box) async throws -> String {
            let shown = try await server.run(words: ["nft", "-s", "list", "table", "inet", "inet256vpn"]).output
            return shown.replacing(#/([io]if) ("inet256"|\d+)/#) { "\($0.output.1) portal" }
        }
    }
}
