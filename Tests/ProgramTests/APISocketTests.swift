import AdminProtocol
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import inet256vpn

/// Where the daemon listens: sockets in the file system and on the loopback.
@Suite struct APISocketTests {
    @Test func staleAndLiveSockets() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("api.sock")
        let routes = AdminRoutes(control: FakeDaemon(), logger: silent)
        // A socket without a listener is what a killed daemon leaves.
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(dead)
        let first = try await APIServer.listen(on: .unix(path: path), responder: routes, logger: silent)
        let running = Task { await first.run() }
        await #expect(throws: APIServerError.anotherIsRunning(.unix(path: path))) {
            try await APIServer.listen(on: .unix(path: path), responder: routes, logger: silent)
        }
        // The first one took no harm.
        #expect(try await APIClient(endpoint: .unix(path: path)).send("GET", "/healthz").status == 200)
        running.cancel()
        await running.value
        let again = try await APIServer.listen(on: .unix(path: path), responder: routes, logger: silent)
        // Never run, and closed all the same.
        await again.close()
        await again.close()
        await again.run()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
    }

    private final class Running: Sendable {
        let count = Mutex(0)
    }

    /// Daemons that come and go at one path: never are there two, though each takes its lock's file away.
    @Test func oneAtATimeWhileOthersComeAndGo() async throws {
        let directory = try TemporaryDirectory()
        let endpoint = APIEndpoint.unix(path: directory.file("api.sock"))
        let running = Running()
        let served = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var served = 0
                    for _ in 0..<60 {
                        guard
                            let server = try? await APIServer.listen(
                                on: endpoint, responder: AdminRoutes(control: FakeDaemon(), logger: silent),
                                logger: silent)
                        else { continue }
                        let others = running.count.withLock { count in
                            count += 1
                            return count - 1
                        }
                        #expect(others == 0)
                        await Task.yield()
                        running.count.withLock { $0 -= 1 }
                        await server.close()
                        served += 1
                    }
                    return served
                }
            }
            return await group.reduce(0, +)
        }
        #expect(served > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
    }

    @Test func otherThingsAtThePathStay() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("api.sock", "a file")
        let routes = AdminRoutes(control: FakeDaemon(), logger: silent)
        await #expect(throws: APIServerError.notASocket(path)) {
            try await APIServer.listen(on: .unix(path: path), responder: routes, logger: silent)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "a file")
        await #expect {
            try await APIServer.listen(on: .unix(path: path + "/x/y"), responder: routes, logger: silent)
        } throws: {
            "\($0)".contains("Not a directory")
        }
    }

    @Test func overLoopbackTCP() async throws {
        let routes = AdminRoutes(control: FakeDaemon(), logger: silent)
        let server = try await APIServer.listen(
            on: try APIEndpoint(parsing: "tcp://127.0.0.1:0"), responder: routes, logger: silent)
        let running = Task { await server.run() }
        let client = APIClient(endpoint: server.endpoint)
        #expect(try await client.status() == FakeDaemon.sampleReport)
        await #expect(throws: APIServerError.self) {
            try await APIServer.listen(on: server.endpoint, responder: routes, logger: silent)
        }
        running.cancel()
        await running.value
        await #expect(throws: APIClientError.notRunning(server.endpoint)) { try await client.send("GET", "/healthz") }
    }

    @Test(
        arguments: [
            ("tcp://127.0.0.1:2560", nil), ("tcp://[::1]:2560", nil), ("unix:///run/a", nil), ("unix://./a", nil),
            ("tcp://0.0.0.0:1", "loopback"), ("tcp://[2001:db8::1]:1", "loopback"), ("tcp://example.org:1", "numeric"),
            ("unix://", "path"), ("unix:///a/", "path"), ("http://x", "unix:///"), ("", "unix:///"),
        ] as [(String, String?)])
    func endpoints(_ text: String, _ fault: String?) throws {
        guard let fault else {
            #expect(try APIEndpoint(parsing: text).description == text)
            return
        }
        #expect { try APIEndpoint(parsing: text) } throws: { "\($0)".contains(fault) }
    }
}
