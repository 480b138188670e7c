import Foundation
import Testing

extension KernelTests {
    /// Connections that are ended because the policy would not let them begin any more.
    @Suite struct Cutting {
        private static func policy(members: String, more: String = "", rules: String = "") -> String {
            "groups: {office: \(members)}\nfirewall: {rules: [{allow: any, from: [office]}\(rules)]\(more)}\n"
        }

        /// Both ends speak without being asked: whoever speaks first after the cut must not make the flow the box's own.
        @Test(.timeLimit(.minutes(2)))
        func whatIsCutDoesNotComeBackWhenTheServerSpeaks() async throws {
            try await Testbed.with { bed in
                let star = try await Star(
                    in: bed, guests: ["alice", "bob"], firewall: Self.policy(members: "[alice, bob]"))
                try await star.start()
                let (server, alice, bob) = (star.server, star.guests[0], star.guests[1])
                let speaker = try await server.speak()
                let (hers, his) = (try alice.hear(server), try bob.hear(server))
                try await Self.bothGoOn(hers, "alice")
                try await Self.bothGoOn(his, "bob")

                // Without being asked for, nothing is ended.
                try await server.reload(firewall: Self.policy(members: "[bob]"))
                try await Self.bothGoOn(hers, "alice, who is not allowed any more,")

                let cut = try await server.reload("--cut")
                #expect(cut.connections == 2 && cut.note == nil, "\(cut)")
                try await eventually("alice's connection is reset at both ends") {
                    hers.ends.contains("tcp ECONNRESET") && speaker.said.contains("broken \(alice.ip6) ECONNRESET")
                }
                try await Self.bothGoOn(his, "bob")
                let heard = hers.count("udp")
                try await Task.sleep(for: .seconds(2))
                #expect(hers.count("udp") == heard, "a flow that was cut came back")
                let shown = try await server.shownFirewall()
                #expect(shown.counters["cut"]?.packets ?? 0 > 5, "\(shown.counters)")
                #expect(try await server.nft("list", "set", "inet", "inet256vpn", "mesh_cut").contains(alice.ip6))

                // Allowed again: nothing is left of it.
                try await server.reload(firewall: Self.policy(members: "[alice, bob]"))
                try await eventually("alice's datagrams pass again") { hers.count("udp") > heard + 3 }
                #expect(try await !server.nft("list", "table", "inet", "inet256vpn").contains("mesh_cut"))
                try await Self.bothGoOn(his, "bob")
            }
        }

        /// `cut_removed`: with every reload, and what the rules would let anybody begin as well.
        @Test(.timeLimit(.minutes(2)))
        func aRemovedPeerLosesWhatItHasOpen() async throws {
            try await Testbed.with { bed in
                let policy = "firewall: {rules: [{allow: any}], cut_removed: true}\naccept: any\n"
                let star = try await Star(in: bed, guests: ["alice", "bob"], firewall: policy)
                try await star.start()
                let (server, alice, bob) = (star.server, star.guests[0], star.guests[1])
                let speaker = try await server.speak()
                let (hers, his) = (try alice.hear(server), try bob.hear(server))
                try await Self.bothGoOn(hers, "alice")
                try await Self.bothGoOn(his, "bob")
                server.configuration.peers.removeAll { $0.name == "alice" }
                try await server.reload(firewall: policy)
                try await eventually("the server's end of alice's connection is reset") {
                    speaker.said.contains("broken \(alice.ip6) ECONNRESET")
                }
                #expect(!speaker.said.contains("broken \(bob.ip6)"))
                try await Self.bothGoOn(his, "bob")
                #expect(server.log.contains("connections_cut=2"), "\(server.log.suffix(600))")
            }
        }

        /// To a network behind the box; what does not go through the portal is nobody's business.
        @Test(.timeLimit(.minutes(2)))
        func forwardedFlowsAreCutAndOthersAreNotTouched() async throws {
            try await Testbed.with { bed in
                func policy(_ rules: String) -> String {
                    "networks: {lan: [\"fdaa:1::/64\"]}\nfirewall: {rules: [\(rules)]}\n"
                }
                let star = try await Star(
                    in: bed, guests: ["alice"], firewall: policy("{allow: any, from: [alice], to: lan}"))
                let (server, alice) = (star.server, star.guests[0])
                alice.configuration.more += "networks: {there: {via: server, prefixes: [\"fdaa:1::/64\"]}}\n"
                let host = try await bed.box("host")
                try await bed.wire(host, "fdaa:1::2/64", server, "fdaa:1::1/64")
                try await bed.ip("-n", host.namespace, "-6", "route", "add", "default", "via", "fdaa:1::1")
                let forwarding = try await server.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
                try #require(forwarding.succeeded, "\(forwarding)")
                try await eventually("the host is known") { try await server.reaches("fdaa:1::2") }
                try await star.start()
                let speaker = try await host.speak()
                let (hers, local) = (try alice.hear("fdaa:1::2"), try server.hear("fdaa:1::2"))
                try await Self.bothGoOn(hers, "alice")
                try await Self.bothGoOn(local, "the gateway")
                try await server.reload(firewall: policy("{deny: any, to: lan}"))
                let cut = try await server.reload("--cut")
                #expect(cut.connections == 2, "\(cut)")
                try await eventually("alice's connection is reset at both ends") {
                    hers.ends.contains("tcp ECONNRESET") && speaker.said.contains("broken \(alice.ip6) ECONNRESET")
                }
                let heard = hers.count("udp")
                try await Self.bothGoOn(local, "the gateway")
                #expect(hers.count("udp") == heard)
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func whatCannotBeCutIsSaid() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: [], firewall: "firewall: {enabled: false}\n")
                try await star.server.start()
                let off = try await star.server.reload("--cut")
                #expect(off.connections == 0 && off.note?.contains("not enforced") == true, "\(off)")
                try "ip6 dscp ef accept\n".write(
                    toFile: star.server.directory + "/raw.nft", atomically: true, encoding: .utf8)
                try await star.server.reload(firewall: "firewall: {include: [raw.nft]}\n")
                let raw = try await star.server.reload("--cut")
                #expect(raw.connections == 0 && raw.note?.contains("firewall.include") == true, "\(raw)")
                let words = try await star.server.command("reload", "--cut")
                #expect(words.output.contains("connections cut: 0") && words.output.contains("NOT CUT"), "\(words)")
            }
        }

