import Wire

@testable import Firewall

/// Walks a packet through a ruleset as nf_tables would, so that what the compiler made can be asked without a kernel.
struct RulesetMachine {
    /// What somebody outside sees.
    enum Outcome: Hashable {
        case passes
        case silence
        /// TCP RST.
        case reset
        /// ICMPv6 type 1 code 1.
        case prohibited
    }

    /// The parts of a packet on its way that a policy does not speak of.
    struct Passage {
        var packet: FirewallPacket
        /// Nil: from the box itself.
        var input: String?
        /// Nil: to the box itself.
        var output: String?
        var isIPv6 = true
    }

    struct Trace {
        var outcome = Outcome.passes
        /// Names, in the order of counting.
        var counters: [String] = []
    }

    /// Jumps within jumps that the kernel follows (NFT_JUMP_STACK_SIZE).
    static let mostJumps = 16

    private let ruleset: Ruleset
    private let chains: [String: RulesetChain]
    /// Prefixes and hosts as bits.
    private var addresses: [String: [String]] = [:]
    private var services: [String: [PortRange]] = [:]
    private var hostJumps: [String: [String: String]] = [:]
    private var serviceJumps: [String: [ServiceJump]] = [:]

    /// - Parameter ruleset: sound, as `Ruleset.faults` says.
    init(_ ruleset: Ruleset) {
        self.ruleset = ruleset
        chains = Dictionary(ruleset.chains.map { ($0.name, $0) }) { first, _ in first }
        for set in ruleset.sets {
            switch set.elements {
            case .hosts(let hosts): addresses[set.name] = hosts.map(SlowOracle.bits)
            case .prefixes(let prefixes): addresses[set.name] = prefixes.map(SlowOracle.bits)
            case .services(let ranges): services[set.name] = ranges
            // Nobody was met yet, and there is room.
            case .flows: break
            case .met: addresses[set.name] = []
            }
        }
        for map in ruleset.maps {
            switch map.elements {
            case .services(let jumps): serviceJumps[map.name] = jumps
            case .hosts(let jumps):
                hostJumps[map.name] = Dictionary(jumps.map { (SlowOracle.bits($0.host), $0.chain) }) { first, _ in first
                }
            }
        }
    }

    func pass(_ packet: FirewallPacket) -> Trace {
        let portal = "portal"
        switch packet.way {
        case .toBox: return pass(Passage(packet: packet, input: portal, output: nil))
        case .toNetwork: return pass(Passage(packet: packet, input: portal, output: "other"))
        case .fromBox: return pass(Passage(packet: packet, input: nil, output: portal))
        case .fromNetwork: return pass(Passage(packet: packet, input: "other", output: portal))
        }
    }

    /// Through all hooks on the packet's way, until one stops it.
    func pass(_ passage: Passage) -> Trace {
        let hooks: [NftHook] =
            passage.input == nil
            ? [.output, .postrouting]
            : passage.output == nil ? [.prerouting, .input] : [.prerouting, .forward, .postrouting]
        var trace = Trace()
        for hook in hooks {
            var seen = passage
            // Where it goes is not known before routing.
            if hook == .prerouting { seen.output = nil }
            let bases = ruleset.chains.filter { $0.hook?.hook == hook }
                .sorted { ($0.hook?.priority ?? 0) < ($1.hook?.priority ?? 0) }
            for base in bases {
                if case .stop(let outcome) = walk(base, seen, depth: 0, &trace) {
                    trace.outcome = outcome
                    return trace
                }
            }
        }
        return trace
    }

    // Chains.

    private enum Verdict {
        /// The end of this base chain; other base chains still look at it.
        case accept
        case stop(Outcome)
        /// The chain's end: what called it goes on.
        case end
    }

    private enum Step {
        case next
        /// A match failed.
        case mismatch
        case verdict(Verdict)
        case jump(String)
        case goto(String)
    }

    private func walk(_ chain: RulesetChain, _ passage: Passage, depth: Int, _ trace: inout Trace) -> Verdict {
        precondition(depth < Self.mostJumps, "jumps too deep in \(chain.name)")
        rules: for rule in chain.rules {
            for statement in rule.statements {
                switch step(statement, passage, &trace) {
                case .next: continue
                case .mismatch: continue rules
                case .verdict(let verdict): return verdict
                case .jump(let name):
                    let verdict = walk(called(name), passage, depth: depth + 1, &trace)
                    if case .end = verdict { continue rules }
                    return verdict
                case .goto(let name): return walk(called(name), passage, depth: depth, &trace)
                }
            }
        }
        return .end
    }

