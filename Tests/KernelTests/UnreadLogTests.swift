import Foundation
import Testing

extension KernelTests {
    /// Daemons whose log nobody reads.
    @Suite struct UnreadLog {
        /// Runs a program with a standard error that is a full pipe.
        private static let wrapper = [
            "python3", "-I", "-S", "-c",
            """
            import fcntl, os, sys
            reading, writing = os.pipe()
            # Open for as long as the program runs, and never read from.
            os.set_inheritable(reading, True)
            flags = fcntl.fcntl(writing, fcntl.F_GETFL)
            fcntl.fcntl(writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
            try:
                while True:
                    os.write(writing, b"." * 4096)
            except BlockingIOError:
                pass
            fcntl.fcntl(writing, fcntl.F_SETFL, flags)
            os.dup2(writing, 2)
            os.execvp(sys.argv[1], sys.argv[1:])
            """,
        ]

        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func packetsAndQuestionsDoNotWaitForIt(threads: Int) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                for box in [alice, bob] {
                    box.configuration.more += "log: {level: trace}\nthreads: \(threads)\n"
                    try await box.start(through: Self.wrapper)
                }
                try await eventually(within: .seconds(30), "alice reaches bob") { try await alice.reaches(bob.ip6) }
                // More lines than may wait: each reload that is asked for writes some.
                for _ in 0..<50 { #expect(try await alice.command("reload").succeeded) }
                // The link goes and comes again, which the thread that carries packets tells itself.
                await bob.stop()
                try await bob.start(through: Self.wrapper)
                try await eventually(within: .seconds(30), "alice reaches bob again") {
                    try await alice.reaches(bob.ip6)
                }
                let pings = try await alice.run(
                    "ping", "-6", "-n", "-c", "20", "-i", "0.05", "-W", "2", bob.ip6, within: .seconds(20))
                #expect(pings.output.contains(" 0% packet loss"), "\(pings)")
                let status = try await alice.command("status", within: .seconds(5))
                #expect(status.succeeded, "\(status)")
                for box in [alice, bob] {
                    let end = await box.stop()
                    #expect(end?.status == 0, "\(box.name) ends by itself: \(end.map { "\($0)" } ?? "not started")")
                }
            }
        }
    }
}