        private static func bothGoOn(_ ears: Ears, _ who: String) async throws {
            let (tcp, udp) = (ears.count("tcp"), ears.count("udp"))
            try await eventually("\(who) goes on hearing over both") {
                ears.count("tcp") > tcp + 3 && ears.count("udp") > udp + 3
            }
        }
    }
}

/// Somebody who hears a speaker over TCP and UDP.
private struct Ears {
    let command: RunningCommand

    private var lines: [Substring] { command.said.split(separator: "\n") }
    func count(_ kind: String) -> Int { lines.count { $0 == "\(kind) heard" } }
    var ends: [String] { lines.filter { !$0.hasSuffix("heard") }.map(String.init) }
}

/// The answer of `reload --json`.
private struct Reloaded: Decodable {
    let connections: Int?
    let note: String?

    enum CodingKeys: String, CodingKey {
        case connections = "connections_cut"
        case note = "cut_note"
    }
}

extension Box {
    fileprivate func speak() async throws -> RunningCommand {
        let command = try start("python3", "-I", "-S", "-c", Speaker.speaking)
        try await eventually("\(name) speaks") { command.said.contains("ready") }
        return command
    }

    fileprivate func hear(_ other: Box) throws -> Ears { try hear(other.ip6) }

    fileprivate func hear(_ address: String) throws -> Ears {
        Ears(command: try start("python3", "-I", "-S", "-c", Speaker.hearing, address))
    }

    fileprivate func reload(_ flag: String) async throws -> Reloaded {
        let outcome = try await command("reload", flag, "--json")
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return try JSONDecoder().decode(Reloaded.self, from: Data(outcome.output.utf8))
    }
}

private enum Speaker {
    /// Says something five times a second to everybody who has said something once.
    static let speaking = """
        import errno, select, socket, time
        def say(*words): print(*words, flush=True)
        tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("::", 7001))
        tcp.listen(16)
        udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        udp.bind(("::", 7002))
        connections, listeners, last = {}, set(), 0
        say("ready")
        while True:
            for s in select.select([tcp, udp], [], [], 0.05)[0]:
                try:
                    if s is tcp:
                        other, peer = tcp.accept()
                        other.setblocking(False)
                        connections[other] = peer[0]
                    else:
                        listeners.add(udp.recvfrom(100)[1])
                except OSError:
                    pass
            if time.monotonic() - last < 0.2:
                continue
            last = time.monotonic()
            for s, peer in list(connections.items()):
                try:
                    s.send(b"tick")
                except BlockingIOError:
                    pass
                except OSError as error:
                    say("broken", peer, errno.errorcode.get(error.errno))
                    del connections[s]
            for peer in listeners:
                try:
                    udp.sendto(b"tick", peer)
                except OSError:
                    pass
        """

    /// Says something by each every second, and hears.
    static let hearing = """
        import errno, select, socket, sys, time
        def say(*words): print(*words, flush=True)
        tcp = socket.create_connection((sys.argv[1], 7001), timeout=20)
        udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        udp.connect((sys.argv[1], 7002))
        live, last = {tcp: "tcp", udp: "udp"}, 0
        while True:
            if time.monotonic() - last > 1:
                last = time.monotonic()
                for s in live:
                    try:
                        s.send(b"hello")
                    except OSError:
                        pass
            for s in select.select(list(live), [], [], 0.2)[0]:
                try:
                    data = s.recv(100)
                    if data:
                        for _ in range(max(1, len(data) // 4)): say(live[s], "heard")
                    else:
                        say(live.pop(s), "closed")
                except OSError as error:
                    if live[s] == "udp":
                        continue
                    say(live.pop(s), errno.errorcode.get(error.errno))
        """
}
