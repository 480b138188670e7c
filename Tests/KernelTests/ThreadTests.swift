import Foundation
import Testing

extension KernelTests {
    /// `threads:` above 1: several engines share the device, the port and the sessions.
    @Suite struct Threads {
        private static let rules = "firewall: {rules: [{allow: any}]}\n"

        /// TCP compared by hash, UDP by number, at once and both ways; several threads at both ends, or at one.
        @Test(.timeLimit(.minutes(4)), arguments: [[2, 2], [1, 3]])
        func flowsArriveWholeAndInOrder(threads: [Int]) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                for (box, count) in zip([boxes.alice, boxes.bob], threads) {
                    box.configuration.more = "threads: \(count)\n" + Self.rules
                }
                try await boxes.start()
                try await flows(from: boxes.alice, to: boxes.bob, port: 9100)
                try await flows(from: boxes.bob, to: boxes.alice, port: 9101)
                // The same endpoints, new keys: one end begins anew, by a goodbye and without.
                await boxes.bob.stop()
                try await boxes.bob.start()
                try await eventually(within: .seconds(30), "they meet again") {
                    try await boxes.alice.reaches(boxes.bob.ip6)
                }
                try await flows(from: boxes.alice, to: boxes.bob, port: 9102)
                await boxes.alice.kill()
                try await boxes.alice.start()
                try await eventually(within: .seconds(30), "they meet once more") {
                    try await boxes.alice.reaches(boxes.bob.ip6)
                }
                try await flows(from: boxes.bob, to: boxes.alice, port: 9103)
                for (box, count) in zip([boxes.alice, boxes.bob], threads) {
                    let status = try await Status.of(box)
                    #expect(status.threads == count)
                    // Counters are those of all engines: more than any one of them saw of five times four megabytes.
                    #expect(status.portal.traffic.received + status.portal.traffic.sent > 8_000_000)
                    let drops = status.drops
                    for reason in ["replayed", "forged", "handover_full"] {
                        #expect(drops[reason, default: 0] == 0, "\(drops)")
                    }
                }
            }
        }

        private struct Sent: Decodable {
            let hashes: [String]
            let answered: [Int]
        }

        private struct Arrived: Decodable {
            struct Flow: Decodable {
                let count: Int
                let late: Int
                let altered: Int
            }

            let hashes: [String]
            let flows: [Flow]
        }

        private struct Status: Decodable {
            struct Portal: Decodable {
                struct Traffic: Decodable {
                    let received: UInt64
                    let sent: UInt64

                    enum CodingKeys: String, CodingKey {
                        case received = "rx_bytes"
                        case sent = "tx_bytes"
                    }
                }

                let traffic: Traffic
            }

            let threads: Int?
            let scheduling: String?
            let portal: Portal
            let drops: [String: UInt64]
            let warnings: [String]

            static func of(_ box: Box) async throws -> Status {
                let outcome = try await box.command("status", "--json")
                try #require(outcome.succeeded, "\(outcome)")
                return try JSONDecoder().decode(Status.self, from: Data(outcome.output.utf8))
            }
        }

        private func flows(from sender: Box, to receiver: Box, port: Int) async throws {
            let flows = 6
            let datagrams = 800
            let script = Requirements.root + "/Tests/KernelTests/flows.py"
            let server = try receiver.start("python3", script, "serve", receiver.ip6, "\(port)")
            try await eventually("\(receiver.name) listens on \(port)") {
                try await receiver.run("ss", "-6", "-l", "-t", "-n", "-H", "sport = :\(port)").output.contains(
                    "\(port)")
            }
            let client = try await sender.run(
                "python3", script, "send", receiver.ip6, "\(port)", "\(flows)", "4000000", "\(datagrams)",
                within: .seconds(60))
            try #require(client.succeeded, "\(client)")
            let served = await server.finish(within: .seconds(30))
            try #require(served.succeeded, "\(served)")
            let sent = try JSONDecoder().decode(Sent.self, from: Data(client.output.utf8))
            let arrived = try JSONDecoder().decode(Arrived.self, from: Data(served.output.utf8))
            #expect(sent.hashes.count == flows && sent.hashes == arrived.hashes, "\(client) \(served)")
            #expect(arrived.flows.count == flows && arrived.flows.allSatisfy { $0.altered == 0 }, "\(served)")
            // A busy machine may lose some; what comes is in order. (The kernel's own queues of each processor may swap two
            // when a thread moves between processors: seen with one thread as well.)
            #expect(arrived.flows.allSatisfy { $0.count > datagrams / 2 && $0.count <= datagrams }, "\(served)")
            #expect(arrived.flows.reduce(0) { $0 + $1.late } <= 5, "\(served)")
            #expect(sent.answered.allSatisfy { $0 > 0 }, "\(client)")
        }

        /// What the side engines do not do themselves: relays, messages in pieces, errors to the sender.
        @Test(.timeLimit(.minutes(3)))
        func whatIsLeftToTheFirstEngineWorks() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                for box in [boxes.alice, boxes.relay, boxes.bob] {
                    box.configuration.more = "threads: 2\n" + Self.rules
                }
                try await boxes.start()
                for size in ["56", "1400", "8000"] {
                    let outcome = try await boxes.alice.run(
                        "ping", "-6", "-n", "-c", "5", "-i", "0.2", "-W", "5", "-s", size, boxes.bob.ip6)
                    #expect(outcome.succeeded && outcome.output.contains(" 0% packet loss"), "\(outcome)")
                }
                try await flows(from: boxes.alice, to: boxes.bob, port: 9110)
                let nobody = try await boxes.alice.run(
                    "ping", "-6", "-n", "-c", "3", "-W", "10", "fd12:3456:789a:bcde:f012:3456:789a:bcde")
                #expect(!nobody.succeeded && nobody.said.lowercased().contains("unreachable"), "\(nobody)")
                await boxes.bob.stop()
                let changes = try await boxes.bob.run("ip", "link", "show", "dev", Box.interface)
                #expect(!changes.succeeded, "the interface goes with all its queues")
            }
        }

        /// A device that was made with one queue has no second one: one thread does it all, and the operator is told.
        @Test(.timeLimit(.minutes(1)))
        func aDeviceWithOneQueueLeavesOneThread() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                // Goes on in the section about the portal.
                boxes.alice.configuration.more = "  persistent: true\n" + Self.rules
                try await boxes.alice.start()
                await boxes.alice.stop()
                boxes.alice.configuration.more = "  persistent: true\nthreads: 2\n" + Self.rules
                try await boxes.start()
                let status = try await Status.of(boxes.alice)
                #expect(status.threads == 1)
                #expect(
                    status.warnings.contains { $0.contains("threads: 2 is not possible here") }, "\(status.warnings)")
            }
        }

        /// Those that carry packets, and no others of the process, in the real-time class: asked for, refused, and by default.
        @Test(.timeLimit(.minutes(1)))
        func schedulingIsThatOfThePacketThreadsAlone() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let cases = [
                    ("threads: 3\nscheduling: realtime\n", 3), ("scheduling: realtime\n", 1),
                    ("threads: 3\nscheduling: normal\n", 0), ("", 0),
                ]
                for (lines, expected) in cases {
                    box.configuration.more = lines + Self.rules
                    try await box.start()
                    // Each sets it for itself, the side engines' when they begin.
                    try await eventually(within: .seconds(10), "\(expected) threads in real time: \(lines)") {
                        try Self.schedulingClasses(of: box).packets.count { $0 == SCHED_FIFO } == expected
                    }
                    let classes = try Self.schedulingClasses(of: box)
                    #expect(classes.others.allSatisfy { $0 == SCHED_OTHER } && !classes.others.isEmpty, "\(classes)")
                    let status = try await Status.of(box)
                    #expect(status.scheduling == (expected > 0 ? "realtime" : "normal"))
                    await box.stop()
                }
                // Without the capability: a warning when it was asked for, and it goes on.
                box.configuration.more = "scheduling: realtime\n" + Self.rules
                try await box.start(
                    through: ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"])
                let status = try await Status.of(box)
                #expect(status.scheduling == "normal")
                #expect(status.warnings.contains { $0.contains("scheduling: realtime is not possible here") })
            }
        }

        /// The scheduling policies of the daemon's threads (proc(5), /proc/PID/task/TID/stat, field 41).
        private static func schedulingClasses(of box: Box) throws -> (packets: [Int32], others: [Int32]) {
            let tasks = "/proc/\(try #require(box.daemon?.identifier))/task"
            var found: (packets: [Int32], others: [Int32]) = ([], [])
            for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
                let line = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
                // The name, in brackets, may hold spaces; the field after it is the third.
                let fields = try #require(line.split(separator: ")").last).split(separator: " ")
                let policy = try #require(Int32(fields[41 - 3]))
                if line.contains("(data plane") { found.packets.append(policy) } else { found.others.append(policy) }
            }
            return found
        }

        /// With SO_REUSEPORT two daemons could share a port unnoticed.
        @Test(.timeLimit(.minutes(1)))
        func aPortThatIsInUseIsRefused() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                box.configuration.more = "threads: 2\n" + Self.rules
                let taken = try box.start("socat", "-u", "UDP6-RECV:25632,reuseport", "CREATE:/dev/null")
                try await eventually("the port is taken") {
                    try await box.run("ss", "-l", "-u", "-n", "-H", "sport = :25632").output.contains("25632")
                }
                let outcome = try await box.startInVain()
                #expect(!outcome.succeeded && outcome.said.contains("port 25632 is in use"), "\(outcome)")
                taken.signal(SIGTERM)
                _ = await taken.finish(within: .seconds(5))
                try await box.start()
            }
        }
    }
}
