import Foundation
import Testing

extension KernelTests {
    /// The testbed itself, without a daemon: what the other tests stand on.
    @Suite struct TestbedItself {
        @Test(.timeLimit(.minutes(2)))
        func wiresCarryPingsAndNothingElseDoes() async throws {
            try await Testbed.with { bed in
                let a = try await bed.namespace("a")
                let b = try await bed.namespace("b")
                let c = try await bed.namespace("c")
                try await bed.wire(a, "to-b", "fd56::1/64", b, "to-a", "fd56::2/64")
                let there = try await bed.run(["ping", "-6", "-c", "1", "-W", "5", "fd56::2"], in: a)
                #expect(there.succeeded, "\(there)")
                let elsewhere = try await bed.run(["ping", "-6", "-c", "1", "-W", "1", "fd56::2"], in: c)
                #expect(!elsewhere.succeeded)
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func nothingIsLeftEvenWhenATestThrows() async throws {
            struct Thrown: Error {}
            var namespace = ""
            var directory = ""
            var pid: pid_t = 0
            await #expect(throws: Thrown.self) {
                try await Testbed.with { bed in
                    namespace = try await bed.namespace("doomed")
                    directory = bed.directory
                    // A program that takes no hint: it has to be killed.
                    let stubborn = try bed.start(
                        ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], in: namespace)
                    pid = stubborn.identifier
                    try await eventually("it hears no more") { stubborn.said.contains("deaf") }
                    throw Thrown()
                }
            }
            #expect(!FileManager.default.fileExists(atPath: "/run/netns/\(namespace)"))
            #expect(!FileManager.default.fileExists(atPath: directory))
            #expect(kill(pid, 0) != 0)
        }

        @Test(.timeLimit(.minutes(2)))
        func programsHearSignalsAndKeepTheirCodes() async throws {
            try await Testbed.with { bed in
                // A child must not inherit the signal mask of the thread that happened to start it.
                let mask = try await bed.run(["grep", "SigBlk", "/proc/self/status"])
                #expect(mask.output.hasSuffix("0000000000000000\n"), "\(mask)")
                #expect(try await bed.run(["sh", "-c", "echo out; echo err >&2; exit 7"]).status == 7)
                let late = try await bed.run(["sleep", "60"], within: .milliseconds(200))
                #expect(late.status == 128 + SIGKILL)
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func pingsTellWhenAWayIsLostAndFound() async throws {
            try await Testbed.with { bed in
                let a = try await bed.namespace("a")
                let b = try await bed.namespace("b")
                try await bed.wire(a, "to-b", "fd56::1/64", b, "to-a", "fd56::2/64")
                let pings = try Pings(in: bed, from: a, to: "fd56::2", interval: 0.05)
                _ = try await pings.firstAnswer(after: 0)
                let rules = """
                    table inet lossy {
                        chain in { type filter hook input priority 0; icmpv6 type echo-request drop; }
                    }
                    """
                let dropping = try await bed.run(["nft", rules], in: b)
                try #require(dropping.succeeded, "\(dropping)")
                let lost = Pings.now
                try await eventually("echoes go unanswered") { Pings.now - (pings.answers.last ?? 0) > 0.5 }
                _ = try await bed.run(["nft", "delete table inet lossy"], in: b)
                #expect(try await pings.firstAnswer(after: lost + 0.4) > 0)
                #expect(!pings.unanswered.isEmpty)
                await pings.stop()
            }
        }
    }
}
