import Glibc
import Testing
import Wire

@testable import System

@Suite struct ResolverTests {
    let resolver = Resolver(maximumThreads: 2)

    @Test func numericHostsNeedNoThread() async throws {
        #expect(try await resolver.resolve("192.0.2.1", port: 5) == [try #require(Endpoint("192.0.2.1:5"))])
        #expect(try await resolver.resolve("2001:db8::1", port: 6) == [try #require(Endpoint("[2001:db8::1]:6"))])
    }

    @Test func localhostIsTheLoopback() async throws {
        let endpoints = try await resolver.resolve("localhost", port: 25632)
        #expect(!endpoints.isEmpty)
        #expect(endpoints.allSatisfy { $0.address.isLoopback && $0.port == 25632 })
        #expect(Set(endpoints).count == endpoints.count)
    }

    @Test func zonesAreForTheSystem() async throws {
        let index = if_nametoindex("lo")
        let endpoints = try await resolver.resolve("fe80::1%lo", port: 1)
        #expect(endpoints == [Endpoint(address: try #require(Endpoint("[fe80::1]:0")).address, port: 1, scope: index)])
    }

    @Test(arguments: ["", "two words", "nul\0byte", "line\nbreak", String(repeating: "a", count: 254)])
    func whatIsNoNameIsNotAsked(host: String) async {
        await #expect(throws: ResolveError.notAName(host)) { try await resolver.resolve(host, port: 1) }
    }

    @Test func failuresCarryTheReason() async {
        // A label longer than 63 bytes is refused before any server is asked.
        let host = String(repeating: "x", count: 64) + ".invalid"
        let error = await #expect(throws: ResolveError.self) { try await resolver.resolve(host, port: 1) }
        guard case .failed(host, let code, let reason)? = error else {
            Issue.record("not a failure: \(String(describing: error))")
            return
        }
        #expect(code != 0 && !reason.isEmpty)
        #expect(error?.description.hasPrefix("cannot resolve \"xxx") == true)
    }

    @Test func aCancelledTaskIsAnsweredAtOnce() async {
        let resolver = self.resolver
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await resolver.resolve("localhost", port: 1)
        }
        task.cancel()
        await #expect(throws: ResolveError.cancelled(host: "localhost")) { try await task.value }
    }

    @Test func manyAtOnceAreAllAnswered() async throws {
        let resolver = self.resolver
        let ports = try await withThrowingTaskGroup(of: UInt16?.self) { group in
            for port in 1...100 as ClosedRange<UInt16> {
                group.addTask { try await resolver.resolve("localhost", port: port).first?.port }
            }
            return try await group.reduce(into: Set<UInt16>()) { if let port = $1 { $0.insert(port) } }
        }
        #expect(ports.count == 100)
    }
}