    private func called(_ name: String) -> RulesetChain {
        guard let chain = chains[name] else { preconditionFailure("no chain \(name)") }
        return chain
    }

    // Statements.

    private func step(_ statement: Statement, _ passage: Passage, _ trace: inout Trace) -> Step {
        let packet = passage.packet
        let isICMPv6 = passage.isIPv6 && packet.transport == 58
        func when(_ matches: Bool) -> Step { matches ? .next : .mismatch }
        switch statement {
        case .inputInterface(let name, let isNot): return when((passage.input == name) != isNot)
        case .outputInterface(let name, let isNot): return when((passage.output == name) != isNot)
        case .inputIndex(let index, let isNot): return when((number(passage.input) == index) != isNot)
        case .outputIndex(let index, let isNot): return when((number(passage.output) == index) != isNot)
        case .notIPv6: return when(!passage.isIPv6)
        case .connection(let states): return when(states.contains(packet.state))
        case .transport(let number): return when(packet.transport == number)
        case .address(let side, let prefix):
            return when(passage.isIPv6 && Self.bits(packet, side).hasPrefix(SlowOracle.bits(prefix)))
        case .addressIn(let side, let set): return when(passage.isIPv6 && isIn(set, packet, side))
        case .destinationPort(let ports): return when(ports.contains(packet.destinationPort))
        case .serviceIn(let set):
            return when(services[set, default: []].contains { Self.isIn($0, packet) })
        case .icmpv6Type(let type): return when(isICMPv6 && packet.icmpType == type)
        case .icmpv6Types(let types): return when(isICMPv6 && types.contains(packet.icmpType))
        case .icmpv6Code(let code): return when(packet.icmpCode == code)
        case .tcpSyn: return when(packet.transport == 6)
        // Packets here are first packets, and nothing has been cut.
        case .tcpMidway: return .mismatch
        case .notTransport(let number): return when(packet.transport != number)
        case .flowIn: return .mismatch
        case .jumpByService(let map):
            let found = serviceJumps[map, default: []].first { Self.isIn($0.range, packet) }
            return found.map { .jump($0.chain) } ?? .mismatch
        case .jumpByAddress(let side, let map):
            guard passage.isIPv6 else { return .mismatch }
            return hostJumps[map]?[Self.bits(packet, side)].map { .jump($0) } ?? .mismatch
        case .counter(let name):
            trace.counters.append(name)
            return .next
        case .limit, .limitRate, .log, .clampMSS: return .next
        // Nobody is over a rate here.
        case .isOver: return .mismatch
        case .masquerade, .accept: return .verdict(.accept)
        case .drop: return .verdict(.stop(.silence))
        // The kernel resets nothing but TCP, and drops the packet all the same.
        case .rejectReset: return .verdict(.stop(packet.transport == 6 ? .reset : .silence))
        case .rejectProhibited: return .verdict(.stop(.prohibited))
        case .jump(let name): return .jump(name)
        case .goto(let name): return .goto(name)
        }
    }

    /// The index of an interface here; nil for none.
    private func number(_ name: String?) -> UInt32? { name.flatMap { Self.indexes[$0] } }

    static let portalIndex: UInt32 = 7
    private static let indexes: [String: UInt32] = ["portal": portalIndex, "other": 8, "third": 9]

    private func isIn(_ set: String, _ packet: FirewallPacket, _ side: Statement.Side) -> Bool {
        let bits = Self.bits(packet, side)
        return addresses[set, default: []].contains { bits.hasPrefix($0) }
    }

    private static func isIn(_ range: PortRange, _ packet: FirewallPacket) -> Bool {
        range.protocol == packet.transport && range.ports.contains(packet.destinationPort)
    }

    private static func bits(_ packet: FirewallPacket, _ side: Statement.Side) -> String {
        switch side {
        case .source: return SlowOracle.bits(packet.source)
        case .destination: return SlowOracle.bits(packet.destination)
        }
    }
}
