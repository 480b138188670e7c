import Foundation
import Testing

extension KernelTests {
    /// A path that is much slower than its senders, behind a device whose own queue is long: what builds up must do so in
    /// the portal's queue, where flows are kept apart.
    @Suite struct SlowPath {
        /// In milliseconds, through 60 Mbit/s. 2 MB wait there for 0.3 s; with 32 MB in the socket's buffer, as there once were,
        /// it took seconds.
        private static let slowestPing = 1000.0
        /// The portal's queue holds 16 MB, the socket's rest 2 and its buffer 2.
        private static let mostMemory = 64 << 20

        @Test(.timeLimit(.minutes(2)))
        func aFloodDoesNotHoldUpOthers() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                try await boxes.start()
                let slow = try await alice.run(
                    "tc", "qdisc", "add", "dev", alice.link(to: bob), "root", "tbf", "rate", "60mbit", "burst",
                    "256kb",
                    "limit", "200mb")
                guard slow.succeeded else {
                    throw NotThere(what: "tbf, to slow a device down (CONFIG_NET_SCH_TBF): \(slow)")
                }
                let before = try await alice.status()
                let flood = try alice.startFlood(to: bob.ip6, port: 9, size: 1200, rate: 16_000, seconds: 40)
                try await eventually("what is too much is dropped and counted") {
                    try await alice.status().portal.tooMuch > 100
                }
                let pings = try await alice.run(
                    "ping", "-6", "-n", "-c", "20", "-i", "0.2", "-W", "10", bob.ip6, within: .seconds(30))
                #expect(flood.isRunning, "the flood lasted as long as the pings")
                let after = try await alice.status()
                flood.signal(SIGTERM)
                _ = await flood.finish(within: .seconds(30))

                let backlog = try await alice.run("tc", "-s", "qdisc", "show", "dev", alice.link(to: bob))
                // The device itself dropped nothing: it is the socket that was full.
                #expect(backlog.output.contains("dropped 0,"), "\(backlog)")
                // Where the daemon itself is kept from running, the device drops whatever comes.
                let answered = pings.output.firstMatch(of: #/([0-9]+) received/#).flatMap { Int($0.1) } ?? 0
                #expect(answered >= 15, "\(pings)")
                let slowest = try #require(pings.output.firstMatch(of: #/= [0-9.]+/[0-9.]+/([0-9.]+)/#)?.1)
                let milliseconds = try #require(Double(slowest))
                print("beside a flood the slowest of 20 pings took \(milliseconds) ms")
                #expect(milliseconds < Self.slowestPing * Requirements.slack, "\(pings)")
                #expect(after.memory - before.memory < Self.mostMemory, "\(before.memory) to \(after.memory)")
                #expect(after.portal.tooMuch > before.portal.tooMuch)
            }
        }
    }
}

extension ShownStatus.Portal {
    /// Packets dropped by the portal's queue.
    fileprivate var tooMuch: Int { (drops["late in queue"] ?? 0) + (drops["queue full"] ?? 0) }
}
