import Foundation
import Testing

extension KernelTests {
    /// The routers of the grid, without any daemon: nf_tables does not do on every kernel what its words say, and what is measured
    /// behind a router of another kind than it is called by is worth nothing.
    @Suite struct NATKinds {
        @Test(.timeLimit(.minutes(1)), arguments: NATKind.allCases)
        func aRouterIsOfItsKind(_ kind: NATKind) async throws {
            try await Testbed.with { bed in
                let probe = try await NATProbe(of: kind, in: bed)
                let seen = try await probe.traits()
                #expect(seen == kind.traits, "\(kind.rawValue): \(probe.said)")
            }
        }

        /// A stranger knocked before: its packet took no port away from the flow that is sent to it later.
        @Test(.timeLimit(.minutes(1)), arguments: [NATKind.portRestricted, .double])
        func anEarlyKnockTakesNoPort(_ kind: NATKind) async throws {
            try await Testbed.with { bed in
                let probe = try await NATProbe(of: kind, in: bed, knockFirst: true)
                #expect(try await probe.traits() == kind.traits, "\(probe.said)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func twoBehindOneRouterHaveNoHairpin() async throws {
            try await Testbed.with { bed in
                let probe = try await NATProbe(of: .portRestricted, in: bed)
                let neighbour = try await probe.grid.machine("neighbour", at: probe.site, host: 11)
                let outer = try await probe.mapping()
                try await probe.knock(from: neighbour, 4000, to: outer, "hairpin")
                try await probe.knock(from: neighbour, 4001, to: probe.site.address(of: 10) + ":4000", "lan")
                try await probe.settled()
                #expect(probe.said.contains("heard lan"))
                #expect(!probe.said.contains("heard hairpin"))
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func whatMayHappenToARouterDoes() async throws {
            try await Testbed.with { bed in
                let probe = try await NATProbe(of: .portRestricted, in: bed)
                let before = try await probe.mapping()
                try await probe.site.changePublicAddress()
                try await eventually("another address is seen") {
                    try await probe.mapping().hasPrefix("198.18.2.3:")
                }
                #expect(before.hasPrefix("198.18.2.2:"))

                try await probe.site.cut()
                let cut = probe.count
                try await Task.sleep(for: .milliseconds(500))
                #expect(probe.count <= cut + 2)
                try await probe.site.restore()
                try await probe.settled()

                // Untranslated for a moment, and a flow that began so stays so when the rule is back.
                try await probe.site.translate(false)
                try await probe.site.forgetFlows()
                try await Task.sleep(for: .milliseconds(500))
                try await probe.site.translate(true)
                let stuck = probe.count
                try await Task.sleep(for: .seconds(2))
                #expect(probe.count <= stuck + 2, "the kernel healed it: \(probe.said.suffix(200))")
                try await probe.site.forgetFlows()
                try await probe.settled()
            }
        }
    }
}

/// A socket behind a router, two machines on the outside that say what they see of it, and a third one that it never sent to.
private struct NATProbe {
    let grid: NATGrid
    let site: NATSite
    private let first: String
    private let second: String
    private let stranger: String
    private let inside: RunningCommand
    private static let script = Requirements.root + "/Tests/KernelTests/Reach/nat_probe.py"

    init(of kind: NATKind, in bed: Testbed, knockFirst: Bool = false) async throws {
        grid = try await NATGrid(in: bed)
        let outside = try await grid.site(.public)
        site = try await grid.site(kind)
        first = try await grid.machine("first", at: outside, host: 10)
        second = try await grid.machine("second", at: outside, host: 11)
        stranger = try await grid.machine("stranger", at: outside, host: 12)
        let machine = try await grid.machine("inside", at: site)
        if knockFirst, let outer = site.publicAddress {
            for namespace in [first, second] {
                try await Self.knock(bed, from: namespace, 7000, to: outer + ":4000", "early")
            }
        }
        for namespace in [first, second] {
            let answering = try bed.start(["python3", Self.script, "outside", "7000"], in: namespace)
            try await eventually("it answers") { answering.said.contains("ready") }
        }
        let targets = [10, 11].map { outside.address(of: $0) + ":7000" }
        inside = try bed.start(["python3", Self.script, "inside", "4000"] + targets, in: machine)
    }

    /// What the socket inside has heard.
    var said: String { inside.said }
    /// How many answers there were.
    var count: Int { said.split(separator: "\n").count { $0.hasPrefix("seen") } }

    /// The outside endpoint that the first machine saw last.
    func mapping() async throws -> String { try await mappings().first }

    func mappings() async throws -> (first: String, second: String) {
        try await settled()
        func last(_ host: String) throws -> String {
            let lines = said.split(separator: "\n").filter { $0.hasPrefix("seen \(host):") }
            guard let line = lines.last else { throw NotThere(what: "an answer of \(host) in \(said)") }
            return String(line.split(separator: " ")[2])
        }
        return (try last("198.18.1.10"), try last("198.18.1.11"))
    }

    /// Waits until questions that are asked from now on were answered by both machines.
    func settled() async throws {
        let before = count
        try await eventually("both machines answer") { count >= before + 6 }
    }

    func knock(from namespace: String, _ port: Int, to endpoint: String, _ word: String) async throws {
        try await Self.knock(grid.bed, from: namespace, port, to: endpoint, word)
    }

    private static func knock(
        _ bed: Testbed, from namespace: String, _ port: Int, to endpoint: String, _ word: String
    ) async throws {
        try await bed.succeed(["python3", script, "knock", "\(port)", endpoint, word], in: namespace)
    }

    func traits() async throws -> NATTraits {
        let (outer, other) = try await mappings()
        try await knock(from: stranger, 7000, to: outer, "stranger")
        try await knock(from: first, 7001, to: outer, "port")
        try await settled()
        let after = try await mapping()
        guard after == outer else { throw NotThere(what: "a mapping that stays: \(outer), then \(after)") }
        let heard = said
        return NATTraits(
            keepsPort: outer == other, admitsStrangers: heard.contains("heard stranger"),
            admitsOtherPorts: heard.contains("heard port"))
    }
}
