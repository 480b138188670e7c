internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Firewall
internal import INET256
internal import Settings
internal import Wire

struct FirewallTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Say whether a new connection would be allowed, and by which rule.",
        discussion: """
            Asks the policy of the configuration file, not the kernel; nothing is sent. A
            name may be a peer's, a group's or that of a network behind another box: then
            all of its members are asked about, and every different answer is shown.

            EXAMPLES
              inet256vpn firewall test --from alice --to tcp/22
              inet256vpn firewall test --from any-group --to ssh --at lan
              inet256vpn firewall test --out --from alice --to tcp/25

            With --out the connection goes from this box (or --at, a network behind it) to
            the one that --from names.

            EXIT STATUS
              0   allowed
              1   denied or rejected, all or some of it
              2   wrong usage or configuration
            """)

    @Option(
        name: .long,
        help: "Who is on the mesh's side: a peer's name, NAME.mesh.internal, an address, a group, an IPv6 prefix.")
    var from: String
    @Option(name: .long, help: "The service: ssh, tcp/22, udp/5000-5010, icmpv6/echo-request, any.")
    var to: String
    @Option(name: .long, help: "What is on our side: box, any, a network behind it, or an IPv6 address in one.")
    var at: String?
    @Flag(name: .long, help: "Ask about what leaves through the mesh.")
    var out = false
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var file: ConfigurationAccess

    private struct Answer: Encodable {
        let action: String
        let reason: String
        /// The rule's place in its list, from 0.
        let rule: Int?
        let limit: String?
        let example: String
    }

    func run() throws {
        let configuration = try file.load()
        let test = try question(configuration)
        let policy = configuration.firewallPolicy()
        let packets = PacketCases(policy: policy).packets(test, GroupMembers(configuration))
        var answers: [Answer] = []
        var seen: Set<FirewallDecision> = []
        for packet in packets {
            let decision = policy.decide(packet)
            guard seen.insert(decision).inserted else { continue }
            answers.append(answer(decision, policy, packet))
        }
        if json { try printJSON(answers) } else { tell(answers, configuration) }
        if answers.isEmpty { throw CommandFailure(.failure, "\(from) has no members: nothing was asked") }
        if answers.contains(where: { $0.action != FirewallAction.allow.rawValue }) { throw ExitStatus.failure }
    }

    private func tell(_ answers: [Answer], _ configuration: Configuration) {
        if let reason = configuration.firewallIdleReason { Program.complain("warning: NOT ENFORCED: \(reason)") }
        for answer in answers {
            var line = "\(answer.action) by \(answer.reason)"
            if let limit = answer.limit { line += ", up to \(limit)" }
            if answers.count > 1 { line += "  (such as \(answer.example))" }
            print(line)
        }
    }

    private func answer(_ decision: FirewallDecision, _ policy: FirewallPolicy, _ packet: FirewallPacket) -> Answer {
        var place: Int?
        if case .rule(let number) = decision.reason { place = number }
        return Answer(
            action: decision.action.rawValue, reason: decision.words(policy, packet), rule: place,
            limit: decision.limit?.description, example: packet.words)
    }

    /// The options, read as an entry of `firewall.tests` would be.
    private func question(_ configuration: Configuration) throws -> FirewallTest {
        do throws(ConfigurationError) {
            return try configuration.firewallQuestion(
                from: NodeNames(configuration).word(DashedAddress.unprotect(from)), to: to, at: at,
                way: out ? .outbound : .inbound)
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
    }
}
