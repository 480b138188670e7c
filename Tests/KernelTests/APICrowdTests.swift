import Foundation
import Testing

extension KernelTests {
    /// Users of the machine who hold the API's connections.
    @Suite struct APICrowd {
        /// More users than one, each with more connections than anybody may have.
        private static let users = 5
        private static let connections = 200

        enum Hold: String, CaseIterable {
            /// Not a word.
            case silent
            /// The beginning of a request.
            case half
            /// Whole requests: pings of somebody who is not there.
            case busy
        }

        @Test(.timeLimit(.minutes(2)), arguments: Hold.allCases)
        func theStatusIsAnsweredAtOnce(hold: Hold) async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                box.configuration.portal = false
                let absent = try await bed.box("absent")
                box.configuration.peers = [.init(name: "absent", id: absent.address, endpoints: ["127.0.0.1:9"])]
                try await box.start()
                // As if they were all in the socket's group.
                let socket = String(box.configuration.api.dropFirst("unix://".count))
                _ = try await box.run("chmod", "666", socket)
                let crowd = try (0..<Self.users).map { user in
                    try box.start(
                        "python3", "-I", "-S", "-c", Self.program, "\(61000 + user)", socket, hold.rawValue,
                        "\(Self.connections)", absent.address)
                }
                for (number, user) in crowd.enumerated() {
                    try await eventually("user \(number) holds what it gets") {
                        guard user.isRunning else { throw NotThere(what: "the user, who said: \(user.said)") }
                        return user.said.contains("holds")
                    }
                }
                for _ in 0..<5 {
                    let began = ContinuousClock.now
                    let status = try await box.command("status", "--json", within: .seconds(5))
                    #expect(status.succeeded, "\(status)")
                    let took = ContinuousClock.now - began
                    print("status among \(Self.users) users that hold \(hold) connections: \(took)")
                    #expect(took < .seconds(3))
                }
                // Another user as well.
                let mine = try await bed.run(
                    [
                        "setpriv", "--reuid=61099", "--regid=61099", "--clear-groups", "curl", "-s", "-o", "/dev/null",
                        "-w", "%{http_code}", "--unix-socket", socket, "http://x/healthz",
                    ], in: box.namespace)
                #expect(mine.output == "200", "\(mine)")
            }
        }

        private static let program = """
            import json, os, socket, sys, time
            user, path, hold, count, target = sys.argv[1:]
            os.setgroups([])
            os.setresgid(int(user), int(user), int(user))
            os.setresuid(int(user), int(user), int(user))
            body = json.dumps({"target": target, "bytes": 8, "timeout_ms": 60000}).encode()
            request = b"POST /admin/ping HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body) + body
            said = {"silent": b"", "half": request[:30], "busy": request}[hold]
            held = []
            for _ in range(int(count)):
                s = socket.socket(socket.AF_UNIX)
                s.connect(path)
                try:
                    s.send(said)
                except OSError:
                    pass
                held.append(s)
            print("holds", flush=True)
            time.sleep(60)
            """
    }
}
