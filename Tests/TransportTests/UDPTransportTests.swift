import System
import Testing
import Wire

@testable import Transport

@Suite struct UDPTransportTests {
    @Test func oneThreadHasOneSocketForItself() throws {
        let source = UDPTransport(try #require(Endpoint("127.0.0.1:0")), offload: false)
        let opened = try source.open(1, number: 3)
        #expect(opened.others.isEmpty && opened.refusal == nil && opened.warnings.isEmpty)
        let first = opened.first
        #expect(first.number == 3 && first.traits == .udp && first.descriptor >= 0 && first.takeEvents().isEmpty)
        let facts = first.facts
        #expect(facts.scheme == "udp" && facts.udpPort == facts.bound.port && facts.offloads.isEmpty)
        // It has the endpoint for itself.
        #expect(throws: TransportError.self) { try UDPTransport(facts.bound, offload: false).open(1, number: 0) }
        #expect(throws: TransportError.self) { try UDPTransport(facts.bound, offload: false).open(3, number: 0) }
    }

    @Test func severalThreadsShareAnEndpoint() throws {
        let source = UDPTransport(try #require(Endpoint("127.0.0.1:0")), offload: true)
        let opened = try source.open(3, number: 1)
        #expect(opened.others.count == 2 && opened.refusal == nil)
        let bound = opened.first.facts.bound
        #expect(bound.port != 0 && opened.others.allSatisfy { $0.facts.bound == bound && $0.number == 1 })
        #expect(Set(([opened.first] + opened.others).map(\.descriptor)).count == 3)
        // Nobody else gets a share unnoticed.
        #expect(throws: TransportError.self) { try UDPTransport(bound, offload: false).open(2, number: 0) }
    }
}
