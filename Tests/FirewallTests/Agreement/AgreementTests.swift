import Testing
import Wire

@testable import Firewall

/// Ten thousand generated questions: the evaluator and the compiled ruleset must answer as the slow oracle does.
@Suite struct AgreementTests {
    static let policies: UInt64 = 250
    static let packets: UInt64 = 40

    @Test func evaluatorRulesetAndOracleAgree() {
        var tally = Tally()
        for seed in 0..<Self.policies {
            var generator = PolicyGenerator(seed: seed)
            let generated = generator.policy()
            let ruleset = PolicyCompiler.compile(generated.policy)
            let faults = ruleset.faults
            #expect(faults.isEmpty, "policy of seed \(seed)\n\(ruleset.nftText)")
            guard faults.isEmpty else { return }
            tally.count(ruleset)

            let oracle = SlowOracle(generated)
            // Half of them as they are once there is an interface.
            let machine = RulesetMachine(seed % 2 == 0 ? ruleset : ruleset.bound(to: RulesetMachine.portalIndex))
            let counters = RuleCounters(generated.policy)
            var packets = PacketGenerator(generated, seed: seed << 32 | 1)
            for number in 0..<Self.packets {
                let packet = packets.packet()
                let expected = oracle.decide(packet)
                tally.count(expected)

                let decision = generated.policy.decide(packet)
                let trace = machine.pass(packet)
                let counted = trace.counters.filter(counters.all.contains)
                guard
                    decision.action != expected.action || decision.reason != expected.reason || decision.limit != nil
                        || trace.outcome != .init(expected.action, of: packet)
                        || counted != counters.expected(for: expected, packet)
                else { continue }
                Issue.record(
                    """
                    seed \(seed), packet \(number): \(packet)
                    oracle \(expected), evaluator \(decision), ruleset \(trace)
                    inbound \(generated.policy.inbound)
                    outbound \(generated.policy.outbound)
                    groups \(generated.groupMembers), networks \(generated.networkPrefixes)
                    \(ruleset.nftText)
                    """)
                // One is enough to look at; the others most likely have the same cause.
                return
            }
        }
        tally.report()
        tally.require()
    }

    /// What does not go through the portal is not ours; what comes from the mesh does not go back into it.
    @Test func othersTrafficPassesAndTheMeshIsNotForwardedIntoItself() {
        for seed in 1000..<1060 as Range<UInt64> {
            var generator = PolicyGenerator(seed: seed)
            let generated = generator.policy()
            let ruleset = PolicyCompiler.compile(generated.policy)
            let machine = RulesetMachine(seed % 2 == 0 ? ruleset : ruleset.bound(to: RulesetMachine.portalIndex))
            var packets = PacketGenerator(generated, seed: seed << 32 | 1)
            for _ in 0..<10 {
                var packet = packets.packet()
                for (input, output) in [("other", nil), (nil, "other"), ("other", "third")] as [(String?, String?)] {
                    let foreign = machine.pass(.init(packet: packet, input: input, output: output))
                    #expect(foreign.outcome == .passes && foreign.counters.isEmpty, "seed \(seed): \(packet)")
                }
                packet.state = .new
                if packet.transport == 58, (1...4).contains(packet.icmpType) { continue }
                let back = machine.pass(.init(packet: packet, input: "portal", output: "portal"))
                #expect(back.outcome == .silence, "seed \(seed): \(packet)")
            }
        }
    }
}

extension RulesetMachine.Outcome {
    /// How an action looks from outside.
    init(_ action: FirewallAction, of packet: FirewallPacket) {
        switch action {
        case .allow: self = .passes
        case .deny: self = .silence
        case .reject: self = packet.transport == 6 ? .reset : .prohibited
        }
    }
}

/// Which counter says that a rule decided.
struct RuleCounters {
    let inbound: [String]
    let outbound: [String]
    let all: Set<String>

    init(_ policy: FirewallPolicy) {
        inbound = PolicyCompiler.counterNames(policy.inbound, isInbound: true)
        outbound = PolicyCompiler.counterNames(policy.outbound, isInbound: false)
        let others: [PolicyCompiler.Counter] = [.defaultIn, .defaultOut, .echo, .invalid, .noNetwork]
        all = Set(inbound + outbound + others.map(\.rawValue))
    }

    func expected(for verdict: SlowOracle.Verdict, _ packet: FirewallPacket) -> [String] {
        let isInbound = packet.way == .toBox || packet.way == .toNetwork
        switch verdict.reason {
        case .connection, .essentialICMPv6: return []
        case .invalid: return [PolicyCompiler.Counter.invalid.rawValue]
        case .rule(let index): return [isInbound ? inbound[index] : outbound[index]]
        case .echoRequest: return [PolicyCompiler.Counter.echo.rawValue]
        case .fallback: return [(isInbound ? PolicyCompiler.Counter.defaultIn : .defaultOut).rawValue]
        case .noNetwork: return [PolicyCompiler.Counter.noNetwork.rawValue]
        }
    }
}

/// What the cases were about: a proof is worth nothing when all of them end in the same place.
private struct Tally {
    private var reasons: [String: Int] = [:]
    private var actions: [FirewallAction: Int] = [:]
    private var laterRules = 0
    private var serviceMaps = 0
    private var hostMaps = 0
    private var sets = 0

    mutating func count(_ verdict: SlowOracle.Verdict) {
        actions[verdict.action, default: 0] += 1
        switch verdict.reason {
        case .rule(let index):
            reasons["rule", default: 0] += 1
            if index >= 8 { laterRules += 1 }
        case .connection, .invalid, .essentialICMPv6, .echoRequest, .fallback, .noNetwork:
            reasons["\(verdict.reason)", default: 0] += 1
        }
    }

    mutating func count(_ ruleset: Ruleset) {
        sets += ruleset.sets.count
        for map in ruleset.maps {
            switch map.elements {
            case .services: serviceMaps += 1
            case .hosts: hostMaps += 1
            }
        }
    }

    func report() {
        let ends = reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let verdicts = FirewallAction.allCases.map { "\($0) \(actions[$0, default: 0])" }.joined(separator: ", ")
        print("agreement: \(ends) (\(laterRules) by a rule behind the eighth); \(verdicts)")
        print("agreement: \(serviceMaps) maps of services, \(hostMaps) maps of hosts, \(sets) sets")
    }

    func require() {
        for reason in ["connection", "invalid", "essentialICMPv6", "rule", "echoRequest", "fallback", "noNetwork"] {
            #expect(reasons[reason, default: 0] >= 50, "hardly a case for \(reason)")
        }
        #expect(laterRules >= 500)
        for action in FirewallAction.allCases {
            #expect(actions[action, default: 0] >= 1000, "hardly a case for \(action)")
        }
        #expect(serviceMaps >= 50 && hostMaps >= 50 && sets >= 100)
    }
}
