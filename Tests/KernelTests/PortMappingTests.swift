import Foundation
import Testing

extension KernelTests {
    /// A box behind a router that opens ports, by each of the protocols.
    @Suite struct PortMapping {
        /// A box at 192.168.1.2 whose default route goes to a router at 192.168.1.1.
        private struct Home {
            let box: Box
            let router: RunningCommand

            init(_ bed: Testbed, _ kind: String, external: String = "203.0.113.7") async throws {
                box = try await bed.box("alice")
                let namespace = try await bed.namespace("router")
                try await bed.wire(box.namespace, "lan0", "192.168.1.2/24", namespace, "lan0", "192.168.1.1/24")
                try await bed.ip("-n", box.namespace, "route", "add", "default", "via", "192.168.1.1")
                let program = Requirements.root + "/Tests/KernelTests/router.py"
                let started = try bed.start(["python3", program, kind, "192.168.1.1", external], in: namespace)
                router = started
                try await eventually("the router is there") { started.said.contains("ready") }
                box.configuration.portal = false
                box.configuration.more = ""
            }

            /// What the router did, line by line.
            var said: [String] { router.said.split(separator: "\n").map(String.init).filter { $0 != "ready" } }

            func facts() async throws -> [String: Any] { try await NetcheckJSON.facts(of: box) }

            func mapping() async throws -> [String: Any] {
                try #require(try await facts()["port_mapping"] as? [String: Any])
            }

            func mapped() async throws -> [String] { try await NetcheckJSON.candidates(of: box, "mapped") }
        }

        /// Got within a second, given back by the end, and by a reload that wants it no more.
        @Test(.timeLimit(.minutes(2)), arguments: [("pcp", "PCP"), ("natpmp", "NAT-PMP")])
        func aPortIsOpened(_ kind: String, _ name: String) async throws {
            try await Testbed.with { bed in
                let home = try await Home(bed, kind)
                let began = ContinuousClock.now
                try await home.box.start()
                try await eventually("there is a port") { try await home.mapped() == ["203.0.113.7:29632"] }
                #expect(ContinuousClock.now - began < .seconds(5))
                #expect(home.said == ["map 25632 29632 7200"])
                let mapping = try await home.mapping()
                #expect(mapping["state"] as? String == "mapped" && mapping["by"] as? String == name)
                #expect(mapping["lifetime_seconds"] as? Int == 7200)
                #expect(home.box.log.contains("the router has opened a port"))

                home.box.configuration.more = "port_mapping: off\n"
                try home.box.reload()
                try await eventually("it is given back") { home.said.last == "unmap 25632" }
                try await eventually("nobody is told of it") { try await home.mapped().isEmpty }
                #expect(try await home.mapping()["state"] as? String == "off")
                home.box.configuration.more = "port_mapping: auto\n"
                try home.box.reload()
                try await eventually("it is there again") { try await home.mapped().count == 1 }
                #expect(await home.box.stop()?.status == 0)
                try await eventually("the end gives it back") { home.said.last == "unmap 25632" }
                #expect(home.said.count == 4)
            }
        }

        /// The network is another: the port goes where the box is now, and nowhere when it is nowhere.
        @Test(.timeLimit(.minutes(2)))
        func theRouterChanges() async throws {
            try await Testbed.with { bed in
                let home = try await Home(bed, "pcp")
                try await home.box.start()
                try await eventually("there is a port") { try await home.mapped().count == 1 }
                let namespace = home.box.namespace
                try await bed.ip("-n", namespace, "route", "del", "default")
                try await eventually(within: .seconds(3), "there is none") { try await home.mapped().isEmpty }
                #expect(try await home.mapping()["state"] as? String == "impossible")
                #expect(home.said.last == "unmap 25632")
                try await bed.ip("-n", namespace, "route", "add", "default", "via", "192.168.1.1")
                try await eventually(within: .seconds(3), "it is there again") { try await home.mapped().count == 1 }
                // With a public address of its own the box needs nobody.
                try await bed.ip("-n", namespace, "address", "add", "203.0.113.9/24", "dev", "lan0")
                try await bed.ip(
                    "-n", namespace, "route", "replace", "default", "via", "192.168.1.1", "src", "203.0.113.9")
                try await eventually(within: .seconds(3), "nothing is needed") {
                    try await home.mapping()["state"] as? String == "not_needed"
                }
                #expect(home.said.last == "unmap 25632")
            }
        }

        /// Two NATs in series: said, and nobody is told of a port that leads nowhere.
        @Test(.timeLimit(.minutes(1)))
        func aRouterBehindAnother() async throws {
            try await Testbed.with { bed in
                let home = try await Home(bed, "pcp", external: "100.64.3.4")
                try await home.box.start()
                try await eventually("it is said") { try await home.mapping()["state"] as? String == "not_public" }
                #expect(try await home.mapped().isEmpty)
                #expect(home.box.log.contains("two NATs in series"))
                let shown = try await home.box.command("netcheck")
                #expect(shown.output.contains("two NATs in series"), "\(shown)")
            }
        }

        /// A router that says nothing: no trouble at all for anybody, and what was tried is said.
        @Test(.timeLimit(.minutes(1)))
        func aRouterThatIsSilent() async throws {
            try await Testbed.with { bed in
                let home = try await Home(bed, "silent")
                try await home.box.start()
                #expect(try await home.mapping()["state"] as? String == "asking")
                try await eventually("it has failed") { try await home.mapping()["state"] as? String == "failed" }
                let tried = try #require(try await home.mapping()["tried"] as? [String: String])
                #expect(tried["PCP"] == "no answer" && tried["NAT-PMP"] == "no answer" && tried["UPnP"] != nil)
                let began = ContinuousClock.now
                #expect(await home.box.stop()?.status == 0)
                #expect(ContinuousClock.now - began < .seconds(3))
            }
        }

        private static let hasUPnP = dlopen("libminiupnpc.so.17", RTLD_LAZY) != nil

        @Test(
            .timeLimit(.minutes(2)),
            .enabled(if: hasUPnP, "libminiupnpc17 is not installed"), arguments: ["igd", "igd-permanent"])
        func aPortIsOpenedByUPnP(_ kind: String) async throws {
            try await Testbed.with { bed in
                let home = try await Home(bed, kind)
                try await home.box.start()
                try await eventually("there is a port") { try await home.mapped() == ["203.0.113.7:25632"] }
                #expect(home.said == ["map 25632 25632 \(kind == "igd" ? "7200" : "0")"])
                #expect(try await home.mapping()["by"] as? String == "UPnP")
                #expect(await home.box.stop()?.status == 0)
                #expect(home.said.last == "unmap 25632")
            }
        }
    }
}

/// What `netcheck --json` says of a box.
enum NetcheckJSON {
    static func report(of box: Box) async throws -> [String: Any] {
        let shown = try await box.command("netcheck", "--json")
        let json = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
        return try #require(json as? [String: Any], "\(shown)")
    }

    static func facts(of box: Box) async throws -> [String: Any] {
        try #require(try await report(of: box)["facts"] as? [String: Any])
    }

    /// The endpoints of candidates of one kind, in order.
    static func candidates(of box: Box, _ kind: String) async throws -> [String] {
        let list = try #require(try await facts(of: box)["candidates"] as? [[String: Any]])
        return list.filter { $0["kind"] as? String == kind }.compactMap { $0["endpoint"] as? String }
    }
}
