import Foundation
import Testing

extension KernelTests {
    /// Wires that carry less than they did, under a TCP stream.
    @Suite struct PathShrink {
        /// 4 MB/s for 8 seconds, so that the change comes in the midst of it.
        private static let rate = 4_000_000
        private static let count = 32_000_000
        /// A pause at most so long. While large packets go out the size is asked for every half second, three lost probes take
        /// 0.6 s, and the sender's TCP has meanwhile doubled its patience to 1.6 s. The rest is for a machine with much to do.
        private static let pause = 8.0

        /// Both ends see it: the sender's own kernel refuses what is too large.
        @Test(.timeLimit(.minutes(2)))
        func aWireIsMadeSmaller() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                try await settle(boxes.alice, boxes.bob, at: 1400)
                try await carry(from: boxes.alice, to: boxes.bob, "both ends know") {
                    for (box, other) in [(boxes.alice, boxes.bob), (boxes.bob, boxes.alice)] {
                        try await bed.ip("-n", box.namespace, "link", "set", box.link(to: other), "mtu", "1300")
                    }
                }
                try await expectFit(boxes.alice, 1300)
            }
        }

        /// A router in the midst drops what is larger than it was, and says nothing.
        @Test(.timeLimit(.minutes(2)), arguments: [false, true])
        func aBlackHoleOpens(amongOthers: Bool) async throws {
            try await Testbed.with { bed in
                let boxes = try await RoutedBoxes(in: bed)
                try await boxes.start()
                let (alice, bob) = (boxes.alice, boxes.bob)
                try await settle(alice, bob, at: 1400)
                let pings = amongOthers ? try Pings(in: bed, from: alice.namespace, to: bob.ip6) : nil
                _ = try await pings?.firstAnswer(after: 0)
                let name = "black hole\(amongOthers ? ", small packets pass" : "")"
                try await carry(from: alice, to: bob, name) {
                    try await boxes.dropLarger(than: 1320)
                }
                #expect(try await boxes.dropped() > 0)
                await pings?.stop()
                try await expectFit(alice, 1320)
            }
        }

        /// Waits until both portals have grown to what the wire carries.
        private func settle(_ a: Box, _ b: Box, at least: Int) async throws {
            try await eventually(within: .seconds(40), "both portals have settled") {
                guard try await a.portalMTU() >= least else { return false }
                return try await b.portalMTU() >= least
            }
        }

        /// A stream during which `change` happens: all of it arrives, and never is there a longer pause than `pause`.
        private func carry(
            from sender: Box, to receiver: Box, _ name: String, _ change: () async throws -> Void
        ) async throws {
            let came = try await receiver.serve(port: 8080)
            let sending = try sender.startCarry(Self.count, to: receiver.ip6, port: 8080, rate: Self.rate)
            try await eventually("the stream runs") { came.times.count > 10 }
            let changed = Carried.now
            try await change()
            let outcome = await sending.finish(within: .seconds(80))
            #expect(outcome.succeeded && outcome.output == came.ended.last.map { "sent \($0)\n" }, "\(outcome)")
            let longest = came.longestPause(since: changed)
            print("a path shrank (\(name)): the stream paused for \(longest) s")
            #expect(longest < Self.pause * Requirements.slack)
            // There was traffic left to feel it.
            #expect(came.times.contains { $0 > changed + 1 })
        }

        /// What is sent at once to the peer fits in the end.
        private func expectFit(_ box: Box, _ size: Int) async throws {
            try await eventually("the path's size is known anew") {
                try await box.status().peers.first?.mtu.map { $0 < size } ?? false
            }
        }
    }
}

/// alice - a router without a daemon - bob. The wires take only whole datagrams, so the router sees each.
struct RoutedBoxes {
    let alice: Box
    let bob: Box
    private let middle: Box

    init(in bed: Testbed) async throws {
        alice = try await bed.box("alice")
        bob = try await bed.box("bob")
        middle = try await bed.box("middle")
        for (box, place) in [(alice, 1), (bob, 2)] {
            try await bed.wire(box, "10.58.\(place).1/24", middle, "10.58.\(place).2/24")
            try await bed.ip("-n", box.namespace, "route", "add", "default", "via", "10.58.\(place).2")
            for (end, other) in [(box, middle), (middle, box)] {
                try await end.switchOff(["tx-udp-segmentation", "tso", "gso"], of: end.link(to: other))
            }
        }
        let forwarding = try await middle.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        guard forwarding.succeeded else { throw CommandError.failed(forwarding) }
        alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["10.58.2.1:25632"])]
        bob.configuration.peers = [.init(name: "alice", id: alice.address, endpoints: ["10.58.1.1:25632"])]
        alice.configuration.allowed = [bob.address]
        bob.configuration.allowed = [alice.address]
    }

    func start() async throws {
        for box in [alice, bob] { try await box.start() }
        try await eventually(within: .seconds(30), "alice reaches bob") { try await alice.reaches(bob.ip6) }
    }

    /// From now on the router drops packets of more bytes.
    func dropLarger(than size: Int) async throws {
        _ = try await middle.nft(
            """
            table inet hole {
                counter dropped {}
                chain through {
                    type filter hook forward priority 0
                    ip length > \(size) counter name dropped drop
                }
            }
            """)
    }

    func dropped() async throws -> Int { try await middle.counter("dropped", of: "hole") }
}

extension Box {
    /// Packets of a named counter in a table of the test's own.
    func counter(_ name: String, of table: String) async throws -> Int {
        let text = try await nft("list counter inet \(table) \(name)")
        guard let match = text.firstMatch(of: #/packets (\d+)/#), let packets = Int(match.1) else {
            throw NotThere(what: "a count of packets in \(text)")
        }
        return packets
    }
}
