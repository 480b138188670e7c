import Foundation
import Testing

extension KernelTests {
    /// The portal's MTU on wires of several sizes.
    @Suite struct PathMTU {
        /// What IP, UDP, the session and the frame take of a wire's packets, at most.
        private static let overhead = 100
        /// The search asks up to five sizes, each up to three times 0.3 s.
        private static let settling: Duration = .seconds(40)

        @Test(.timeLimit(.minutes(2)), arguments: [1280, 1420, 1500, 9000], TwoBoxes.Family.allCases)
        func thePortalFitsTheWire(wire: Int, family: TwoBoxes.Family) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: family)
                let (alice, bob) = (boxes.alice, boxes.bob)
                for (box, other) in [(alice, bob), (bob, alice)] {
                    try await bed.ip(
                        "-n", box.namespace, "link", "set", box.link(to: other), "mtu", "\(wire)")
                }
                try await boxes.start()
                // IPv6 knows no smaller MTU; there the session cuts packets itself.
                let least = max(1280, wire - Self.overhead)
                try await eventually(within: Self.settling, "both portals fit \(wire)") {
                    guard try await alice.portalMTU() >= least else { return false }
                    return try await bob.portalMTU() >= least
                }
                for (box, other) in [(alice, bob), (bob, alice)] {
                    let mtu = try await box.portalMTU()
                    #expect(mtu == least || mtu < wire, "\(box.name)")
                    let status = try await box.status()
                    #expect(status.portal.mtu == mtu)
                    let path = status.peers.first?.mtu ?? 0
                    #expect(path < wire && path >= wire - Self.overhead, "\(path)")
                    // Just as large as the MTU: forbidden to be cut by IP, and answered.
                    let full = try await box.run(
                        "ping", "-6", "-n", "-M", "do", "-c", "3", "-i", "0.2", "-W", "5", "-s", "\(mtu - 48)",
                        other.ip6)
                    #expect(full.succeeded && full.output.contains(" 0% packet loss"), "\(full)")
                    let larger = try await box.run(
                        "ping", "-6", "-n", "-M", "do", "-c", "1", "-W", "1", "-s", "\(mtu - 47)", other.ip6)
                    #expect(!larger.succeeded && larger.said.contains("too long"), "\(larger)")
                }
                let (there, here) = (try await bob.serve(port: 8080), try await alice.serve(port: 8080))
                #expect(try await alice.carry(8_000_000, to: bob.ip6, port: 8080) == there.ended.last)
                #expect(try await bob.carry(8_000_000, to: alice.ip6, port: 8080) == here.ended.last)
            }
        }

        /// Tunnels in tunnels over IPv4, where the kernel says what is too large: everything goes through, in pieces.
        @Test(.timeLimit(.minutes(2)), arguments: [576, 1000]) func wiresBelow1280(wire: Int) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: .ip4)
                for (box, other) in [(boxes.alice, boxes.bob), (boxes.bob, boxes.alice)] {
                    try await bed.ip("-n", box.namespace, "link", "set", box.link(to: other), "mtu", "\(wire)")
                }
                try await boxes.start()
                try await expectEverySizeThrough(boxes.alice, boxes.bob, path: wire)
            }
        }

        /// A filter on the way that drops what is larger, without a word.
        @Test(.timeLimit(.minutes(2)), arguments: [800, 1200]) func filtersBelow1280(size: Int) async throws {
            try await Testbed.with { bed in
                let boxes = try await RoutedBoxes(in: bed)
                try await boxes.dropLarger(than: size)
                try await boxes.start()
                try await expectEverySizeThrough(boxes.alice, boxes.bob, path: size)
            }
        }

        private func expectEverySizeThrough(_ alice: Box, _ bob: Box, path: Int) async throws {
            try await eventually(within: Self.settling, "both ends know what the path carries") {
                for box in [alice, bob] {
                    guard let size = try await box.status().peers.first?.mtu, size < path else { return false }
                }
                return true
            }
            for (box, other) in [(alice, bob), (bob, alice)] {
                for size in [56, 600, 1000, 1232] {
                    let full = try await box.run(
                        "ping", "-6", "-n", "-M", "do", "-c", "3", "-i", "0.2", "-W", "5", "-s", "\(size)", other.ip6)
                    #expect(full.succeeded && full.output.contains(" 0% packet loss"), "\(size): \(full)")
                }
            }
            let (there, here) = (try await bob.serve(port: 8080), try await alice.serve(port: 8080))
            #expect(try await alice.carry(1_000_000, to: bob.ip6, port: 8080) == there.ended.last)
            #expect(try await bob.carry(1_000_000, to: alice.ip6, port: 8080) == here.ended.last)
        }
    }
}

extension Box {
    /// What the kernel has.
    func portalMTU() async throws -> Int {
        let shown = try await run("cat", "/sys/class/net/\(Self.interface)/mtu")
        guard let mtu = Int(shown.output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw CommandError.failed(shown)
        }
        return mtu
    }
}
