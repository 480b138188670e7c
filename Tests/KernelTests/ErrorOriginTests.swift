import Foundation
import Testing

extension KernelTests {
    /// Whose ICMPv6 errors a box's kernel gets to see.
    @Suite struct ErrorOrigin {
        private static let unfounded = "unfounded ICMPv6 error"
        private static let forLink = "ICMPv6 for a link"
        /// Pings are answered, nothing else is allowed: errors pass by themselves.
        private static let firewall = "firewall: {default: deny}\n"

        /// The server speaks to bob; a third node and then bob say that its packets are too big.
        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func aThirdNodesPacketTooBigIsNotBelieved(threads: Int) async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["bob", "carol"], firewall: Self.firewall)
                star.server.configuration.more += "threads: \(threads)\n"
                try await star.start()
                let (alice, bob, carol) = (star.server, star.guests[0], star.guests[1])
                try await eventually("alice reaches bob") { try await alice.reaches(bob.ip6) }
                let before = try await alice.route(to: bob)
                #expect(!before.contains("mtu 1280"), "\(before)")

                let count = 50
                try await carol.sayTooBig(to: alice, about: (alice.ip6, bob.ip6), count: count)
                // Behind them on the same way, so that they have come.
                #expect(try await carol.reaches(alice.ip6))
                #expect(try await !alice.route(to: bob).contains("mtu 1280"))
                #expect(try await alice.portalDrops()[Self.unfounded] == count)

                // About traffic that is not the receiver's own, by the one that it would have gone to.
                try await bob.sayTooBig(to: alice, about: (carol.ip6, bob.ip6), count: 1)
                try await eventually("it has come") { try await alice.portalDrops()[Self.unfounded] == count + 1 }

                try await bob.sayTooBig(to: alice, about: (alice.ip6, bob.ip6), count: 1)
                try await eventually("the genuine error is believed") {
                    try await alice.route(to: bob).contains("mtu 1280")
                }
                #expect(try await alice.portalDrops()[Self.unfounded] == count + 1)
                #expect(try await alice.reaches(bob.ip6))
            }
        }

        /// No node of the mesh is a neighbour or a router, whatever the firewall lets pass.
        @Test(.timeLimit(.minutes(2)))
        func routersAndNeighboursAreNotHeard() async throws {
            try await Testbed.with { bed in
                let star = try await Star(in: bed, guests: ["carol"], firewall: "firewall: {enabled: false}\n")
                try await star.start()
                let (alice, carol) = (star.server, star.guests[0])
                let before = try await alice.kernelState()
                let types = [130, 131, 132, 133, 134, 135, 136, 137, 143]
                for type in types { try await carol.sayRaw(type: type, to: alice) }
                try await eventually("all have come") { try await alice.portalDrops()[Self.forLink] == types.count }
                #expect(try await alice.kernelChanges(since: before).isEmpty)
                let neighbours = try await alice.run("ip", "-6", "neighbour", "show", "dev", Box.interface)
                #expect(!neighbours.output.contains(carol.ip6), "\(neighbours)")
            }
        }
    }
}

extension Box {
    fileprivate func route(to other: Box) async throws -> String {
        let shown = try await run("ip", "-6", "-o", "route", "get", other.ip6)
        guard shown.succeeded else { throw CommandError.failed(shown) }
        return shown.output
    }

    /// Sends Packet Too Big (1280) about an echo request.
    fileprivate func sayTooBig(
        to target: Box, about quoted: (source: String, destination: String), count: Int
    ) async throws {
        try await send(ICMPv6Sender.tooBig, [target.ip6, quoted.source, quoted.destination, "\(count)"])
    }

    /// Sends ICMPv6 of a type, with the hop limit that neighbours are believed with.
    fileprivate func sayRaw(type: Int, to target: Box) async throws {
        try await send(ICMPv6Sender.raw, [target.ip6, "\(type)", ip6])
    }

    private func send(_ program: String, _ words: [String]) async throws {
        let sent = try await run(words: ["python3", "-I", "-S", "-c", program] + words)
        guard sent.succeeded else { throw CommandError.failed(sent) }
    }
}

/// Programs in Python that send ICMPv6 by hand; the kernel reckons the checksum.
private enum ICMPv6Sender {
    static let tooBig = """
        import socket, struct, sys
        target, source, destination, count = sys.argv[1:]
        address = lambda text: socket.inet_pton(socket.AF_INET6, text)
        echo = struct.pack(">BBHHH", 128, 0, 0, 7, 1) + bytes(1192)
        quoted = struct.pack(">IHBB", 6 << 28, len(echo), 58, 64) + address(source) + address(destination) + echo
        message = struct.pack(">BBHI", 2, 0, 0, 1280) + quoted[:1232]
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        for _ in range(int(count)):
            s.sendto(message, (target, 0))
        """

    static let raw = """
        import socket, struct, sys
        target, kind, own = sys.argv[1:]
        address = lambda text: socket.inet_pton(socket.AF_INET6, text)
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
        # Flags or lifetimes as large as they can be, a target, a destination, and an option with a link's address.
        body = b"\\x40\\xff\\x00\\xff" + address(own) + address("2001:db8::66") + b"\\x02\\x01\\x02\\x00\\x00\\x00\\x00\\x01"
        s.sendto(struct.pack(">BBH", int(kind), 0, 0) + body, (target, 0))
        """
}
