import Foundation
import Testing
import Wire

@testable import API
@testable import inet256vpn

/// What keeps web pages away from the API on loopback TCP.
@Suite struct TCPGuardTests {
    @Test(arguments: [
        ("host: 127.0.0.1:2560\r\n", 200), ("host: localhost\r\n", 200), ("host: [::1]:2560\r\n", 200),
        ("host: [::1]\r\n", 200), ("host: LOCALHOST:1\r\n", 200), ("host: 127.9.9.9\r\n", 200),
        ("host: evil.example\r\n", 403), ("host: 127.0.0.1.evil.example\r\n", 403), ("", 403), ("host:\r\n", 403),
        ("host: [::1].evil.example\r\n", 403), ("host: localhost\r\norigin: https://evil.example\r\n", 403),
        ("host: 192.0.2.1\r\n", 403), ("host: localhost.evil.example\r\n", 403),
        ("host: localhost\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\n", 403),
        ("host: localhost\r\nsec-fetch-site: same-site\r\n", 403),
        ("host: localhost\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n", 200),
        ("host: localhost\r\nsec-fetch-site: same-origin\r\nsec-fetch-mode: cors\r\n", 200),
        ("host: localhost\r\nsec-fetch-site: none\r\nsec-fetch-mode: navigate\r\n", 200),
    ])
    func requestsOfWebPages(_ headers: String, _ status: Int) async throws {
        let answer = try await Self.answer(to: "GET /healthz", headers, on: "tcp://127.0.0.1:0")
        #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
    }

    /// Open to other machines: by any address, but by no name, which might be a web page's.
    @Test(arguments: [
        ("host: 127.0.0.1:2560\r\n", 200), ("host: 192.0.2.1:2560\r\n", 200), ("host: [2001:db8::1]\r\n", 200),
        ("host: localhost\r\n", 200), ("host: evil.example\r\n", 403), ("host: 192.0.2.1.evil.example\r\n", 403),
        ("", 403), ("host: 192.0.2.1\r\norigin: https://evil.example\r\n", 403),
    ])
    func requestsOfWebPagesToOtherAddresses(_ headers: String, _ status: Int) async throws {
        let answer = try await Self.answer(to: "GET /healthz", headers, on: "tcp://0.0.0.0:0")
        #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
    }

    /// Clients drop nodes with an empty Host, as they open them; no browser sends one. Here nodes are not served at all.
    @Test(arguments: [("host:\r\n", 501), ("host: evil.example\r\n", 403), ("", 403)])
    func dropsWithAnEmptyHost(_ headers: String, _ status: Int) async throws {
        let answer = try await Self.answer(to: "DELETE /nodes/x", headers, on: "tcp://127.0.0.1:0")
        #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
    }

    /// Asks on loopback, wherever it listens.
    private static func answer(to line: String, _ headers: String, on endpoint: String) async throws -> String {
        let server = try await APIServer.listen(
            on: try APIEndpoint(parsing: endpoint, allowingRemote: true),
            responder: AdminRoutes(control: FakeDaemon(), logger: silent), logger: silent)
        let running = Task { await server.run() }
        guard case .tcp(let bound) = server.endpoint else { return "no TCP" }
        let answer = await RawClient.blocking {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = bound.port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { return "not connected" }
            let request = Array("\(line) HTTP/1.1\r\n\(headers)\r\n".utf8)
            _ = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
            return RawClient.readAll(descriptor)
        }
        running.cancel()
        await running.value
        return answer
    }
}
