import Foundation
import Testing

extension KernelTests {
    /// The page at the box's own address in the mesh: the firewall's rules say who comes there.
    @Suite struct Dashboard {
        private static let admins = """
            groups: {admins: [alice]}
            firewall: {rules: [{allow: tcp/2580, from: admins}]}

            """

        @Test(.timeLimit(.minutes(1)))
        func adminsSeeThePageOverTheMesh() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["alice", "mallory"], firewall: Self.admins)
                let (server, alice, mallory) = (star.server, star.guests[0], star.guests[1])
                // The address comes with the portal, later than the listener.
                server.configuration.more +=
                    "dashboard: {listen: \"tcp://[\(server.ip6)]:2580\", allow_remote: true}\n"
                try await star.start()
                #expect(!server.log.contains("is open to other machines"), "\(server.log)")
                let page = try await alice.page(of: server, "/")
                #expect(page.contains("Would this be allowed?") && page.contains("allow tcp/2580 from admins"))
                #expect(page.contains("content-security-policy: default-src 'none'"))
                #expect(
                    try await alice.page(of: server, "/allowed?from=mallory&to=tcp%2F2580").contains(
                        "<strong>deny</strong>"))
                #expect(try await alice.page(of: server, "/data.json").contains("\"peers\":[[\"table\""))
                #expect(try await alice.page(of: server, "/admin/status").hasPrefix("404"))
                #expect(try await mallory.page(of: server, "/").hasPrefix("no answer"))
                // And in a terminal: of 40 columns and 10 lines, given back by the key q, and held meanwhile by Ctrl-Z.
                let screen = try await server.run(words: [
                    "python3", Requirements.root + "/Tests/KernelTests/terminal.py", server.configuration.api,
                    try Requirements.binary(), "top", "--interval", "0.2",
                ])
                #expect(screen.succeeded && screen.output.contains("given back"), "\(screen)")
                let top = try await server.command("top", "--once", "--interval", "0.2")
                #expect(top.succeeded && top.output.contains("alice") && !top.output.contains("\u{1b}"), "\(top)")
            }
        }
    }
}

extension Box {
    /// Status, header fields and body; or that nobody answered.
    fileprivate func page(of other: Box, _ path: String) async throws -> String {
        let program = """
            import sys, urllib.request as r, urllib.error
            try:
                answer = r.urlopen(sys.argv[1], timeout=3)
            except urllib.error.HTTPError as refusal:
                answer = refusal
            except OSError as error:
                sys.exit(print("no answer", error))
            print(answer.status, str(answer.headers).lower(), answer.read().decode())
            """
        return try await run(words: ["python3", "-c", program, "http://[\(other.ip6)]:2580\(path)"]).output
    }
}
