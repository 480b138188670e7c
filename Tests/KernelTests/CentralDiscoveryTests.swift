import Foundation
import Testing

extension KernelTests {
    /// Boxes that find each other by a server.
    @Suite struct CentralDiscovery {
        /// Two boxes, each behind a router of its own that translates addresses, and a place in the middle that both reach.
        private struct Site {
            let a: Box
            let b: Box
            let middle: String

            static func make(_ bed: Testbed) async throws -> Site {
                let middle = try await bed.namespace("middle")
                for key in ["net.ipv4.ip_forward=1"] {
                    _ = try await bed.run(["sysctl", "-qw", key], in: middle)
                }
                var boxes: [Box] = []
                for (number, name) in ["a", "b"].enumerated() {
                    let box = try await bed.box(name)
                    let router = try await bed.namespace("r\(name)")
                    try await bed.wire(
                        box.namespace, "eth0", "10.\(number + 1).0.2/24", router, "in", "10.\(number + 1).0.1/24")
                    try await bed.wire(
                        router, "out", "198.51.10\(number).2/24", middle, "to-\(name)", "198.51.10\(number).1/24")
                    try await bed.ip("-n", box.namespace, "route", "add", "default", "via", "10.\(number + 1).0.1")
                    try await bed.ip("-n", router, "route", "add", "default", "via", "198.51.10\(number).1")
                    _ = try await bed.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"], in: router)
                    // One outside port for all destinations, which lets in who was spoken to alone. What it does not let in is dropped before
                    // connection tracking keeps it: else the router itself would have that port, and the box behind it another.
                    let rules = """
                        table ip nat {
                            chain post {
                                type nat hook postrouting priority 100
                                oifname "out" ip protocol udp snat to 198.51.10\(number).2
                            }
                        }
                        table ip f {
                            chain own {
                                type filter hook input priority 0
                                iifname "out" ct state new drop
                            }
                            chain through {
                                type filter hook forward priority 0; policy drop
                                iifname "in" accept
                                ct state established,related accept
                            }
                        }
                        """
                    let loaded = try await bed.run(["nft", rules], in: router)
                    guard loaded.succeeded else { throw CommandError.failed(loaded) }
                    boxes.append(box)
                }
                return Site(a: boxes[0], b: boxes[1], middle: middle)
            }

            func prepare(_ discovery: String) {
                a.configuration.peers = [.init(name: b.name, id: b.address)]
                b.configuration.peers = [.init(name: a.name, id: a.address)]
                for box in [a, b] {
                    box.configuration.portal = false
                    box.configuration.more = discovery + "\nstate_file: none\nlog: {level: debug}\n"
                }
            }
        }

        private static func areLinked(_ boxes: Box...) async throws -> Bool {
            for box in boxes { guard try await isLinked(box) else { return false } }
            return true
        }

        private static func isLinked(_ box: Box) async throws -> Bool {
            try await box.command("status").output.contains("1 of 1 up")
        }

        @Test(.timeLimit(.minutes(3)), arguments: ["all", "peers"])
        func twoBehindRoutersFindEachOther(visibility: String) async throws {
            try await Testbed.with { bed in
                let site = try await Site.make(bed)
                let server = try bed.start(
                    [Requirements.binary(), "central-discovery", "198.51.100.1:25633", "--json"], in: site.middle)
                try await eventually("the server listens") { server.said.contains("listening") }
                site.prepare(
                    "discovery: [{central: {endpoint: \"198.51.100.1:25633\", period: 5s, visibility: \(visibility)}}]")
                try await site.a.start()
                try await site.b.start()
                try await eventually(within: .seconds(40), "both were found") {
                    site.a.log.contains("198.51.101.2:25632") && site.b.log.contains("198.51.100.2:25632")
                }
                try await eventually(within: .seconds(40), "they are linked") {
                    try await Self.areLinked(site.a, site.b)
                }
                let status = try await site.a.command("status").output
                let line = "discovery  198.51.100.1:25633 sees this box at 198.51.100.2:25632\n"
                #expect(status.contains(line), "\(status)")
            }
        }

        /// A box that is public anyway is the server, on the mesh's own port.
        @Test(.timeLimit(.minutes(3))) func aBoxServes() async throws {
            try await Testbed.with { bed in
                let site = try await Site.make(bed)
                let server = try await Box("c", namespace: site.middle, in: bed)
                server.configuration.portal = false
                server.configuration.more = "serve: {discovery: true}\naccept: any\nstate_file: none\n"
                try await server.start()
                site.prepare("discovery: [{central: {endpoint: \"198.51.100.1:25632\", period: 5s}}]")
                try await site.a.start()
                try await site.b.start()
                try await eventually(within: .seconds(40), "both were found") {
                    site.a.log.contains("198.51.101.2:25632") && site.b.log.contains("198.51.100.2:25632")
                }
                await server.stop()
            }
        }

        /// Without any configured endpoint: by where the peer was in the run before.
        @Test(.timeLimit(.minutes(2))) func whereAPeerWasLastIsTriedAtTheNextStart() async throws {
            try await Testbed.with { bed in
                let a = try await bed.box("a")
                let b = try await bed.box("b")
                try await bed.wire(a, "10.1.1.1/24", b, "10.1.1.2/24")
                b.configuration.peers = [.init(name: "a", id: a.address)]
                a.configuration.peers = [.init(name: "b", id: b.address, endpoints: ["10.1.1.2:25632"])]
                for box in [a, b] {
                    box.configuration.portal = false
                    box.configuration.more = "state_file: ./places\n"
                }
                try await a.start()
                try await b.start()
                try await eventually("they are linked") { try await Self.isLinked(a) }
                try await eventually("it is kept") {
                    try a.kept() == "inet256vpn endpoints 1\n\(b.address) 10.1.1.2:25632\n"
                }
                await a.stop()
                // b forgets that it ever spoke to a, and a whom to call.
                await b.stop()
                b.configuration.more = "state_file: none\n"
                a.configuration.peers = [.init(name: "b", id: b.address)]
                try await b.start()
                try await a.start()
                try await eventually("they are linked again") { try await Self.isLinked(a) }
            }
        }
    }
}

extension Box {
    /// What its file of places says.
    fileprivate func kept() throws -> String? {
        let path = directory + "/places"
        return FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : nil
    }
}
