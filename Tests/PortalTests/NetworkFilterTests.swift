import TestSupport
import Testing
import Wire

@testable import Portal

/// A box with networks: fdaa:1::/64 behind it, others behind bob (fd00::b) and carol (fd00::c).
@Suite struct NetworkFilterTests {
    private let filter: PortalFilter

    init() throws {
        func prefix(_ text: String) throws -> IPv6Prefix { try #require(IPv6Prefix(text)) }
        let bob = try address("fd00::b")
        let carol = try address("fd00::c")
        filter = PortalFilter(
            own: try address("fd00::1"), prefix: try prefix("fd00::/8"),
            networks: try PortalNetworks(
                local: [prefix("fdaa:1::/64"), prefix("2001:db8:1::/64"), prefix("fdaa:2:9::/64")],
                remote: [
                    (prefix("fdaa:2::/32"), bob), (prefix("2001:db8:2::/48"), bob),
                    (prefix("fdaa:2:7::/64"), carol), (prefix("2001:db8:2:7::/64"), carol),
                ]))
    }

    /// Nil for "pass".
    private func outbound(_ source: String, _ destination: String) throws -> DropReason? {
        try packet(source, destination).withUnsafeBytes {
            if case .drop(let reason, _) = filter.outbound($0) { reason } else { nil }
        }
    }

    private func inbound(_ source: String, _ destination: String, from sender: String) throws -> DropReason? {
        let sender = try address(sender)
        return try packet(source, destination).withUnsafeBytes {
            if case .drop(let reason, _) = filter.inbound($0, from: sender) { reason } else { nil }
        }
    }

    @Test(arguments: ["fd00::1", "fdaa:1::5", "2001:db8:1::5", "fdaa:2:9::5"])
    func weAndWhatIsBehindUsMaySend(source: String) throws {
        #expect(try outbound(source, "fd00::b") == nil)
        #expect(try outbound(source, "fdaa:2::5") == nil)
        #expect(try outbound(source, "2001:db8:2::5") == nil)
        #expect(try outbound(source, "2001:db8:2:7::5") == nil)
        #expect(try outbound(source, "2001:db8:3::5") == .destinationOutsidePrefix)
        #expect(try outbound(source, "ff0e::5") == .multicast)
        #expect(try outbound(source, "fe80::5") == .linkLocal)
    }

    @Test(arguments: ["fdaa:1:0:1::5", "2001:db8::5", "fd00::b", "fdaa:2::5", "fdaa:2:7::5", "2001:db8:2::5", "::"])
    func nobodyElseMaySend(source: String) throws {
        #expect(try outbound(source, "fd00::b") == .sourceNotOurs)
        #expect(try outbound(source, "2001:db8:2::5") == .sourceNotOurs)
    }

    @Test(arguments: ["fd00::1", "fdaa:1::5", "2001:db8:1::5", "fdaa:2:9::5"])
    func whatIsBehindUsIsNotAskedOfTheMesh(destination: String) throws {
        #expect(try outbound("fd00::1", destination) == .destinationHere)
        #expect(try outbound("fdaa:1::9", destination) == .destinationHere)
        #expect(DropReason.destinationHere.answer == .addressUnreachable)
    }

    @Test(arguments: ["fd00::1", "fdaa:1::5", "2001:db8:1::5", "fdaa:2:9::5"])
    func aSenderSendsForItselfAndWhatIsBehindIt(destination: String) throws {
        #expect(try inbound("fd00::b", destination, from: "fd00::b") == nil)
        #expect(try inbound("fdaa:2::5", destination, from: "fd00::b") == nil)
        #expect(try inbound("2001:db8:2::5", destination, from: "fd00::b") == nil)
        #expect(try inbound("2001:db8:2:7::5", destination, from: "fd00::c") == nil)
        #expect(try inbound("fdaa:2:7::5", destination, from: "fd00::c") == nil)
        // A node that nothing is behind.
        #expect(try inbound("fd00::d", destination, from: "fd00::d") == nil)
    }

    @Test(arguments: [
        // Of somebody else: a node, a network, none at all.
        ("fd00::c", "fd00::b"), ("fd00::b", "fd00::c"), ("fdaa:2::5", "fd00::c"), ("fdaa:2::5", "fd00::d"),
        ("2001:db8:2::5", "fd00::d"), ("2001:db8:9::5", "fd00::b"), ("::", "fd00::b"), ("ff02::5", "fd00::b"),
        ("fe80::b", "fd00::b"),
        // The more specific one is carol's, though it lies in bob's.
        ("fdaa:2:7::5", "fd00::b"), ("2001:db8:2:7::5", "fd00::b"),
        // Ours, and in the middle of bob's too.
        ("fd00::1", "fd00::b"), ("fdaa:1::5", "fd00::b"), ("fdaa:2:9::5", "fd00::b"),
        // A key mined for a derived address inside a network: the network counts.
        ("fdaa:2::bad", "fdaa:2::bad"), ("fdaa:1::bad", "fdaa:1::bad"), ("fdaa:2:7::bad", "fdaa:2:7::bad"),
        // In the mesh's prefix beside every network: only the very node.
        ("fdaa:3::5", "fd00::b"), ("fdaa:3::5", "fd00::c"),
    ])
    func nobodySendsForAnother(source: String, sender: String) throws {
        #expect(try inbound(source, "fd00::1", from: sender) == .sourceNotSender)
        #expect(try inbound(source, "fdaa:1::5", from: sender) == .sourceNotSender)
    }

    @Test(arguments: ["fd00::b", "fd00::d", "fdaa:1:0:1::5", "fdaa:2::5", "2001:db8:2::5", "2001:db8:3::5", "::1"])
    func whatIsNotOursIsNotLetThrough(destination: String) throws {
        #expect(try inbound("fd00::b", destination, from: "fd00::b") == .destinationNotOurs)
        #expect(try inbound("fdaa:2::5", destination, from: "fd00::b") == .destinationNotOurs)
    }

    @Test func whatIsNeverCarriedIsNamedInboundToo() throws {
        #expect(try inbound("fdaa:2::5", "ff0e::5", from: "fd00::b") == .multicast)
        #expect(try inbound("fdaa:2::5", "fe80::5", from: "fd00::b") == .linkLocal)
    }

    @Test func locations() throws {
        let expected: [(String, PortalFilter.Location)] = [
            ("fd00::1", .own), ("fdaa:1::1", .local), ("fdaa:2:9::1", .local),
            ("fdaa:2::1", .behind(try address("fd00::b"))),
            ("fdaa:2:7::1", .behind(try address("fd00::c"))), ("fd00::b", .node), ("fdaa:3::1", .node),
            ("2001:db8::1", .nowhere), ("ff02::1", .nowhere),
        ]
        for (text, location) in expected { #expect(try filter.location(of: address(text)) == location, "\(text)") }
    }

    /// A network around the mesh's prefix, or as large as it, leaves the nodes their addresses.
    @Test(arguments: ["::/0", "fc00::/7", "fd00::/8"]) func theMeshIsMoreSpecificThanWhatIsAroundIt(text: String) throws
    {
        let bob = try address("fd00::b")
        let around = PortalFilter(
            own: try address("fd00::1"), prefix: try #require(IPv6Prefix("fd00::/8")),
            networks: try PortalNetworks(local: [], remote: [(try #require(IPv6Prefix(text)), bob)]))
        #expect(around.location(of: try address("fd12::1")) == .node)
        #expect(around.location(of: try address("fd00::1")) == .own)
        try packet("fd12::1", "fd00::1").withUnsafeBytes { raw in
            if case .pass = around.inbound(raw, from: bob) { Issue.record("bob speaks for a node") }
        }
        let outside = try around.location(of: address("fc12::1"))
        #expect(outside == (text == "fd00::/8" ? .nowhere : .behind(bob)))
    }

    /// Without networks the rules are what they were.
    @Test func withoutNetworksAHostBehindUsHasNoWay() throws {
        let plain = PortalFilter(own: filter.own, prefix: filter.prefix)
        try packet("fdaa:1::5", "fd00::b").withUnsafeBytes { raw in
            guard case .drop(.sourceNotOurs, _) = plain.outbound(raw) else {
                Issue.record("passed")
                return
            }
        }
        let sender = try address("fd00::b")
        try packet("fdaa:2::5", "fd00::1").withUnsafeBytes { raw in
            guard case .drop(.sourceNotSender, _) = plain.inbound(raw, from: sender) else {
                Issue.record("passed")
                return
            }
        }
    }

    /// Whatever the addresses: what comes in is answered to the node that it came from, and what goes out could come
    /// back in.
    @Test func whatPassesOneWayHasItsWayBack() throws {
        let seed: UInt64 = 0xbac4
        var random = SplitMix(seed: seed)
        let heads = ["fd00::", "fdaa:1::", "fdaa:2::", "fdaa:2:7::", "fdaa:2:9::", "2001:db8:1::", "2001:db8:2::"]
        func pick() throws -> String {
            try #require(heads.randomElement(using: &random)) + "\(Int.random(in: 1...13, using: &random).hex)"
        }
        var carried = 0
        for round in 0..<20_000 {
            let source = try pick()
            let destination = try pick()
            guard try outbound(source, destination) == nil else { continue }
            carried += 1
            let owner =
                switch filter.location(of: try address(destination)) {
                case .behind(let owner): "\(owner)"
                case .node: destination
                case .own, .local, .nowhere: "nobody"
                }
            #expect(
                try inbound(destination, source, from: owner) == nil,
                "seed \(seed), round \(round): \(source) to \(destination)")
            for other in ["fd00::b", "fd00::c", "fd00::d"] where other != owner {
                #expect(try inbound(destination, source, from: other) == .sourceNotSender)
            }
        }
        #expect(carried > 1000, "some are carried")
    }
}

extension Int {
    fileprivate var hex: String { String(self, radix: 16) }
}
