import Foundation
import Testing

extension KernelTests {
    /// What users send, through a relay.
    @Suite struct Traffic {
        @Test(.timeLimit(.minutes(3)))
        func pingsOfAllSizesAndTCPGoBothWays() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                for box in [boxes.alice, boxes.bob] {
                    box.configuration.more = "firewall: {rules: [{allow: tcp/9001-9002}]}\n"
                }
                try await boxes.start()
                for (from, to) in [(boxes.alice, boxes.bob), (boxes.bob, boxes.alice)] {
                    // 56: ping's own. 1200 and 1400: about a packet of the portal. 8000: several, in IPv6 fragments.
                    for size in ["56", "1200", "1400", "8000"] {
                        let outcome = try await from.run(
                            "ping", "-6", "-n", "-c", "5", "-i", "0.2", "-W", "5", "-s", size, to.ip6)
                        #expect(outcome.succeeded && outcome.output.contains(" 0% packet loss"), "\(outcome)")
                    }
                }
                try await transfer(20_000_000, from: boxes.alice, to: boxes.bob, port: 9001)
                try await transfer(20_000_000, from: boxes.bob, to: boxes.alice, port: 9002)
            }
        }

        /// Sends so many random bytes over TCP and compares what arrived.
        private func transfer(_ count: Int, from sender: Box, to receiver: Box, port: Int) async throws {
            let sent = sender.directory + "/sent-\(port)"
            let received = receiver.directory + "/received-\(port)"
            let made = try await sender.run("sh", "-c", "head -c \(count) /dev/urandom > \(sent)")
            try #require(made.succeeded, "\(made)")
            let listener = try receiver.start(
                "socat", "-u", "TCP6-LISTEN:\(port),bind=[\(receiver.ip6)],reuseaddr", "CREATE:\(received)")
            try await eventually("\(receiver.name) listens on \(port)") {
                try await receiver.run("ss", "-6", "-l", "-t", "-n", "-H", "sport = :\(port)").output.contains(
                    "\(port)")
            }
            let sending = try await sender.run(
                "socat", "-u", "FILE:\(sent)", "TCP6:[\(receiver.ip6)]:\(port)", within: .seconds(90))
            #expect(sending.succeeded, "\(sending)")
            #expect(await listener.finish(within: .seconds(30)).succeeded)
            let compared = try await sender.run("cmp", sent, received)
            #expect(compared.succeeded, "\(compared)")
            let hash = try await sender.run("sha256sum", sent, received)
            #expect(Set(hash.output.split(separator: "\n").map { $0.prefix(64) }).count == 1, "\(hash)")
        }

        @Test(.timeLimit(.minutes(2)))
        func whatCannotBeReachedIsAnsweredUnreachable() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.start()
                // Nobody has this address: it is looked for, and then the sender is told.
                let nobody = try await boxes.alice.run(
                    "ping", "-6", "-n", "-c", "3", "-W", "10", "fd12:3456:789a:bcde:f012:3456:789a:bcde")
                #expect(!nobody.succeeded)
                #expect(nobody.said.lowercased().contains("unreachable"), "\(nobody)")
                // A peer that went away: reachable a moment ago, told off as well.
                await boxes.bob.kill()
                try await eventually(within: .seconds(60), "alice is told that bob is gone") {
                    // A packet waits 3 seconds for keys and a way, as long as the kernel looks for a neighbour.
                    let gone = try await boxes.alice.run("ping", "-6", "-n", "-c", "1", "-W", "5", boxes.bob.ip6)
                    return gone.said.lowercased().contains("unreachable")
                }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func whoIsNotAllowedDoesNotReachThePortal() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                boxes.bob.configuration.allowed = [boxes.relay.address]
                for box in [boxes.relay, boxes.alice, boxes.bob] { try await box.start() }
                try await eventually(within: .seconds(30), "relay reaches bob") {
                    try await boxes.relay.reaches(boxes.bob.ip6)
                }
                try await eventually(within: .seconds(30), "alice reaches relay") {
                    try await boxes.alice.reaches(boxes.relay.ip6)
                }
                let refused = try await boxes.alice.run("ping", "-6", "-n", "-c", "3", "-W", "2", boxes.bob.ip6)
                #expect(!refused.succeeded, "\(refused)")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func theProgramPingsByNameAndByAddress() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                try await boxes.start()
                for target in ["relay", boxes.relay.address, boxes.bob.address] {
                    let outcome = try await boxes.alice.command("ping", "-c", "3", target)
                    #expect(outcome.succeeded && outcome.output.contains("3 received"), "\(outcome)")
                }
                let nobody = try await boxes.alice.command("ping", "-c", "1", "nosuchname")
                #expect(!nobody.succeeded && nobody.said.contains("nosuchname"), "\(nobody)")
            }
        }
    }
}
