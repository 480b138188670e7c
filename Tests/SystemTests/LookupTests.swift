import Synchronization
import Testing
import Wire

@testable import System

/// The two families of a host name, answered one after the other.
@Suite struct LookupTests {
    private final class Heard: Sendable {
        let early = Mutex<[[Endpoint]]>([])
    }

    private let heard = Heard()
    private static let four = [Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0201), port: 7)]
    private static let six = [Endpoint(address: IPv6Address(high: 1, low: 1), port: 7)]

    private var lookup: Lookup {
        Lookup(host: "example.org", port: 7) { [heard] found in heard.early.withLock { $0.append(found) } }
    }

    private func failure(_ code: Int32) -> Lookup.Outcome {
        .failure(.failed(host: "example.org", code: code, reason: ""))
    }

    private func answer(_ lookup: Lookup) async throws -> [Endpoint] {
        try await lookup.answer.value(cancelled: .cancelled(host: ""))
    }

    private var early: [[Endpoint]] { heard.early.withLock { $0 } }

    @Test func theFirstAnswerIsHeardBeforeTheSecondOne() async throws {
        let lookup = lookup
        lookup.ended(.ipv4, .success(Self.four))
        #expect(early == [Self.four] && !lookup.answer.isDecided)
        lookup.ended(.ipv6, .success(Self.six))
        #expect(early == [Self.four])
        #expect(try await answer(lookup) == Self.six + Self.four)
    }

    @Test func oneFamilyIsEnough() async throws {
        let lookup = lookup
        lookup.ended(.ipv6, failure(-2))
        #expect(early.isEmpty && !lookup.answer.isDecided)
        lookup.ended(.ipv4, .success(Self.four))
        #expect(early.isEmpty)
        #expect(try await answer(lookup) == Self.four)
    }

    /// "Try again" says more than "there is no such name".
    @Test func ofTwoFailuresTheOneThatSaysMoreIsTold() async throws {
        for (ipv6, ipv4, told) in [(-2, -5, -2), (-3, -2, -3), (-2, -3, -3), (-3, -5, -3)] as [(Int32, Int32, Int32)] {
            let lookup = lookup
            lookup.ended(.ipv4, failure(ipv4))
            lookup.ended(.ipv6, failure(ipv6))
            let error = await #expect(throws: ResolveError.self) { try await answer(lookup) }
            #expect(error == .failed(host: "example.org", code: told, reason: ""))
        }
    }

    @Test func whoGaveUpHearsNothing() {
        let lookup = lookup
        lookup.answer.end(.failure(.cancelled(host: "example.org")))
        lookup.ended(.ipv4, .success(Self.four))
        #expect(early.isEmpty)
    }
}
