import AdminProtocol
import Foundation
import INET256
import NIOCore
import Synchronization
import TestSupport
import Testing
import Wire

@testable import API
@testable import inet256vpn

@Suite struct APIServerTests {
    /// A server on a socket of its own, stopped when `body` is done.
    private func serving(
        _ control: FakeDaemon = FakeDaemon(), limits: APILimits = APILimits(),
        _ body: (_ path: String, _ client: APIClient) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("run/api.sock")
        let server = try await APIServer.listen(
            on: .unix(path: path), responder: AdminRoutes(control: control, logger: silent), limits: limits,
            logger: silent)
        let running = Task { await server.run() }
        do {
            try await body(path, APIClient(endpoint: .unix(path: path)))
        } catch {
            running.cancel()
            await running.value
            throw error
        }
        running.cancel()
        await running.value
        #expect(!FileManager.default.fileExists(atPath: path), "the socket goes with its server")
    }

    @Test func aReportSurvivesTheWay() async throws {
        try await serving { _, client in
            #expect(try await client.status() == FakeDaemon.sampleReport)
            let raw = try await client.send("GET", "/admin/status?pretty")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(raw.body)) as? [String: Any])
            #expect(raw.contentType == "application/json")
            for key in ["main_addr", "ip6_addr", "uptime_seconds", "transport_addrs", "memory_rss_bytes", "drops"] {
                #expect(object[key] != nil, "\(key)")
            }
            let peers = try #require(object["peers"] as? [[String: Any]])
            #expect(peers[1]["rtt_ms"] as? Double == 12.34)
        }
    }

    @Test func requestsOfTheCommands() async throws {
        var summary = ReloadSummary()
        summary.peersAdded = ["barn"]
        try await serving(FakeDaemon(reloaded: .success(summary))) { _, client in
            let health = try await client.send("GET", "/healthz")
            #expect(health.body == Array("ok\n".utf8))
            #expect(try await client.reload() == summary)
            let ping = PingRequest(target: Sample.dashed, bytes: 56, timeoutMs: 1000)
            #expect(try await client.ping(ping) == FakeDaemon().outcome)
        }
        for outcome in [PingOutcome.timedOut, .failed(reason: "no route")] {
            try await serving(FakeDaemon(outcome: outcome)) { _, client in
                let answer = try await client.ping(PingRequest(target: Sample.plain, bytes: 0, timeoutMs: 1))
                #expect(answer == outcome)
            }
        }
        try await serving(FakeDaemon(reloaded: .failure(CommandFailure(.usage, "c.yaml:7:1: \"x\"")))) { _, client in
            let failure = await #expect(throws: CommandFailure.self) { try await client.reload() }
            #expect(failure?.exitStatus == .usage)
            #expect(failure?.description == "c.yaml:7:1: \"x\"")
        }
    }

    @Test func whatIsNotThereOrNotRight() async throws {
        try await serving { path, client in
            let missing = try await client.send("GET", "/admin/nothing")
            #expect(missing.status == 404)
            #expect(
                try JSONDecoder().decode(APIFailure.self, from: Data(missing.body)).error.contains("/admin/nothing"))
            let method = try await client.send("DELETE", "/admin/status")
            #expect(method.status == 405)
            #expect(method.allow == "GET")
            for body in ["", "[]", "{\"target\": \"x\", \"bytes\": 1, \"timeout_ms\": 1}", #"{"target": 1}"#] {
                #expect(try await client.send("POST", "/admin/ping", body: Array(body.utf8)).status == 400, "\(body)")
            }
            for (bytes, time) in [(-1, 1), (65_001, 1), (1, 0), (1, 60_001)] {
                let request = PingRequest(target: Sample.plain, bytes: bytes, timeoutMs: time)
                #expect(try await client.send("POST", "/admin/ping", body: JSONText.encode(request)).status == 400)
            }
            #expect(await RawClient.exchange(path, "gibberish\r\n\r\n").hasPrefix("HTTP/1.1 400"))
            #expect(await RawClient.exchange(path, "GET / HTTP/7.7\r\n\r\n").hasPrefix("HTTP/1.1 400"))
            #expect(await RawClient.exchange(path, "\u{0}\u{1}\u{2}").hasPrefix("HTTP/1.1 400"))
            // The server is as it was.
            #expect(try await client.send("GET", "/healthz").status == 200)
        }
    }

    @Test func oversizedRequests() async throws {
        var limits = APILimits()
        limits.headerBytes = 1024
        limits.bodyBytes = 100
        try await serving(limits: limits) { path, client in
            let largest = try await client.send("POST", "/admin/ping", body: [UInt8](repeating: 32, count: 100))
            #expect(largest.status == 400)
            let larger = try await client.send("POST", "/admin/ping", body: [UInt8](repeating: 32, count: 101))
            #expect(larger.status == 413)
            let chunk = "40\r\n" + String(repeating: "x", count: 64) + "\r\n"
            let chunked = "POST /admin/ping HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + chunk + chunk
            #expect(await RawClient.exchange(path, chunked).hasPrefix("HTTP/1.1 413"))
            let header = "x-long: " + String(repeating: "y", count: 2000) + "\r\n"
            #expect(await RawClient.exchange(path, "GET /healthz HTTP/1.1\r\n\(header)\r\n").hasPrefix("HTTP/1.1 431"))
            let many = String(repeating: "a: b\r\n", count: 65)
            #expect(await RawClient.exchange(path, "GET /healthz HTTP/1.1\r\n\(many)\r\n").hasPrefix("HTTP/1.1 431"))
        }
    }

    @Test func slowClientsAreCutOff() async throws {
        var limits = APILimits()
        limits.requestTime = .milliseconds(50)
        try await serving(limits: limits) { path, client in
            #expect(await RawClient.exchange(path, "GET /healthz HT").hasPrefix("HTTP/1.1 408"))
            #expect(await RawClient.exchange(path, "").hasPrefix("HTTP/1.1 408"))
            #expect(
                await RawClient.exchange(path, "POST /admin/ping HTTP/1.1\r\ncontent-length: 9\r\n\r\nx").hasPrefix(
                    "HTTP/1.1 408"))
            let health = try await client.send("GET", "/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func aClientMayCloseItsHalf() async throws {
        try await serving { path, _ in
            let answer = await RawClient.exchange(path, "GET /healthz HTTP/1.0\r\n\r\n", closingHalf: true)
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("\r\n\r\nok\n"))
            #expect(await RawClient.exchange(path, "GET /heal", closingHalf: true).hasPrefix("HTTP/1.1 400"))
            #expect(await RawClient.exchange(path, "", closingHalf: true).isEmpty)
        }
    }

    @Test func aSecondRequestOnAConnectionIsNotLookedAt() async throws {
        try await serving { path, _ in
            let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
            let answer = await RawClient.exchange(path, request + request)
            #expect(answer.split(separator: "HTTP/1.1").count == 1)
            #expect(answer.contains("connection: close"))
        }
    }

    @Test func tooManyConnections() async throws {
        var limits = APILimits()
        limits.connections = 3
        let directory = try TemporaryDirectory()
        let endpoint = APIEndpoint.unix(path: directory.file("a.sock"))
        let gate = Gate()
        let server = try await APIServer.listen(on: endpoint, responder: gate, limits: limits, logger: silent)
        let running = Task { await server.run() }
        let client = APIClient(endpoint: endpoint)
        let held = (0..<3).map { _ in Task { try await client.send("GET", "/") } }
        await gate.waitForArrivals(3)
        #expect(try await client.send("GET", "/").status == 503)
        await gate.open()
        for request in held { #expect(try await request.value.status == 200) }
        running.cancel()
        await running.value
    }

    @Test func oneThatLeavesMakesRoom() async throws {
        var limits = APILimits()
        limits.connections = 1
        try await serving(limits: limits) { path, _ in
            var answered = 0
            // The server hears of a closed connection a moment later than the client: a few may be too early.
            for _ in 0..<1000 where answered < 5 {
                let answer = await RawClient.exchange(path, "GET /healthz HTTP/1.0\r\n\r\n", closingHalf: true)
                if answer.hasPrefix("HTTP/1.1 200") { answered += 1 }
            }
            #expect(answered == 5)
        }
    }

    @Test func theSocketIsForItsGroup() async throws {
        let old = umask(0o077)
        defer { umask(old) }
        try await serving { path, _ in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o660)
        }
    }

    /// Each request that is declared is answered, by its own verb and no other.
    @Test func everyDeclaredRequestIsAnswered() async throws {
        let routes = AdminRoutes(control: FakeDaemon(), logger: silent)
        for declared in Admin.all {
            let verb = declared.verb.rawValue
            let answer = await routes.respond(to: APIRequest(method: verb, path: declared.path))
            // A ping needs a target, and this daemon has no firewall: both are said by who answers, not by the routes.
            #expect(answer.status == 200 || answer.status == 400 || answer.status == 404, "\(declared.path)")
            #expect(answer != .notFound(declared.path), "\(declared.path)")
            for other in ["GET", "POST", "PUT", "DELETE"] where other != verb {
                let refused = await routes.respond(to: APIRequest(method: other, path: declared.path))
                #expect(refused.status == 405 && refused.allow == verb, "\(other) \(declared.path)")
            }
            let questions = QuestionRoutes(routes: routes)
            let open = await questions.respond(to: APIRequest(method: verb, path: declared.path))
            #expect((open.status == 403) == (declared.access == .members), "\(declared.path)")
        }
    }

    @Test func clientErrorsSayWhatToDo() async throws {
        let directory = try TemporaryDirectory()
        let endpoint = APIEndpoint.unix(path: directory.file("none.sock"))
        await #expect { try await APIClient(endpoint: endpoint).send("GET", "/") } throws: {
            "\($0)".contains("sudo systemctl start inet256vpn")
                && ($0 as? APIClientError)?.exitStatus == .unreachable
        }
        let denied = APIClientError(IOError(errnoCode: EACCES, reason: "connect"), endpoint)
        #expect(denied == .noPermission(endpoint))
        #expect(denied.exitStatus == .permission)
        #expect("\(denied)".contains("usermod -aG inet256vpn"))
    }

    @Test func aSilentServerIsNotWaitedForForever() async throws {
        struct Silence: APIResponder {
            func respond(to request: APIRequest) async -> APIResponse {
                // Until the client's going away cancels this.
                try? await Task.sleep(for: .seconds(3600))
                return .text("late")
            }
        }
        let directory = try TemporaryDirectory()
        let endpoint = APIEndpoint.unix(path: directory.file("a.sock"))
        var limits = APILimits()
        let patient = try await APIServer.listen(on: endpoint, responder: Silence(), limits: limits, logger: silent)
        let running = Task { await patient.run() }
        await #expect(throws: APIClientError.timedOut(endpoint, after: .milliseconds(50))) {
            try await APIClient(endpoint: endpoint).send("GET", "/", timeout: .milliseconds(50))
        }
        running.cancel()
        await running.value
        limits.answerTime = .milliseconds(50)
        let strict = try await APIServer.listen(on: endpoint, responder: Silence(), limits: limits, logger: silent)
        let again = Task { await strict.run() }
        #expect(try await APIClient(endpoint: endpoint).send("GET", "/").status == 504)
        again.cancel()
        await again.value
    }
}

/// Holds requests until it is opened, and tells when enough have come.
private actor Gate: APIResponder {
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watcher: (count: Int, continuation: CheckedContinuation<Void, Never>)?

    func respond(to request: APIRequest) async -> APIResponse {
        await withCheckedContinuation { continuation in
            held.append(continuation)
            if let watcher, held.count >= watcher.count {
                watcher.continuation.resume()
                self.watcher = nil
            }
        }
        return .text("through")
    }

    func waitForArrivals(_ count: Int) async {
        guard held.count < count else { return }
        await withCheckedContinuation { watcher = (count, $0) }
    }

    func open() {
        held.forEach { $0.resume() }
        held = []
    }
}
