import TestSupport
import Testing
import Wire

@testable import Firewall

/// A sample of the generated questions, put to the kernel with real packets. Each table gets there in one of three ways:
/// by the batch, by a change of another table, and as nft text.
@Suite struct LiveAgreementTests {
    static let policies: UInt64 = 48
    static let packets = 12

    @Test func theKernelDoesWhatEvaluatorAndOracleSay() throws {
        var tally = LiveTally()
        for seed in 5000..<5000 + Self.policies {
            var generator = PolicyGenerator(seed: seed)
            var generated = generator.policy()
            // Packets are known again by their addresses.
            generated.policy.masquerades = []
            let ruleset = PolicyCompiler.compile(generated.policy)
            let arrival = LiveArrival.allCases[Int(seed) % LiveArrival.allCases.count]
            let before = PolicyCompiler.compile(generator.predecessor(of: generated).policy)
            let sent = Self.sample(generated, seed: seed)
            let (seen, counts) = try OwnNetwork.run {
                let network = try LiveNetwork()
                let table = try arrival.load(ruleset, after: before)
                return (try network.outcomes(of: sent), try table.counters())
            }

            let oracle = SlowOracle(generated)
            let counters = RuleCounters(generated.policy)
            var expectedCounts: [String: UInt64] = [:]
            for (live, outcome) in zip(sent, seen) {
                let expected = oracle.decide(live.packet)
                let decision = generated.policy.decide(live.packet)
                tally.count(live.packet, outcome)
                for name in counters.expected(for: expected, live.packet) { expectedCounts[name, default: 0] += 1 }
                #expect(
                    outcome == .init(expected.action, of: live.packet) && decision.action == expected.action
                        && decision.reason == expected.reason,
                    """
                    seed \(seed), \(arrival), packet \(live.number): \(live.packet)
                    kernel \(outcome.map { "\($0)" } ?? "contradictory"), oracle \(expected), evaluator \(decision)
                    \(ruleset.nftText)
                    """)
            }
            // The kernel says by the counters which rule it was.
            for name in counters.all.sorted() {
                #expect(
                    counts[name]?.packets == expectedCounts[name, default: 0],
                    "seed \(seed), \(arrival): \(name)\n\(sent.map(\.packet))\n\(ruleset.nftText)")
            }
        }
        tally.require()
    }

    /// Packets that a kernel takes: their addresses can be routed, and no packet belongs to another's connection.
    private static func sample(_ generated: GeneratedPolicy, seed: UInt64) -> [LivePacket] {
        var packets = PacketGenerator(generated, seed: seed << 32 | 2)
        var sent: [LivePacket] = []
        var flows: Set<Set<String>> = []
        // Bounded: a policy may have few addresses that can be routed.
        for attempt in 0..<1000 where sent.count < Self.packets {
            var packet = packets.packet()
            if packet.way == .toBox { packet.destination = LiveNetwork.box }
            if packet.way == .fromBox { packet.source = LiveNetwork.box }
            let isOfBox = packet.way == .toBox || packet.way == .fromBox
            guard isRoutable(packet.source), isRoutable(packet.destination), packet.source != packet.destination,
                isOfBox || (packet.source != LiveNetwork.box && packet.destination != LiveNetwork.box),
                isCarried(packet.transport)
            else { continue }
            packet.state = LivePacket.state(of: packet)
            // Most ICMPv6 is invalid before any rule is asked: without help hardly a rule about it would be tried.
            let isAskedAbout = packet.transport == 58 && packet.state != .invalid
            if sent.count % 4 == 0, attempt < 500, !isAskedAbout { continue }
            // With ports or an identifier every packet is a connection of its own.
            let isApart = [6, 17, 58, 132].contains(packet.transport)
            let flow: Set = [
                "\(packet.source)", "\(packet.destination)", isApart ? "number \(sent.count)" : "\(packet.transport)",
            ]
            guard flows.insert(flow).inserted else { continue }
            sent.append(LivePacket(sent.count + 1, packet))
        }
        return sent
    }

    /// Not of ::/8, fe00::/8 and ff00::/8: loopback, link-local and multicast are among them.
    private static func isRoutable(_ address: IPv6Address) -> Bool { ![0x00, 0xfe, 0xff].contains(address.high >> 56) }

    /// Extension headers are no upper layers. To connection tracking invalid are ICMP (1), "no next header" (59), and
    /// UDP-Lite (136), of which it checks the checksum with UDP's number. ESP (50) is for the kernel's own IPsec.
    private static func isCarried(_ transport: UInt8) -> Bool {
        ![0, 1, 43, 44, 50, 51, 59, 60, 135, 136, 139, 140].contains(transport)
    }
}

/// How a ruleset gets into the kernel.
private enum LiveArrival: CaseIterable {
    case loaded, swapped, text

    /// - Returns: the table's owner, or who reads it: it stays at least as long as this lives.
    func load(_ ruleset: Ruleset, after before: Ruleset) throws -> FirewallTable {
        let table = try FirewallTable()
        switch self {
        case .loaded: try table.load(ruleset)
        case .swapped:
            try table.load(before)
            try table.swap(to: ruleset)
        case .text: try OwnNetwork.shell("nft -f -", input: ruleset.nftText)
        }
        return table
    }
}

private struct LiveTally {
    private var cases = 0
    private var outcomes: [RulesetMachine.Outcome: Int] = [:]
    private var ways: [FirewallPacket.Way: Int] = [:]

    mutating func count(_ packet: FirewallPacket, _ outcome: RulesetMachine.Outcome?) {
        cases += 1
        ways[packet.way, default: 0] += 1
        if let outcome { outcomes[outcome, default: 0] += 1 }
    }

    func require() {
        print("agreement with the kernel: \(cases) cases, \(ways), \(outcomes)")
        #expect(cases >= 300)
        for outcome in [.passes, .silence, .reset, .prohibited] as [RulesetMachine.Outcome] {
            #expect(outcomes[outcome, default: 0] >= 15, "hardly a case for \(outcome)")
        }
        for way in [.toBox, .toNetwork, .fromBox, .fromNetwork] as [FirewallPacket.Way] {
            #expect(ways[way, default: 0] >= 40, "hardly a case for \(way)")
        }
    }
}
