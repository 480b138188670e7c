import Foundation
import Testing

extension KernelTests {
    /// Limits of the machine and of the service manager: threads, files, addresses. Each is said, and nothing hangs or spins.
    @Suite struct Limits {
        /// A shell that puts itself under a limit of threads and becomes the program. `ip netns exec` has hidden the mounts of /sys, and
        /// whatever is mounted in here is gone with the program.
        private static func threads(_ most: Int, _ group: ControlGroup, _ box: Box) -> [String] {
            let mount = "\(box.directory)/groups"
            return [
                "sh", "-c",
                "mkdir -p \(mount) && mount -t \(group.kind) none \(mount) && echo \(most) >\(mount)/\(group.name)/pids.max "
                    + "&& echo $$ >\(mount)/\(group.name)/cgroup.procs && umount \(mount) && exec \"$@\"", "sh",
            ]
        }

        @Test(.timeLimit(.minutes(1)))
        func threadsThatThereIsNoRoomForAreLeftOut() async throws {
            try await Testbed.with { bed in
                let group = try ControlGroup()
                defer { group.remove() }
                let box = try await bed.box("alice")
                box.configuration.more += "threads: 64\n"
                try await box.start(through: Self.threads(64, group, box))
                let status = try await box.command("status")
                #expect(status.output.contains("one thread does it all"), "\(status)")
                let ended = await box.stop()
                #expect(ended?.status == 0, "\(String(describing: ended))")

                let none = try await box.startInVain(through: Self.threads(8, group, box))
                #expect(none.status == 1 && none.errors.contains("cannot start thread"), "\(none)")
                let checked = try await box.command("check", box.configPath)
                #expect(checked.succeeded && checked.errors.contains("threads: 64"), "\(checked)")
            }
        }

        @Test(
            .timeLimit(.minutes(1)),
            arguments: [("--nofile=12", "file"), ("--nofile=32", "file"), ("--as=400000000", "MB")])
        func whatDoesNotSufficeIsSaid(_ limit: String, _ word: String) async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let ended = try await box.startInVain(through: ["prlimit", limit])
                #expect(
                    ended.status == 1 && ended.errors.contains("cannot ") && ended.errors.contains("raise the limit"),
                    "\(ended)")
                #expect(!ended.errors.contains("Fatal") && !ended.errors.contains("Assertion"), "\(ended)")
                #expect(ended.errors.contains(word) || limit.hasPrefix("--as"), "\(ended)")
            }
        }

        /// More callers than files: the ones that ask nothing make room, and nobody spins.
        @Test(.timeLimit(.minutes(1)))
        func idleConnectionsDoNotUseUpTheFiles() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start(through: ["prlimit", "--nofile=80"])
                let crowd = try box.start(
                    "python3", "-I", "-S", "-c", Crowd.program, box.directory + "/api.sock")
                try await eventually("the crowd has come") { crowd.said.contains("ready") }
                let pid = try await box.processID()
                let before = try Self.ticks(pid)
                for _ in 0..<5 {
                    let status = try await box.command("status", within: .seconds(10))
                    #expect(status.succeeded, "\(status)")
                }
                try await Task.sleep(for: .seconds(2))
                let spent = try Self.ticks(pid) - before
                // Hundredths of a second of the processor in more than two: spinning would be 200.
                #expect(spent < 100, "\(spent)")
                #expect(crowd.isRunning)
                let said = box.log.split(separator: "\n").count { $0.contains("no connection to the API can be taken") }
                #expect(said == 1, "\(box.log)")
                #expect(await box.stop()?.status == 0)
            }
        }

        private static func ticks(_ pid: Int) throws -> Int {
            let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            // Behind the name, which is in parentheses: fields 14 and 15 are the 12th and 13th from there.
            let fields = stat.split(separator: ")").last?.split(separator: " ").map { Int($0) ?? 0 } ?? []
            return fields.count > 12 ? fields[11] + fields[12] : 0
        }
    }
}

private enum Crowd {
    static let program = """
        import socket, sys, time
        callers = []
        for number in range(120):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(2)
            try:
                s.connect(sys.argv[1])
                callers.append(s)
            except OSError:
                pass
        print("ready", len(callers), flush=True)
        time.sleep(60)
        """
}

extension Box {
    fileprivate func processID() async throws -> Int {
        struct Shown: Decodable { let pid: Int }
        let shown = try await command("status", "--json")
        return try JSONDecoder().decode(Shown.self, from: Data(shown.output.utf8)).pid
    }
}

/// A group of processes whose threads the kernel counts.
private struct ControlGroup {
    let name = "i256t-\(getpid())-limits"
    /// As mount(8) takes it.
    let kind: String
    private let path: String

    init() throws {
        for (root, kind) in [("/sys/fs/cgroup/pids", "cgroup -o pids"), ("/sys/fs/cgroup", "cgroup2")] {
            let made = "\(root)/\(name)"
            try? FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: false)
            if FileManager.default.fileExists(atPath: made + "/pids.max") {
                path = made
                self.kind = kind
                return
            }
            rmdir(made)
        }
        throw NotThere(what: "a control group with a limit of threads (pids.max)")
    }

    func remove() { rmdir(path) }
}
