import Foundation
import Testing

extension KernelTests {
    /// Checksums that the kernel leaves unfinished where packets begin must be right where they leave the mesh.
    @Suite struct ForwardedChecksums {
        private static let host = "fdaa:1::2"

        /// alice, who sends super-packets with unfinished checksums - relay - bob - a host without a daemon. Both offload
        /// settings of the sender: what bob gets is unfinished or finished.
        @Test(.timeLimit(.minutes(2)), arguments: ["auto", "off"])
        func packetsForNetworksBehindABoxAreRight(offload: String) async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                let host = try await network(behind: bob, in: bed)
                alice.configuration.portalSettings = ["offload: \(offload)"]
                for box in [alice, boxes.relay] {
                    box.configuration.more += "networks: {lan: {via: \(bob.address), prefixes: [\"fdaa:1::/64\"]}}\n"
                }
                bob.configuration.more = "firewall: {enabled: false}\nnetworks: {lan: [\"fdaa:1::/64\"]}\n"
                try await boxes.start()
                let on = try await alice.status().portal.offloads
                #expect(on.contains("checksum") == (offload == "auto"), "\(on)")
                #expect(try await bob.status().portal.offloads.contains("tcp-joining"))
                try await eventually("alice reaches the host") { try await alice.reaches(Self.host) }

                // Seen where it arrives at the host, whose own packets are no matter.
                let capture = try await Capture(at: host, link: host.link(to: bob), "ip6 src \(alice.ip6)")
                let (streams, datagrams) = (try await host.serve(port: 8080), try await host.collect(port: 8081))
                let sent = try await alice.carry(3_000_000, to: Self.host, port: 8080)
                #expect(streams.ended == [sent])
                try await alice.scatter(400, of: 1000, to: Self.host, port: 8081, burst: 20)
                try await alice.scatter(100, of: 900, to: Self.host, port: 8081, from: 400)
                try await datagrams.all(500)
                #expect(datagrams.count.altered == 0 && datagrams.count.doubled == 0)
                try await capture.stop()

                // 3 MB are more than 2,000 packets; the capture itself may miss some on a busy machine.
                let seen = try await capture.judge(capture.file)
                #expect(seen.rightTCP > 1000 && seen.rightUDP > 300, "\(seen)")
                #expect(seen.wrongTCP == 0 && seen.wrongUDP == 0, "\(seen)")
                // One bit of each kind is turned in the very capture: it would have been seen.
                try await host.traffic("bend", capture.file, capture.file + ".bent")
                let bent = try await capture.judge(capture.file + ".bent")
                #expect(bent.wrongTCP == 1 && bent.wrongUDP == 1, "\(bent)")
                #expect(bent.rightTCP == seen.rightTCP - 1 && bent.rightUDP == seen.rightUDP - 1)

                // The other way, from a host whose checksums are finished.
                let back = try await alice.serve(port: 8082)
                #expect(try await host.carry(3_000_000, to: alice.ip6, port: 8082) == back.ended.last)
                for box in [alice, host] { try await expectNoWrongChecksums(at: box) }
            }
        }

        /// What the portal gives to its own kernel is not refused for its checksum. A wrong one that the sender made stays
        /// wrong, and is: the mesh repairs nothing.
        @Test(.timeLimit(.minutes(2)))
        func theReceivingKernelAcceptsChecksums() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                for box in [alice, bob] { box.configuration.more = "firewall: {enabled: false}\n" }
                try await boxes.start()
                let (streams, datagrams) = (try await bob.serve(port: 8080), try await bob.collect(port: 8081))
                let sent = try await alice.carry(10_000_000, to: bob.ip6, port: 8080)
                #expect(streams.ended == [sent])
                try await alice.scatter(400, of: 1000, to: bob.ip6, port: 8081, burst: 20)
                try await alice.scatter(100, of: 900, to: bob.ip6, port: 8081, from: 400)
                try await datagrams.all(500)
                #expect(datagrams.count.altered == 0)
                for box in [alice, bob] { try await expectNoWrongChecksums(at: box) }

                try await alice.traffic("crooked", alice.ip6, bob.ip6, "8081", "3")
                try await eventually("bob's kernel refuses wrong checksums") {
                    try await bob.kernelCount("Udp6InCsumErrors") == 3
                }
                #expect(datagrams.count.came == 500)
            }
        }

        private func expectNoWrongChecksums(at box: Box) async throws {
            for name in ["TcpInCsumErrors", "Udp6InCsumErrors", "Icmp6InCsumErrors"] {
                #expect(try await box.kernelCount(name) == 0, "\(name) at \(box.name)")
            }
        }

        /// A host in a network behind `box`. The wire takes only finished packets of its own size, so the box's kernel has to
        /// cut and to sum before them.
        private func network(behind box: Box, in bed: Testbed) async throws -> Box {
            let host = try await bed.box("host")
            try await bed.wire(host, "\(Self.host)/64", box, "fdaa:1::1/64")
            try await bed.ip("-n", host.namespace, "-6", "route", "add", "default", "via", "fdaa:1::1")
            for (end, other) in [(host, box), (box, host)] {
                try await end.switchOff(["tx", "tso", "gso", "tx-udp-segmentation", "gro"], of: end.link(to: other))
            }
            let forwarding = try await box.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
            try #require(forwarding.succeeded, "\(forwarding)")
            try await eventually("the host is known") { try await box.reaches(Self.host) }
            return host
        }
    }
}

/// tcpdump at one end of a wire.
struct Capture {
    let file: String
    private let box: Box
    private let command: RunningCommand

    init(at box: Box, link: String, _ filter: String) async throws {
        self.box = box
        let file = box.directory + "/capture.pcap"
        self.file = file
        let command = try box.start(
            "tcpdump", "-i", link, "-n", "-s", "0", "-B", "32768", "-Z", "root", "-w", file, filter)
        self.command = command
        try await eventually("tcpdump listens") {
            guard command.isRunning else { throw NotThere(what: "tcpdump, which said: \(command.said)") }
            return command.said.contains("listening on")
        }
    }

    func stop() async throws {
        // It hands packets over once a second.
        try await Task.sleep(for: .seconds(1.2))
        command.signal(SIGINT)
        let outcome = await command.finish(within: .seconds(10))
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
    }

    /// How many checksums tcpdump calls right and wrong.
    struct Judgement {
        let rightTCP: Int
        let wrongTCP: Int
        let rightUDP: Int
        let wrongUDP: Int
    }

    func judge(_ file: String) async throws -> Judgement {
        let shown = try await box.run("tcpdump", "-n", "-vv", "-r", file)
        guard shown.succeeded else { throw CommandError.failed(shown) }
        func count(_ text: String) -> Int { shown.output.ranges(of: text).count }
        return Judgement(
            rightTCP: count(" (correct)"), wrongTCP: count(" (incorrect"), rightUDP: count("[udp sum ok]"),
            wrongUDP: count("[bad udp cksum"))
    }
}
