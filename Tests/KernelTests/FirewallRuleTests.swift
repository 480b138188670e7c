import Foundation
import Testing

extension KernelTests {
    /// Real packets of real peers meet the rules.
    @Suite struct FirewallRules {
        private static let policy = """
            groups:
              admins: [alice]
              office: [admins, bob]
            firewall:
              rules:
                - {allow: ssh, from: [admins]}
                - {deny: any, from: [mallory]}
                - {allow: [tcp/8000-8010, udp/5000-5010], from: [office]}
                - {reject: [tcp/9000, udp/9000]}
                - {allow: udp/6000, from: [bob], limit: {rate: 3/minute, burst: 3}}
                - {deny: icmpv6/echo-request, from: [bob]}

            """

        @Test(.timeLimit(.minutes(1)))
        func eachPeerGetsWhatItsGroupsMay() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice", "bob", "mallory"], firewall: Self.policy)
                let (server, alice, bob, mallory) = (star.server, star.guests[0], star.guests[1], star.guests[2])
                try await star.start()
                // Everything listens, so that only the firewall can be why something is silent.
                _ = try await server.listen([
                    "tcp/22", "tcp/7999", "tcp/8000", "tcp/8010", "tcp/8011", "udp/4999", "udp/5000", "udp/5010",
                    "udp/5011", "tcp/9000", "udp/9000", "udp/6000",
                ])
                let before = try await server.shownFirewall()
                #expect(before.enforced && before.owned)
                #expect(before.inbound.packets == [0, 0, 0, 0, 0, 0, 0])

                // From alice: rule 0; rule 2 four times; rule 3 twice; the rest five times.
                let toAlice = try await alice.ask(
                    server,
                    [
                        "tcp/22", "tcp/8000", "tcp/8010", "udp/5000", "udp/5010", "tcp/9000", "udp/9000", "tcp/7999",
                        "tcp/8011", "udp/4999", "udp/5011", "udp/6000",
                    ])
                #expect(
                    toAlice == [
                        "answered", "answered", "answered", "answered", "answered", "ECONNREFUSED", "EACCES", "silent",
                        "silent", "silent", "silent", "silent",
                    ])
                #expect(try await alice.reaches(server.ip6))
                // From bob: the rest once for ssh; rule 2 once; rule 4 for as much as it lets through, then the rest.
                let toBob = try await bob.ask(
                    server, ["tcp/22", "tcp/8000"] + [String](repeating: "udp/6000", count: 8))
                #expect(toBob.prefix(2) == ["silent", "answered"])
                #expect(toBob.dropFirst(2).sorted() == Self.answered(3) + Self.silent(5))
                #expect(try await !bob.reaches(server.ip6))
                // From mallory: rule 1, whatever it is.
                let toMallory = try await mallory.ask(server, ["tcp/22", "tcp/8000", "udp/5000", "tcp/9000"])
                #expect(toMallory == Self.silent(4))
                #expect(try await !mallory.reaches(server.ip6))

                let after = try await server.shownFirewall()
                #expect(after.inbound.packets == [1, 5, 5, 2, 3, 1, 5 + 6], "\(after.inbound.rules)")
                #expect(after.counters["echo"]?.packets == 1)
                // "question" behind the headers of UDP and IPv6.
                #expect(after.inbound.rules[4].count.bytes == 3 * (40 + 8 + 8))
                #expect(after.outbound.packets == [0])

                try await answersComeBack(from: [alice, mallory], to: server, after)
                try await ssh(server, from: alice, not: bob)
            }
        }

        private static func answered(_ count: Int) -> [String] { .init(repeating: "answered", count: count) }
        private static func silent(_ count: Int) -> [String] { .init(repeating: "silent", count: count) }

        /// Under default deny, and even from whom everything is denied: the server asked.
        private func answersComeBack(from guests: [Box], to server: Box, _ before: ShownFirewall) async throws {
            for guest in guests {
                _ = try await guest.listen(["tcp/8500", "udp/8501"])
                #expect(try await server.ask(guest, ["tcp/8500", "udp/8501"]) == Self.answered(2))
                #expect(try await server.reaches(guest.ip6))
                // Nobody listens: that answer comes back, too, one of them as an error of ICMPv6.
                let refused = try await server.ask(guest, ["tcp/8600", "udp/8601"])
                #expect(refused == ["ECONNREFUSED", "ECONNREFUSED"])
            }
            let after = try await server.shownFirewall()
            #expect(after.inbound.packets == before.inbound.packets)
            // Four questions and a ping each.
            #expect(after.outbound.packets == [5 * guests.count])
        }

        /// The real thing, on another port than the listener's: by a rule that a reload brings.
        private func ssh(_ server: Box, from admin: Box, not other: Box) async throws {
            guard FileManager.default.isExecutableFile(atPath: Self.sshd) else { throw NotThere(what: Self.sshd) }
            for key in ["host", "user"] {
                let path = "\(server.directory)/\(key)"
                let made = try await server.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
                try #require(made.succeeded, "\(made)")
            }
            let keys = server.directory
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
            let daemon = try server.start(words: [
                Self.sshd, "-D", "-e", "-f", "/dev/null", "-h", "\(keys)/host", "-o",
                "ListenAddress=[\(server.ip6)]:2222",
                "-o", "PidFile=none", "-o", "AuthorizedKeysFile=\(keys)/user.pub", "-o", "StrictModes=no", "-o",
                "PasswordAuthentication=no", "-o", "UsePAM=yes",
            ])
            try await eventually("sshd listens") { daemon.said.contains("Server listening") }
            let policy = Self.policy.replacing("allow: ssh", with: "allow: [ssh, tcp/2222]")
            try await server.reload(firewall: policy)
            func login(_ guest: Box) async throws -> Outcome {
                try await guest.run(words: [
                    "ssh", "-F", "/dev/null", "-i", "\(keys)/user", "-p", "2222", "-o", "BatchMode=yes", "-o",
                    "ConnectTimeout=1", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                    "root@\(server.ip6)", "echo", "hello from", "$SSH_CONNECTION",
                ])
            }
            let inside = try await login(admin)
            #expect(inside.succeeded && inside.output.contains("hello from \(admin.ip6)"), "\(inside)")
            let outside = try await login(other)
            #expect(!outside.succeeded && outside.errors.contains("timed out"), "\(outside)")
        }

        private static let sshd = "/usr/sbin/sshd"
    }
}
