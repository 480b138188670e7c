internal import Dashboard
internal import Firewall
internal import Settings

/// Puts questions to the policy that is in force, one after the other and aside of everything else: one with many packets takes a while.
actor FirewallAnswers {
    /// Packets times rules at most: a fraction of a second.
    static let mostWork = 2_000_000

    func answer(_ question: AllowedQuestion, _ configuration: Configuration) -> AllowedOutcome {
        let test: FirewallTest
        do throws(ConfigurationError) {
            test = try configuration.firewallQuestion(
                from: question.from, to: question.to, at: question.at.isEmpty ? nil : question.at,
                way: question.isOutbound ? .outbound : .inbound)
        } catch {
            // The place that it names is no file.
            return .refused("\(error)".replacing("the command line: ", with: ""))
        }
        let policy = configuration.firewallPolicy()
        let rules = max(1, policy.inbound.rules.count + policy.outbound.rules.count)
        let cases = PacketCases(policy: policy)
        guard let packets = cases.packets(test, GroupMembers(configuration), most: Self.mostWork / rules) else {
            return .refused("that is too many packets to ask about here: sudo inet256vpn firewall test")
        }
        var seen: Set<FirewallDecision> = []
        return .answers(
            packets.compactMap { packet in
                let decision = policy.decide(packet)
                guard seen.insert(decision).inserted else { return nil }
                return AllowedAnswer(
                    action: decision.action.rawValue, reason: decision.words(policy, packet),
                    limit: decision.limit?.description, example: packet.words)
            })
    }
}

extension FirewallPacket {
    /// "tcp/22 from fd00::1".
    var words: String {
        let service =
            switch transport {
            case 6: "tcp/\(destinationPort)"
            case 17: "udp/\(destinationPort)"
            case FirewallPacket.icmpv6: "icmpv6/\(icmpType)"
            default: "proto/\(transport)"
            }
        return way.isInbound ? "\(service) from \(source)" : "\(service) to \(destination)"
    }
}
