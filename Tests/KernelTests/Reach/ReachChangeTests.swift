import Foundation
import Testing

extension KernelTests {
    /// What happens to a straight path between two home routers: they forget it, they get other addresses, and a laptop is carried
    /// from one to the next.
    @Suite struct ReachChanges {
        /// Goals, in seconds: the next answer, and the straight path.
        private static let pause = 2.0
        private static let straight = Duration.seconds(10)

        private func withStraightPair(_ body: (RelayedPair, Testbed) async throws -> Void) async throws {
            try await Testbed.with { bed in
                let boxes = try await RelayedPair(.apart(.portRestricted, .portRestricted), in: bed)
                try await boxes.start()
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.05)
                try await eventually("both go straight") { try await boxes.areDirect() }
                await pings.stop()
                try await body(boxes, bed)
            }
        }

        /// Pings, has something happen, and asks how long no answer came.
        private func interruption(
            _ boxes: RelayedPair, _ bed: Testbed, _ what: String, _ change: () async throws -> Void
        ) async throws {
            let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.05)
            _ = try await pings.firstAnswer(after: 0)
            try await change()
            let changed = Pings.now
            _ = try await pings.firstAnswer(after: changed + 4, within: .seconds(40))
            let times = pings.answers
            let longest = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? 0
            let began = ContinuousClock.now
            try await eventually(within: Self.straight * Requirements.slack, "both go straight after: \(what)") {
                try await boxes.areDirect()
            }
            let took = ContinuousClock.now - began
            print("\(what): \(pings.unanswered.count) pings lost, \(longest) s at most, straight by \(took) after 4 s")
            #expect(longest < Self.pause * Requirements.slack, "\(what)")
            await pings.stop()
        }

        @Test(.timeLimit(.minutes(2)))
        func aRouterForgetsItsFlows() async throws {
            try await withStraightPair { boxes, bed in
                try await interruption(boxes, bed, "flows forgotten at one end") {
                    try await boxes.aliceSite.forgetFlows()
                }
                try await interruption(boxes, bed, "flows forgotten at both ends") {
                    try await boxes.aliceSite.forgetFlows()
                    try await boxes.bobSite.forgetFlows()
                }
                // Idle: nobody notices before the next packet.
                try await Task.sleep(for: .seconds(3))
                try await boxes.bobSite.forgetFlows()
                let began = Pings.now
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.05)
                #expect(try await pings.firstAnswer(after: began) < Self.pause * Requirements.slack)
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func aRouterGetsAnotherAddress() async throws {
            try await withStraightPair { boxes, bed in
                try await interruption(boxes, bed, "another public address") {
                    try await boxes.bobSite.changePublicAddress()
                }
            }
        }

        /// Home, another home, a mobile network whose router is symmetric, where the relay carries it, and home again.
        @Test(.timeLimit(.minutes(2)))
        func aLaptopIsCarriedAbout() async throws {
            try await withStraightPair { boxes, bed in
                let other = try await boxes.grid.site(.portRestricted)
                let mobile = try await boxes.grid.site(.symmetric)
                try await interruption(boxes, bed, "moved to another home") {
                    try await boxes.grid.move(boxes.alice, from: boxes.aliceSite, to: other)
                }
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.05)
                _ = try await pings.firstAnswer(after: 0)
                try await boxes.grid.move(boxes.alice, from: other, to: mobile)
                let moved = Pings.now
                let back = try await pings.firstAnswer(after: moved)
                print("moved to a mobile network: back after \(back) s")
                #expect(back < Self.pause * Requirements.slack)
                await pings.stop()
                try await interruption(boxes, bed, "moved back home") {
                    try await boxes.grid.move(boxes.alice, from: mobile, to: boxes.aliceSite)
                }
            }
        }
    }
}
