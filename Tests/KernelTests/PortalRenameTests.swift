import Foundation
import Testing

extension KernelTests {
    /// The interface is renamed while it carries traffic, as udev, .link files and hands do.
    @Suite struct PortalRename {
        /// Ports that the policy denies never answer, however often the name changes, and those that it allows go on.
        @Test(.timeLimit(.minutes(2)), arguments: ["", "include: [raw.nft], "])
        func aRenameNeverOpensTheFirewall(_ include: String) async throws {
            try await Testbed.with { bed in
                let star = try await Star(
                    in: bed, guests: ["alice"], firewall: "firewall: {\(include)rules: [{allow: tcp/7002}]}\n")
                let (server, alice) = (star.server, star.guests[0])
                try "tcp dport 7009 accept\n".write(
                    toFile: server.directory + "/raw.nft", atomically: true, encoding: .utf8)
                try await star.start()
                let listener = try await server.listen(["tcp/7001", "tcp/7002"])
                let flood = try alice.flood(server, ports: ["7001", "7002"])
                try await eventually("the port that is open answers") { flood["7002"].opened > 50 }
                for _ in 0..<20 {
                    let before = flood["7001"].tries
                    // Whichever name it has at the moment.
                    for (old, new) in [(Box.interface, "fled"), ("fled", Box.interface)] {
                        _ = try await server.run("ip", "link", "set", old, "name", new)
                        try await eventually("the denied port is tried") { flood["7001"].tries > before + 5 }
                    }
                }
                let opened = flood["7002"].opened
                try await eventually("the port that is open still answers") { flood["7002"].opened > opened + 50 }
                await flood.stop()
                #expect(flood["7001"].opened == 0 && flood["7001"].reset == 0, "\(flood["7001"])")
                #expect(listener.count("tcp/7001") == 0)
            }
        }

        /// The rules are about the portal; an interface of somebody else's that gets its name is none of theirs.
        @Test(.timeLimit(.minutes(1)))
        func aStrangerWithTheNameIsNotThePortal() async throws {
            try await Testbed.with { bed in
                let server = try await bed.box("server")
                server.configuration.more = "firewall: {rules: [{allow: tcp/7002}]}\n"
                try await server.start()
                let far = try await bed.namespace("far")
                #expect(try await server.run("ip", "link", "set", Box.interface, "name", "fled").succeeded)
                try await bed.ip(
                    "-n", server.namespace, "link", "add", "stranger", "type", "veth", "peer", "name", "there", "netns",
                    far)
                try await bed.ip("-n", server.namespace, "address", "add", "10.57.9.2/24", "dev", "stranger")
                try await bed.ip("-n", far, "address", "add", "10.57.9.1/24", "dev", "there")
                // The daemon may have been faster and have its name again.
                try await eventually("the stranger has the portal's name") {
                    _ = try await server.run("ip", "link", "set", Box.interface, "name", "fled")
                    return try await server.run("ip", "link", "set", "stranger", "name", Box.interface).succeeded
                }
                try await bed.ip("-n", server.namespace, "link", "set", Box.interface, "up")
                try await bed.ip("-n", far, "link", "set", "there", "up")
                try await eventually("the stranger's pings are answered") {
                    try await bed.run(["ping", "-c", "1", "-W", "1", "10.57.9.2"], in: far).succeeded
                }
                let table = try await server.nft("list", "table", "inet", "inet256vpn")
                #expect(!table.contains("ifname"), "a rule goes by a name: \(table)")
            }
        }
    }
}
