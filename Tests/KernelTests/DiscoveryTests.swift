import Foundation
import Testing

extension KernelTests {
    /// Boxes that nobody told where the others are.
    @Suite struct Discovery {
        /// A bridge in a namespace of its own, and boxes on it.
        private static func lan(_ bed: Testbed) async throws -> String {
            let lan = try await bed.namespace("lan")
            try await bed.ip("-n", lan, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            try await bed.ip("-n", lan, "link", "set", "br0", "up")
            return lan
        }

        private static func plug(_ box: Box, into lan: String, _ bed: Testbed, as link: String = "eth0") async throws {
            let port = "p-\(box.name)-\(link)"
            try await bed.ip(
                "-n", lan, "link", "add", port, "type", "veth", "peer", "name", link, "netns", box.namespace)
            try await bed.ip("-n", lan, "link", "set", port, "master", "br0", "up")
            try await bed.ip("-n", box.namespace, "link", "set", link, "up")
        }

        private static func know(_ a: Box, _ b: Box) {
            a.configuration.peers = [.init(name: b.name, id: b.address)]
            b.configuration.peers = [.init(name: a.name, id: a.address)]
        }

        private static func prepare(_ boxes: [Box], _ discovery: String) {
            for box in boxes {
                box.configuration.portal = false
                box.configuration.more = discovery + "\nstate_file: none\nlog: {level: debug}\n"
            }
        }

        private static func areLinked(_ boxes: Box...) async throws -> Bool {
            for box in boxes { guard try await isLinked(box) else { return false } }
            return true
        }

        private static func isLinked(_ box: Box) async throws -> Bool {
            try await box.command("status").output.contains("1 of 1 up")
        }

        @Test(.timeLimit(.minutes(2)), arguments: [false, true])
        func twoOnABridgeFindEachOther(portal: Bool) async throws {
            try await Testbed.with { bed in
                let lan = try await Self.lan(bed)
                let a = try await bed.box("a")
                let b = try await bed.box("b")
                for box in [a, b] { try await Self.plug(box, into: lan, bed) }
                Self.know(a, b)
                Self.prepare([a, b], "discovery: [{local: {}}]")
                for box in [a, b] {
                    box.configuration.portal = portal
                    box.configuration.allowed = ["peers"]
                }
                try await a.start()
                try await b.start()
                let began = ContinuousClock.now
                try await eventually("they are linked") { try await Self.areLinked(a, b) }
                // Duplicate address detection, at most 2 s, has the interfaces' addresses first.
                #expect(ContinuousClock.now - began < .seconds(6))
                let peers = try await a.command("peers").output
                #expect(peers.contains("fe80::"), "\(peers)")
                let status = try await a.command("status").output
                #expect(status.contains("discovery  on eth0\n"), "\(status)")
                if portal { #expect(try await a.reaches(b.ip6)) }
                // To another link, where nobody is, and back: the cable is pulled, and put in again.
                try await bed.ip("-n", a.namespace, "link", "set", "eth0", "down")
                try await eventually("it is noticed") { try await !Self.isLinked(a) }
                try await bed.ip("-n", a.namespace, "link", "set", "eth0", "up")
                try await eventually(within: .seconds(10), "they are linked again") { try await Self.areLinked(a, b) }
            }
        }

        @Test(.timeLimit(.minutes(2))) func anInterfaceThatIsAddedLaterIsUsedAndIPv4Does() async throws {
            try await Testbed.with { bed in
                let lan = try await Self.lan(bed)
                let a = try await bed.box("a")
                let b = try await bed.box("b")
                Self.know(a, b)
                Self.prepare([a, b], "discovery: [{local: {interfaces: [eth7]}}]")
                try await a.start()
                try await b.start()
                // Not this one.
                for box in [a, b] { try await Self.plug(box, into: lan, bed, as: "eth1") }
                try await Task.sleep(for: .seconds(4))
                #expect(try await !Self.isLinked(a))
                for (number, box) in [a, b].enumerated() {
                    let knob = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
                    #expect(try await box.run("sh", "-c", knob).succeeded)
                    try await Self.plug(box, into: lan, bed, as: "eth7")
                    try await bed.ip("-n", box.namespace, "address", "add", "10.7.0.\(number + 1)/24", "dev", "eth7")
                }
                try await eventually("they are linked") { try await Self.areLinked(a, b) }
                let peers = try await a.command("peers").output
                #expect(peers.contains("10.7.0.2"), "\(peers)")
            }
        }

        @Test(
            .timeLimit(.minutes(2)),
            arguments: [
                "discovery: [{local: {secret: of the house}}]",
                "discovery: [{local: {autopeering: true}}]\naccept: any",
            ])
        func strangersBecomePeers(discovery: String) async throws {
            try await Testbed.with { bed in
                let lan = try await Self.lan(bed)
                let boxes = [try await bed.box("a"), try await bed.box("b"), try await bed.box("c")]
                for box in boxes { try await Self.plug(box, into: lan, bed) }
                Self.prepare(Array(boxes[0...1]), discovery)
                Self.prepare([boxes[2]], "discovery: [{local: {secret: of another}}]")
                for box in boxes { try await box.start() }
                try await eventually("they are linked") {
                    try await boxes[0].command("ping", "-c", "1", boxes[1].address).succeeded
                }
                #expect(try await !boxes[2].command("status").output.contains("1 neighbour"))
            }
        }

        /// What was recorded is sent again, from where it came and from elsewhere: nobody is found by it.
        @Test(.timeLimit(.minutes(2))) func whatIsSentAgainDoesNothing() async throws {
            try await Testbed.with { bed in
                let lan = try await Self.lan(bed)
                let a = try await bed.box("a")
                let b = try await bed.box("b")
                for box in [a, b] { try await Self.plug(box, into: lan, bed) }
                Self.know(a, b)
                Self.prepare([a, b], "discovery: [{local: {}}]")
                let recorder = try bed.start(["python3", "-c", Self.replay, "record", "br0", "144"], in: lan)
                try await eventually("it listens") { recorder.said.contains("ready") }
                try await b.start()
                try await eventually("something was said") { recorder.said.split(separator: "\n").count > 3 }
                recorder.signal(SIGTERM)
                await b.stop()
                _ = await recorder.finish()
                // b is gone; a starts, and hears all of it once more, frame by frame as it was.
                try await a.start()
                try await eventually("a is on the link") {
                    let shown = try await a.run("ip", "-6", "-o", "address", "show", "dev", "eth0").output
                    return shown.contains("fe80") && !shown.contains("tentative")
                }
                // It hears of that, and listens.
                try await Task.sleep(for: .seconds(1))
                let frames = recorder.said.split(separator: "\n").filter { $0.count > 100 }.joined(separator: ",")
                let player = try await bed.run(["python3", "-c", Self.replay, "play", "br0", frames], in: lan)
                #expect(player.succeeded, "\(player)")
                try await Task.sleep(for: .seconds(3))
                #expect(!a.log.contains("found"), "\(a.log)")
                // It would have been, had b been there.
                try await b.start()
                try await eventually("they are linked") { try await Self.isLinked(a) }
                #expect(a.log.contains("found"))
            }
        }

        /// Records the frames with a datagram of so many bytes, in hexadecimal; or sends such.
        private static let replay = """
            import socket, sys
            verb, device, what = sys.argv[1:]
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.bind((device, 0))
            if verb == "play":
                for frame in what.split(","):
                    s.send(bytes.fromhex(frame))
                sys.exit(0)
            print("ready", flush=True)
            while True:
                frame = s.recv(2000)
                if frame[12:14] == bytes.fromhex("86dd") and len(frame) == 14 + 48 + int(what):
                    print(frame.hex(), flush=True)
            """
    }
}
