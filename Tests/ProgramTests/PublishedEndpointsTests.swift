import INET256
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// What a domain's records say of where a peer is.
@Suite struct PublishedEndpointsTests {
    private let peer: Address
    private static let service = DNSMessage.Service(priority: 1, weight: 1, port: 9, target: "s.example.org")

    init() throws { peer = try Sample.address(Sample.plain) }

    private func places(_ texts: [String], _ services: [DNSMessage.Service] = []) -> [String] {
        PublishedEndpoints.places(texts, services, of: peer).map(\.description)
    }

    @Test func aTextIsAboutWhoseAddressItHas() {
        #expect(
            places([
                "inet256vpn=\(Sample.dashed) udp://192.0.2.1:1", "v=spf1 -all",
                "inet256vpn=\(Sample.plain) udp://a.example.org:2 udp://[2001:db8::1]:3",
                "inet256vpn=\(Sample.plain) udp://192.0.2.4:4 udp://a.example.org:2",
            ]) == ["udp://a.example.org:2", "udp://[2001:db8::1]:3", "udp://192.0.2.4:4"])
    }

    @Test func servicesAreTakenWhereNoTextIsAboutThePeer() {
        #expect(places([], [Self.service]) == ["udp://s.example.org:9"])
        #expect(places(["inet256vpn=\(Sample.dashed) udp://192.0.2.1:1"], [Self.service]) == ["udp://s.example.org:9"])
        // One that is about it and says nothing that can be used is about it all the same.
        #expect(places(["inet256vpn=\(Sample.plain) tcp://192.0.2.1:1"], [Self.service]).isEmpty)
    }

    /// Names do not lead on to further records, and whoever publishes thousands has eight.
    @Test func whatIsNoEndpointIsLeftOut() {
        let bent = [
            "", "inet256vpn=", "inet256vpn=\(Sample.plain)", "inet256vpn=\(Sample.plain)udp://192.0.2.1:1",
            "inet256vpn=\(Sample.plain) dns://example.org udp://192.0.2.1 udp://-a:1 udp://a:0 udp://",
        ]
        #expect(places(bent).isEmpty)
        let many = (1...200).map { "udp://192.0.2.\($0):7" }.joined(separator: " ")
        #expect(places(["inet256vpn=\(Sample.plain) \(many)"]).count == PublishedEndpoints.most)
        let services = (1...200).map { DNSMessage.Service(priority: 1, weight: 1, port: $0, target: "a.org") }
        #expect(places([], services).count == PublishedEndpoints.most)
    }
}
