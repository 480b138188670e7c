internal import Firewall
internal import INET256
internal import Settings
internal import Wire

/// A test of `firewall.tests` that came out otherwise than it should.
struct FirewallTestFailure: Hashable, Sendable, CustomStringConvertible {
    /// The test's place in the list.
    let place: Int
    /// "from mallory to ssh".
    let question: String
    let expected: FirewallAction
    let decision: FirewallDecision
    /// "rule 2 (deny any from mallory)".
    let reason: String

    var description: String {
        "firewall.tests[\(place)] fails: \(question) should be \(expected.rawValue), and is \(decision.action.rawValue) "
            + "by \(reason)"
    }
}

extension Configuration {
    /// Puts the policy to the tests that the file has for it. All packets of a test must come out alike.
    func firewallTestFailures(_ policy: FirewallPolicy) -> [FirewallTestFailure] {
        let cases = PacketCases(policy: policy)
        let members = GroupMembers(self)
        var failures: [FirewallTestFailure] = []
        for (place, test) in firewall.tests.enumerated() {
            for packet in cases.packets(test, members) {
                let decision = policy.decide(packet)
                guard decision.action != test.expect else { continue }
                failures.append(
                    FirewallTestFailure(
                        place: place, question: question(test), expected: test.expect, decision: decision,
                        reason: decision.words(policy, packet)))
                break
            }
        }
        return failures
    }

    private func question(_ test: FirewallTest) -> String {
        let who = test.subjects.map { RuleText.word($0, peers: peers) }.joined(separator: ", ")
        let what = test.services.map(\.text).joined(separator: ", ")
        let end = test.ends == [.box] ? "" : " at " + test.ends.map(\.word).joined(separator: ", ")
        switch test.way {
        case .inbound: return "\(what) from \(who)\(end)"
        case .outbound: return "\(what) to \(who)\(end)"
        }
    }
}

extension FirewallDecision {
    /// Why, for people: "rule 2 (deny any from mallory)".
    func words(_ policy: FirewallPolicy, _ packet: FirewallPacket) -> String {
        switch reason {
        case .connection: "the connection that it belongs to"
        case .invalid: "connection tracking: it belongs to nothing"
        case .essentialICMPv6: "the standing rule for ICMPv6 that IPv6 needs"
        case .echoRequest: "the standing rule for pings"
        case .noNetwork: "the standing rule that nothing but `networks:` is forwarded"
        case .fallback: "the default"
        case .rule(let place):
            "rule \(place) (\((packet.way.isInbound ? policy.inbound : policy.outbound).rules[place].text))"
        }
    }
}
