import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct PortalNetworksTests {
    private static func prefix(_ text: String) throws -> IPv6Prefix { try #require(IPv6Prefix(text)) }

    /// Networks within networks, one of them in the middle of another's.
    private static func nested() throws -> PortalNetworks {
        try PortalNetworks(
            local: [prefix("fdaa::/16"), prefix("fdaa:2:3::/48")],
            remote: [
                (prefix("fdaa:2::/32"), address("fd00::b")), (prefix("fdaa:2:4::1/128"), address("fd00::c")),
                (prefix("2001:db8:5::/48"), address("fd00::c")),
            ])
    }

    @Test(arguments: [
        ("fdaa::1", "here"), ("fdaa:ffff::1", "here"), ("fdaa:2::1", "fd00::b"), ("fdaa:2:ffff::", "fd00::b"),
        ("fdaa:2:3::", "here"), ("fdaa:2:3:ffff:ffff:ffff:ffff:ffff", "here"), ("fdaa:2:4::", "fd00::b"),
        ("fdaa:2:4::1", "fd00::c"), ("fdaa:2:4::2", "fd00::b"), ("fdaa:3::", "here"), ("fdab::", "none"),
        ("fda9:ffff::", "none"), ("2001:db8:5::9", "fd00::c"), ("2001:db8:6::", "none"), ("::", "none"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "none"),
    ])
    func theMostSpecificWins(text: String, expected: String) throws {
        let found = try Self.nested().find(address(text))
        let side =
            switch found?.side {
            case .here?: "here"
            case .behind(let owner)?: "\(owner)"
            case nil: "none"
            }
        #expect(side == expected)
    }

    @Test func theOrderOfDeclarationDoesNotMatter() throws {
        let networks = try Self.nested()
        #expect(networks.local.map(\.description) == ["fdaa::/16", "fdaa:2:3::/48"])
        #expect(networks.remote.map(\.prefix.description) == ["2001:db8:5::/48", "fdaa:2::/32", "fdaa:2:4::1/128"])
        #expect(try PortalNetworks(local: networks.local.reversed(), remote: networks.remote.reversed()) == networks)
        // Said twice is said once.
        #expect(try PortalNetworks(local: networks.local + networks.local, remote: networks.remote) == networks)
        #expect(!networks.isEmpty && PortalNetworks.none.isEmpty)
        #expect(try PortalNetworks(local: [], remote: []) == .none)
    }

    @Test func oneNetworkIsBehindOneBox() throws {
        let network = try Self.prefix("fdaa::/64")
        let bob = try address("fd00::b")
        let carol = try address("fd00::c")
        #expect(throws: PortalNetworksError.declaredTwice(network)) {
            try PortalNetworks(local: [network], remote: [(network, bob)])
        }
        #expect(throws: PortalNetworksError.declaredTwice(network)) {
            try PortalNetworks(local: [], remote: [(network, bob), (network, carol)])
        }
        #expect(try PortalNetworks(local: [], remote: [(network, bob), (network, bob)]).remote.count == 1)
    }

    @Test(arguments: ["ff00::/8", "ff02::1/128", "fe80::/10", "fe80::/64", "::/64", "::1/128", "::ffff:a00:0/104"])
    func whatNobodyHasBeyondALinkIsRefused(text: String) throws {
        let network = try Self.prefix(text)
        #expect(throws: PortalNetworksError.notCarried(network)) { try PortalNetworks(local: [network], remote: []) }
    }

    @Test func everythingDoesNotMeanWhatNobodyHas() throws {
        let all = try PortalNetworks(local: [], remote: [(Self.prefix("::/0"), address("fd00::b"))])
        #expect(try all.find(address("2001:db8::1"))?.prefix.length == 0)
        for text in ["ff02::1", "fe80::1", "::", "::1", "::ffff:10.0.0.1"] {
            #expect(try all.find(address(text)) == nil, "\(text)")
        }
    }

    /// Against the plain definition: of all networks that hold the address, the longest.
    @Test func findsWhatAScanOfAllFinds() throws {
        let seed: UInt64 = 0x6e65
        var random = SplitMix(seed: seed)
        var hits = 0
        for round in 0..<300 {
            // Few bits that matter, so that networks meet and nest.
            var sides: [IPv6Prefix: IPv6Address?] = [:]
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let length = Int.random(in: 8...24, using: &random)
                let bits = UInt64.random(in: 0...UInt64.max, using: &random) & 0x0013_0100_0000_0000
                let start = IPv6Address(high: 0xfd00 << 48 | bits, low: 0).masked(to: length)
                let prefix = try #require(IPv6Prefix(start, length: length))
                let owner = IPv6Address(high: 0xfd00 << 48, low: UInt64.random(in: 1...3, using: &random))
                sides[prefix] = Bool.random(using: &random) ? .some(nil) : .some(owner)
            }
            let networks = try PortalNetworks(
                local: sides.compactMap { $0.value == nil ? $0.key : nil },
                remote: sides.compactMap { prefix, owner in owner.map { (prefix, $0) } })
            for _ in 0..<100 {
                let bits = UInt64.random(in: 0...UInt64.max, using: &random) & 0x00ff_ff00_0000_0000
                let target = IPv6Address(high: 0xfd00 << 48 | bits & 0x0013_0100_0000_0000, low: bits)
                let longest = sides.filter { $0.key.contains(target) }.max { $0.key.length < $1.key.length }
                let found = networks.find(target)
                #expect(found?.prefix == longest?.key, "seed \(seed), round \(round), \(target)")
                let side = longest.map { $0.value.map { PortalNetworks.Side.behind($0) } ?? .here }
                #expect(found?.side == side, "seed \(seed), round \(round), \(target)")
                if found != nil { hits += 1 }
            }
        }
        #expect(hits > 5000, "networks were hit")
    }
}
